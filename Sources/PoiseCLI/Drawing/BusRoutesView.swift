package import PoiseModel

/// Shows people the routes of the bus and their links; what is unknown is a dash.
package struct BusRoutesView {
    private let routes: [JSON]
    private let console: Console

    package init(_ answer: JSON, console: Console) {
        routes = answer["routes"]?.array ?? []
        self.console = console
    }

    package var lines: [String] {
        guard !routes.isEmpty else {
            return ["no routes: the policy has no bus (see its key bus)"]
        }
        var lines = routeLines
        var table = Table([
            .init("LINK", wraps: true), .init("FROM", wraps: true), .init("TO"),
            .init("SHARE", number: true), .init("RING", number: true),
            .init("NODE", number: true), .init("MADE", number: true, extra: true), .init("STATE"),
        ])
        for link in routes.flatMap({ $0["links"]?.array ?? [] }) { table.add(row(link)) }
        if !table.isEmpty {
            lines += [""] + table.lines(width: console.width, paint: console.paint)
        }
        return lines
    }

    private var routeLines: [String] {
        var table = Table([
            .init("ROUTE"), .init("TOPICS", wraps: true), .init("FROM", wraps: true),
            .init("TO", wraps: true), .init("DELIVERS"), .init("WHEN FULL", wraps: true),
            .init("RING", number: true, extra: true), .init("WAIT", extra: true),
        ])
        for route in routes {
            if route["removed"]?.bool == true {
                table.add([
                    .init(text(route["route"]), .bold), .init("is not in the policy any more"),
                    "", "", "", "", "", "",
                ])
                continue
            }
            let isShared = route["shared"]?.bool == true
            table.add([
                .init(text(route["route"]), .bold), .init(list(route["topics"])),
                .init(list(route["from"], empty: "all")), .init(list(route["to"], empty: "all")),
                .init(text(route["delivery"])), .init(full(route["full"])),
                .init(bytes(route["ringBytes"]) + (isShared ? " shared" : "")),
                .init(text(route["wait"])),
            ])
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ link: JSON) -> [Table.Cell] {
        let shares = (link["shares"]?.array ?? []).compactMap(\.integer)
        let (written, read) = (link["written"]?.bool == true, link["read"]?.bool == true)
        let state: Table.Cell =
            switch (link["draining"]?.bool == true, written, read) {
            case (true, _, _): .init("drains", .warning)
            case (_, true, true): .init("in use", .good)
            case (_, false, true): .init("no sender")
            case (_, true, false): .init("no receiver", .warning)
            case (_, false, false): .init("nobody")
            }
        return [
            .init(text(link["link"]), .bold), .init(list(link["from"])), .init(text(link["to"])),
            .init(shares.first.map { "\($0)" } ?? console.glyphs.unknown),
            .init(bytes(link["ringBytes"])), .init(text(link["node"])),
            .init(link["incarnation"]?.integer.map { "\($0)x" } ?? console.glyphs.unknown), state,
        ]
    }

    private func full(_ rule: JSON?) -> String {
        switch rule?["rule"]?.string {
        case "block":
            let time = rule?["nanoseconds"]?.integer ?? 0
            return time == 0 ? "refuses" : "waits \(QuantityText.duration(.nanoseconds(time)))"
        case "dropOldest": return "drops oldest"
        case "dropNewest": return "drops newest"
        case "spill": return "to disk, \(bytes(rule?["mostBytes"]))"
        default: return console.glyphs.unknown
        }
    }

    private func list(_ value: JSON?, empty: String = "") -> String {
        let names = (value?.array ?? []).compactMap(\.string)
        return names.isEmpty ? empty : PrintableText.of(names.joined(separator: ", "))
    }

    private func bytes(_ value: JSON?) -> String {
        value?.integer.map { QuantityText.bytes($0) } ?? console.glyphs.unknown
    }

    private func text(_ value: JSON?) -> String {
        value?.string.map { PrintableText.of($0) } ?? value?.integer.map { "\($0)" }
            ?? console.glyphs.unknown
    }
}
