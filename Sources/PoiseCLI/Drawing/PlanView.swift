package import PoiseModel

/// Shows a plan document (`poise plan --json`, `poise allocations --json`) to people.
package struct PlanView {
    private let plan: JSON
    private let console: Console
    private let features: [JSON]

    package init(_ plan: JSON, console: Console) {
        self.plan = plan
        self.console = console
        features = (plan["features"]?.array ?? []).sorted { left, right in
            (-(left["priority"]?.integer ?? 0), left["feature"]?.string ?? "")
                < (-(right["priority"]?.integer ?? 0), right["feature"]?.string ?? "")
        }
    }

    package var lines: [String] { head + table + reasons + keptOut + foot }

    private var head: [String] {
        let parts = [
            "policy \(plan["policy"]?.string ?? "")", "machine \(plan["machine"]?.string ?? "")",
        ]
        let text = parts.joined(separator: console.glyphs.separator)
        return DisplayWidth.wrapped(text, to: console.width).map { console.paint(.bold, $0) } + [""]
    }

    private var table: [String] {
        guard !features.isEmpty else { return ["no feature has a place"] }
        var table = Table([
            .init("FEATURE"), .init("PRIO", number: true), .init("P", number: true),
            .init("E", number: true), .init("L", number: true), .init("SHARED", number: true),
            .init("CPUS", wraps: true), .init("LENT", wraps: true),
            .init("BORROWED", wraps: true), .init("NODES"), .init("MEMORY", number: true),
            .init("ACCELERATORS", wraps: true), .init("UNMET", wraps: true),
            .init("DRIFT", wraps: true),
        ])
        for feature in features { table.add(row(feature)) }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ feature: JSON) -> [Table.Cell] {
        let cores = CoreClass.allCases.map { feature["cores"]?[$0.rawValue]?.integer ?? 0 }
        let shared = (feature["millicores"]?.integer ?? 0) - cores.reduce(0, +) * 1000
        let name = feature["feature"]?.string ?? ""
        let whole = cores.map { Table.Cell($0 > 0 ? "\($0)" : "") }
        let unmet = (feature["unmet"]?.array ?? []).map(UnmetWords.shortest)
        return [
            .init(DisplayWidth.cut(name, to: 24, console.glyphs), .bold),
            .init(feature["priority"]?.integer.map(String.init) ?? console.glyphs.unknown),
        ] + whole + [
            .init(shared > 0 ? QuantityText.cores(shared) : ""),
            .init(feature["cpus"]?.string ?? ""), .init(feature["lent"]?.string ?? ""),
            .init(feature["borrowed"]?.string ?? ""), .init(feature["nodes"]?.string ?? ""),
            .init(memory(feature["memory"])), .init(accelerators(feature)),
            .init(unmet.joined(separator: ", "), .warning), .init(drift(feature), .bad),
        ]
    }

    /// `256 MiB` kept, or `256 MiB–1 GiB` with a limit.
    private func memory(_ memory: JSON?) -> String {
        let low = memory?["lowBytes"]?.integer ?? 0
        let kept = low > 0 ? QuantityText.bytes(low) : ""
        guard let most = memory?["maxBytes"]?.integer else { return kept }
        let limit = QuantityText.bytes(most)
        guard low > 0 else { return "\(console.glyphs.atMost)\(limit)" }
        let units = (kept.split(separator: " ").last, limit.split(separator: " ").last)
        let short = units.0 == units.1 ? String(kept.prefix { $0 != " " }) : kept
        return short + console.glyphs.unknown + limit
    }

    private func accelerators(_ feature: JSON) -> String {
        (feature["accelerators"]?.array ?? []).map { share in
            let part =
                share["sharePercent"]?.integer.map { "\($0) %" }
                ?? QuantityText.bytes(share["bytes"]?.integer ?? 0)
            return "\(share["id"]?.string ?? "") \(part)"
        }.joined(separator: ", ")
    }

    private func drift(_ feature: JSON) -> String {
        switch feature["drift"] {
        case nil, .null, .bool(false), .integer(0): ""
        case .string(let text): text
        case .array(let parts):
            parts.map { $0.string ?? $0.description }.joined(separator: ", ")
        case .some(let other): other.description
        }
    }

    private var reasons: [String] {
        guard !features.isEmpty else { return [] }
        let width = labelWidth
        return ["", console.paint(.bold, "Why")]
            + features.flatMap { feature -> [String] in
                let name = feature["feature"]?.string ?? ""
                let because = feature["because"]?.string ?? ""
                return Paragraph(label: name, labelWidth: width).lines(because, console)
                    + accountLines(feature, labelWidth: width)
                    + unmetLines(feature, labelWidth: width)
                    + notHeldLines(feature, labelWidth: width)
            }
    }

    /// What it has lent to others and borrowed from them so far, where there was any of it.
    private func accountLines(_ feature: JSON, labelWidth: Int) -> [String] {
        let said = [("lent", "lentCoreSeconds"), ("borrowed", "borrowedCoreSeconds")]
            .compactMap { word, key -> String? in
                guard let seconds = feature[key]?.number, seconds >= 0.05 else { return nil }
                return "\(word) \(QuantityText.decimal(seconds, digits: 1)) CPU-seconds"
            }
        guard !said.isEmpty else { return [] }
        return Paragraph(label: "", labelWidth: labelWidth)
            .lines("so far it has " + said.joined(separator: " and "), console)
            .map { console.paint(.dim, $0) }
    }

    private func notHeldLines(_ feature: JSON, labelWidth: Int) -> [String] {
        (feature["notHeld"]?.array ?? []).flatMap { line in
            let text = "\(line["setting"]?.string ?? ""): \(line["because"]?.string ?? "")"
            return Paragraph(label: "", labelWidth: labelWidth)
                .lines("advisory: " + text, console)
                .map { console.paint(.warning, $0) }
        }
    }

    private func unmetLines(_ feature: JSON, labelWidth: Int) -> [String] {
        (feature["unmet"]?.array ?? []).flatMap { unmet in
            let text = "\(UnmetWords.short(unmet)): \(unmet["because"]?.string ?? "")"
            return Paragraph(label: "", labelWidth: labelWidth)
                .lines("unmet: " + text, console)
                .map { console.paint(.warning, $0) }
        }
    }

    private var keptOut: [String] {
        let list = plan["keptOut"]?.array ?? []
        guard !list.isEmpty else { return [] }
        let width = labelWidth
        return ["", console.paint(.bad, "Kept out")]
            + list.flatMap { feature -> [String] in
                let name = feature["feature"]?.string ?? ""
                let label = Paragraph(label: name, labelWidth: width)
                let because = feature["because"]?.string ?? ""
                let start = "kept out: "
                let text =
                    because.hasPrefix(start) ? String(because.dropFirst(start.count)) : because
                return label.lines(text, console) + unmetLines(feature, labelWidth: width)
            }
    }

    private var labelWidth: Int {
        let names = (features + (plan["keptOut"]?.array ?? [])).map { feature in
            DisplayWidth.of(feature["feature"]?.string ?? "")
        }
        return min(24, names.max() ?? 0)
    }

    private var foot: [String] {
        let none = "none"
        let set = { (key: String) in
            let text = plan[key]?.string ?? ""
            return text.isEmpty ? none : text
        }
        var reserved = "reserved \(set("reserved"))"
        if let time = plan["reservedMillicores"]?.integer, time > 0 {
            let cores = "\(QuantityText.cores(time)) of a core's time"
            reserved = set("reserved") == none ? "reserved \(cores)" : "\(reserved) and \(cores)"
        }
        var parts = [reserved, "idle \(set("idle"))"]
        if let time = plan["solveMicroseconds"]?.integer {
            parts.append("solved in " + QuantityText.duration(.microseconds(time)))
        }
        let text = parts.joined(separator: console.glyphs.separator)
        return [""]
            + DisplayWidth.wrapped(text, to: console.width).map { console.paint(.dim, $0) }
    }
}
