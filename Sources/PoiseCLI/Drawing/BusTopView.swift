import PoiseModel

/// Shows people what goes over the bus; what is unknown is a dash.
package struct BusTopView {
    private let rates: [BusRate]
    private let console: Console

    package init(_ rates: [BusRate], console: Console) {
        self.rates = rates
        self.console = console
    }

    package var lines: [String] {
        guard !rates.isEmpty else { return ["no links (poise bus routes)"] }
        var table = Table([
            .init("LINK", wraps: true), .init("MSG/S", number: true),
            .init("BYTES/S", number: true),
            .init("DEPTH", number: true), .init("P50", number: true), .init("P99", number: true),
            .init("WAIT", wraps: true), .init("DROPS", wraps: true),
        ])
        for rate in rates {
            table.add(row(rate))
            for lane in lanes(of: rate) { table.add(lane) }
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ rate: BusRate) -> [Table.Cell] {
        let from = (rate.link["from"]?.array ?? []).compactMap(\.string)
        let sender = from.count == 1 ? from[0] : "\(from.count) senders"
        let name =
            "\(text(rate.link["route"])) \(sender) \(console.glyphs.arrow)"
            + text(rate.link["to"])
        let drops = rate.drops.map { "\(BusTopView.words[$0.kind] ?? $0.kind) \($0.count)" }
        let state = rate.link["draining"]?.bool == true ? ["drains"] : []
        return [
            .init(PrintableText.of(name), .bold),
            .init(BusTopView.number(rate.messagesPerSecond) ?? console.glyphs.unknown),
            .init(
                rate.bytesPerSecond.map { BusTopView.bytes($0) } ?? console.glyphs.unknown),
            .init(text(rate.link["depth"])), .init(time(rate.p50Nanoseconds)),
            .init(time(rate.p99Nanoseconds)), .init(wait(of: rate)),
            .init((state + drops).joined(separator: ", "), drops.isEmpty ? nil : .warning),
        ]
    }

    /// Only where more than one lane has something.
    private func lanes(of rate: BusRate) -> [[Table.Cell]] {
        let busy = rate.lanes.filter { $0.messages ?? 0 > 0 || $0.depth ?? 0 > 0 }
        guard busy.count > 1 else { return [] }
        return busy.map { lane in
            [
                .init("  \(lane.name)", .dim),
                .init(BusTopView.number(lane.messages) ?? console.glyphs.unknown), .init(""),
                .init(lane.depth.map { "\($0)" } ?? console.glyphs.unknown), .init(""), .init(""),
                .init(""), .init(""),
            ]
        }
    }

    /// How the consumer waits, and how often it went to sleep in a second.
    private func wait(of rate: BusRate) -> String {
        let word = text(rate.link["wait"])
        guard let sleeps = rate.sleepsPerSecond, sleeps >= 0.5 else { return word }
        return "\(word) \(BusTopView.number(sleeps) ?? "")/s"
    }

    private static let words = [
        "droppedOldest": "oldest", "droppedNewest": "newest", "refused": "refused",
        "spilled": "to disk", "missed": "missed",
    ]

    /// `950`, `12.5k`, `4.2M`: three digits.
    static func number(_ value: Double?) -> String? {
        guard let value, value.isFinite else { return nil }
        let units = ["", "k", "M", "G", "T"]
        var (scaled, unit) = (value, 0)
        while scaled >= 1000, unit < units.count - 1 {
            scaled /= 1000
            unit += 1
        }
        let digits = unit == 0 ? 0 : scaled < 10 ? 2 : scaled < 100 ? 1 : 0
        return QuantityText.decimal(scaled, digits: digits) + units[unit]
    }

    static func bytes(_ value: Double) -> String {
        QuantityText.bytes(Int(min(max(0, value), 9e15)))
    }

    private func time(_ nanoseconds: Int?) -> String {
        guard let nanoseconds else { return console.glyphs.unknown }
        if nanoseconds < 1000 { return "\(nanoseconds) ns" }
        return QuantityText.duration(.nanoseconds(nanoseconds))
    }

    private func text(_ value: JSON?) -> String {
        value?.string ?? value?.integer.map { "\($0)" } ?? console.glyphs.unknown
    }
}
