import PoiseModel

/// Shows circuit breakers to people.
struct BreakerView {
    private let features: [JSON]
    private let console: Console

    init(_ features: [JSON], console: Console) {
        self.features = features
        self.console = console
    }

    var lines: [String] {
        guard !features.isEmpty else { return ["no features"] }
        var table = Table([
            .init("FEATURE"), .init("BREAKER"), .init("FAILURES"), .init("TRIPS", number: true),
            .init("ENFORCED", number: true), .init("NEXT", wraps: true),
        ])
        for feature in features { table.add(row(feature)) }
        return table.lines(width: console.width, paint: console.paint) + causes
    }

    private func row(_ feature: JSON) -> [Table.Cell] {
        let breaker = feature["breaker"]
        let state = breaker?["state"]?.string ?? console.glyphs.unknown
        let isActedOn = breaker?["enforced"]?.bool ?? false
        let word = state == "closed" || isActedOn ? state : "\(state) (not enforced)"
        return [
            .init(feature["feature"]?.string ?? "", .bold),
            .init(BreakerView.spaced(word), BreakerView.style(of: state)),
            .init(failures(breaker)), .init(breaker?["detected"]?.description ?? ""),
            .init(breaker?["enforcedTrips"]?.description ?? ""),
            .init(next(breaker, feature)),
        ]
    }

    private func failures(_ breaker: JSON?) -> String {
        guard let count = breaker?["failures"]?.integer,
            let most = breaker?["failuresToOpen"]?.integer,
            let within = breaker?["withinSeconds"]?.number
        else { return console.glyphs.unknown }
        return "\(count) of \(most) in \(QuantityText.duration(.seconds(within)))"
    }

    private func next(_ breaker: JSON?, _ feature: JSON) -> String {
        let name = feature["feature"]?.string ?? ""
        switch breaker?["state"]?.string {
        case "open":
            guard let pause = breaker?["triesAgainInSeconds"]?.number else { return "" }
            return "tries again in \(QuantityText.duration(.seconds(pause)))"
        case "halfOpen":
            guard let passed = breaker?["probesPassed"]?.integer,
                let most = breaker?["probesToClose"]?.integer
            else { return "" }
            return "\(passed) of \(most) probes were good"
        case "held", "quarantined": return "poise breaker reset \(name)"
        default: return ""
        }
    }

    private var causes: [String] {
        let known = features.filter { $0["breaker"]?["because"]?.string != nil }
        guard !known.isEmpty else { return [] }
        let width = known.map { DisplayWidth.of($0["feature"]?.string ?? "") }.max() ?? 0
        return ["", console.paint(.bold, "Last causes")]
            + known.flatMap { feature -> [String] in
                let breaker = feature["breaker"]
                let ago =
                    breaker?["sinceSeconds"]?.number
                    .map { " (\(QuantityText.duration(.seconds($0))) ago)" } ?? ""
                return Paragraph(
                    label: feature["feature"]?.string ?? "", labelWidth: min(24, width)
                ).lines((breaker?["because"]?.string ?? "") + ago, console)
            }
    }

    /// `half open` of `halfOpen`.
    static func spaced(_ word: String) -> String {
        word.hasPrefix("halfOpen") ? "half open" + word.dropFirst(8) : word
    }

    static func style(of state: String) -> Paint.Style? {
        switch state {
        case "closed": .good
        case "halfOpen": .warning
        case "open", "held", "quarantined": .bad
        default: nil
        }
    }
}
