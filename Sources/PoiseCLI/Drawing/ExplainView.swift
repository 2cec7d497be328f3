package import PoiseEngine
package import PoiseModel

/// Shows to people why one feature has what it has: plain sentences, then what is a list anyway.
package struct ExplainView {
    private let explanation: Explanation
    private let situation: Situation
    /// What the daemon tells beside: the state, what is not held, the last events.
    private let told: JSON?
    private let console: Console

    package init(
        _ explanation: Explanation, _ situation: Situation, told: JSON?, console: Console
    ) {
        self.explanation = explanation
        self.situation = situation
        self.told = told
        self.console = console
    }

    package var lines: [String] {
        var lines = [head, ""]
        for sentence in explanation.sentences(in: situation) {
            lines += DisplayWidth.wrapped(sentence, to: console.width)
            if sentence.hasSuffix(":"), !explanation.alternatives.isEmpty {
                lines += PlaceTable(explanation.alternatives).lines(console)
            }
            lines.append("")
        }
        for line in told?["allocation"]?["notHeld"]?.array ?? [] {
            let text = "\(line["setting"]?.string ?? ""): \(line["because"]?.string ?? "")"
            lines += DisplayWidth.wrapped("Not held by the kernel here: " + text, to: console.width)
        }
        let events = EventLines(told?["events"]?.array ?? [], console: console).lines
        if !events.isEmpty { lines += [console.paint(.bold, "Last events")] + events }
        while lines.last?.isEmpty ?? false { lines.removeLast() }
        return lines
    }

    private var head: String {
        let name = console.paint(.bold, explanation.feature.name)
        let priority = "priority \(explanation.policy.priority)"
        let separator = console.glyphs.separator
        guard let state = told?["state"]?.string else {
            return "\(name)\(separator)\(priority)\(separator)on \(situation.machine.name)"
        }
        let shown = StatusView.style(of: state).map { console.paint($0, state) } ?? state
        return "\(name)\(separator)\(shown)\(separator)\(priority)"
    }
}

/// Other places, with what each costs more.
struct PlaceTable {
    /// No more places than this are listed.
    private static let most = 6
    private let alternatives: [PlaceAlternative]

    init(_ alternatives: [PlaceAlternative]) { self.alternatives = alternatives }

    func lines(_ console: Console) -> [String] {
        var table = Table([
            .init("  ELSEWHERE"), .init("COST", number: true),
            .init("WHAT IT WOULD TAKE", wraps: true),
        ])
        for place in alternatives.prefix(PlaceTable.most) {
            let cost = place.difference.total
            let sign = cost < 0 ? "" : "+"
            table.add([.init("  " + place.name), .init("\(sign)\(cost)"), .init(place.words)])
        }
        let rest = alternatives.count - PlaceTable.most
        if rest > 0 { table.add([.init("  \(rest) more"), .init(""), .init("no better")]) }
        return table.lines(width: console.width, paint: console.paint)
    }
}
