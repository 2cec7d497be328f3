import PoiseEngine
package import PoiseModel

/// Shows the service level to people: which, why, how far its triggers are, and what runs.
package struct LevelView {
    private let level: JSON
    private let console: Console

    package init(_ level: JSON, console: Console) {
        self.level = level
        self.console = console
    }

    package var lines: [String] { head + triggers + features }

    private var head: [String] {
        let name = text(level["level"])
        let isByHand = level["byHand"]?.string != nil
        var words = console.paint(.bold, name) + (isByHand ? ", set by hand" : "")
        if let seconds = level["sinceSeconds"]?.number {
            words += ", for \(QuantityText.duration(.seconds(seconds)))"
        } else {
            words += ", since poised was started"
        }
        if isByHand, let load = level["byLoad"]?.string, load != name {
            words += "; the load alone asks for \(load)"
        }
        if !isByHand || level["byLoad"]?.string != name, let why = level["because"]?.string {
            words += " (\(why))"
        }
        return DisplayWidth.wrapped("service level \(words)", to: console.width)
    }

    private var triggers: [String] {
        let all = level["triggers"]?.array ?? []
        guard !all.isEmpty else {
            let none = "the policy gives no triggers (levels), so only poise level changes it"
            return [""] + DisplayWidth.wrapped(none, to: console.width)
        }
        var table = Table([
            .init("LEVEL"), .init("ENTERED BY"), .init("NOW", number: true),
            .init("FROM", number: true), .init("LEFT BELOW", number: true),
            .init("REACHED FOR", number: true),
        ])
        for trigger in all { table.add(row(trigger)) }
        return [""] + table.lines(width: console.width, paint: console.paint)
    }

    private func row(_ trigger: JSON) -> [Table.Cell] {
        let name = trigger["trigger"]?.string ?? ""
        let kind = LevelGauge.Kind(rawValue: name)
        let unknown = console.glyphs.unknown
        let amount = { (value: Int?) in value.map { kind?.text($0) ?? "\($0)" } ?? unknown }
        let (value, from) = (trigger["value"]?.integer, trigger["threshold"]?.integer)
        let isReached = value.map { $0 >= from ?? .max } ?? false
        // The first whole number that is not calm: a fifth below.
        let left = from.map { ($0 * 4 + 4) / 5 }
        let held = trigger["reachedSeconds"]?.number.map {
            QuantityText.duration(.seconds($0))
        }
        return [
            .init(text(trigger["level"])), .init(kind?.words ?? name),
            .init(amount(value), isReached ? .warning : nil), .init(amount(from)),
            .init(amount(left)), .init(held ?? ""),
        ]
    }

    /// Features by the lowest level at which they run.
    private var features: [String] {
        let all = level["features"]?.array ?? []
        guard !all.isEmpty else { return [] }
        var table = Table([.init("LEVEL"), .init("RUNS FROM THERE ON", wraps: true), .init("NOW")])
        let now = level["level"]?.string.flatMap(ServiceLevel.init) ?? .full
        for name in ServiceLevel.allCases {
            let names = all.filter { $0["level"]?.string == name.rawValue }
                .map { PrintableText.of(text($0["feature"])) }
            guard !names.isEmpty else { continue }
            table.add([
                .init(name.rawValue), .init(names.joined(separator: ", ")),
                now >= name ? .init("may run", .good) : .init("kept out", .warning),
            ])
        }
        return [""] + table.lines(width: console.width, paint: console.paint)
    }

    private func text(_ value: JSON?) -> String { value?.string ?? console.glyphs.unknown }
}
