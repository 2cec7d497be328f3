import PoiseModel

/// What came of a scenario, for people and as JSON.
struct ChaosReport {
    private let trial: ChaosTrial

    init(_ trial: ChaosTrial) { self.trial = trial }

    /// Whether everything that the scenario expects held.
    var isGood: Bool { trial.expectations.allSatisfy(\.holds) }

    func lines(_ console: Console) -> [String] {
        [console.paint(.bold, "Scenario \(trial.scenario.name)"), ""] + table(console)
            + happenings(console) + verdict(console)
    }

    private func table(_ console: Console) -> [String] {
        var table = Table([
            .init("AT", number: true), .init("FAULT"), .init("FEATURE"),
            .init("NOTICED AFTER", number: true), .init("OVER AFTER", number: true),
            .init("RECOVERED AFTER", number: true),
        ])
        for outcome in trial.outcomes {
            let unknown = console.glyphs.unknown
            let since = { (moment: Duration?, from: Duration?) -> String in
                guard let moment, let from else { return unknown }
                return QuantityText.duration(max(.zero, moment - from))
            }
            let isWell = outcome.recoveredAt != nil
            table.add([
                .init(QuantityText.duration(outcome.step.at)),
                .init(outcome.step.injection.fault.rawValue, .bold),
                .init(outcome.step.injection.feature?.name ?? "all"),
                .init(trial.noticedAfter(outcome).map(QuantityText.duration) ?? unknown),
                .init(since(outcome.endedAt, outcome.injectedAt)),
                .init(
                    isWell ? since(outcome.recoveredAt, outcome.endedAt) : "never",
                    isWell ? .good : .bad),
            ])
        }
        return table.lines(width: console.width, paint: console.paint)
    }

    private func happenings(_ console: Console) -> [String] {
        var lines: [String] = []
        for outcome in trial.outcomes {
            let name = outcome.step.injection.feature.map { " on \($0)" } ?? ""
            lines += ["", console.paint(.bold, "\(outcome.step.injection.words)\(name)")]
            if let refusal = outcome.refusal { lines.append("  \(refusal)") }
            guard let from = outcome.injectedAt else { continue }
            for event in trial.events(of: outcome) {
                let time = "+" + QuantityText.decimal((event.at - from).inSeconds, digits: 2) + " s"
                let text = (event.feature.map { $0 + " " } ?? "") + "\(event.kind): \(event.text)"
                lines += Paragraph(label: time, labelWidth: 9).lines(text, console)
            }
        }
        return lines
    }

    private func verdict(_ console: Console) -> [String] {
        let touched = trial.touched
        let others =
            touched.isEmpty
            ? "No other feature was restarted."
            : "Others that were restarted: \(touched.joined(separator: ", "))."
        let lines = trial.expectations.map { expectation in
            let word = expectation.holds ? "holds" : "FAILS"
            return "  \(console.paint(expectation.holds ? .good : .bad, word))  \(expectation.text)"
        }
        return ["", others] + (lines.isEmpty ? [] : ["Expected:"] + lines)
    }

    var json: JSON {
        [
            "scenario": .string(trial.scenario.name), "ok": .bool(isGood),
            "steps": .array(trial.outcomes.map(json)),
            "touched": .array(trial.touched.map(JSON.string)),
            "expectations": .array(
                trial.expectations.map { ["text": .string($0.text), "holds": .bool($0.holds)] }),
        ]
    }

    private func json(_ outcome: ChaosTrial.Outcome) -> JSON {
        let since = { (moment: Duration?, from: Duration?) -> JSON in
            guard let moment, let from else { return .null }
            return .number(max(.zero, moment - from).inSeconds)
        }
        let from = outcome.injectedAt
        return [
            "fault": .string(outcome.step.injection.fault.rawValue),
            "feature": JSON(outcome.step.injection.feature?.name),
            "atSeconds": .number(outcome.step.at.inSeconds),
            "refusal": JSON(outcome.refusal),
            "noticedAfterSeconds": JSON(trial.noticedAfter(outcome)?.inSeconds),
            "endedAfterSeconds": since(outcome.endedAt, from),
            "recoveredAfterSeconds": since(outcome.recoveredAt, outcome.endedAt),
            "events": .array(
                trial.events(of: outcome).map { event in
                    [
                        "afterSeconds": since(event.at, from), "kind": .string(event.kind),
                        "feature": JSON(event.feature), "text": .string(event.text),
                    ]
                }),
        ]
    }
}
