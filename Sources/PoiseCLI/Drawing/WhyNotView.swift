package import PoiseEngine

/// Shows to people whether a feature would get something: a few sentences, and who would have what
/// with the smallest change.
package struct WhyNotView {
    private let answer: WhyNot
    private let situation: Situation
    private let console: Console

    package init(_ answer: WhyNot, _ situation: Situation, console: Console) {
        self.answer = answer
        self.situation = situation
        self.console = console
    }

    package var lines: [String] {
        var lines: [String] = []
        for sentence in answer.sentences(in: situation) {
            if !lines.isEmpty { lines.append("") }
            lines += DisplayWidth.wrapped(sentence, to: console.width)
        }
        guard let remedy = answer.remedies.first else { return lines }
        let change = PlanChange(from: situation.plan, to: remedy.plan)
        // What it gets itself has been said.
        guard change.lines.contains(where: { $0.feature != answer.feature }) else { return lines }
        return lines + ["", console.paint(.bold, "With the first change")]
            + ChangeTable(change).lines(console)
    }
}
