import PoiseEngine
import PoiseModel

/// What came of one turn, as short as it can be compared: a word and a fingerprint for each
/// directive, and the fingerprint of the plan.
struct TurnOutcome: Sendable, Equatable {
    /// `start a 0123456789abcdef`, in the order of the directives. What is beyond the room for
    /// them stands in one entry with a fingerprint of its own: `7 more …`.
    var did: [String]
    var plan: Fingerprint

    /// So many bytes of a record are for directives.
    private static let room = 600

    init(did: [String], plan: Fingerprint) {
        self.did = did
        self.plan = plan
    }

    /// - Parameter before: the plan before the turn and its fingerprint, which are mostly the same.
    init(
        _ directives: [Directive], plan: AllocationPlan, before: (AllocationPlan, Fingerprint)?
    ) throws(CodingProblem) {
        if let before, before.0 == plan {
            self.plan = before.1
        } else {
            self.plan = Fingerprint(try JSONEncoding.encode(plan).description)
        }
        did = []
        var left = TurnOutcome.room
        for (index, directive) in directives.enumerated() {
            let entry = try TurnOutcome.entry(directive, plan, self.plan)
            left -= entry.utf8.count + 3
            guard left >= 0 else {
                let rest = Array(directives[index...])
                let sum = Fingerprint(try JSONEncoding.encode(rest).description)
                did.append("\(rest.count) more \(sum)")
                return
            }
            did.append(entry)
        }
    }

    private static func entry(
        _ directive: Directive, _ plan: AllocationPlan, _ ofPlan: Fingerprint
    ) throws(CodingProblem) -> String {
        // The plan is the longest of all and its fingerprint is there already.
        if case .adopt(let adopted) = directive, adopted == plan { return "adopt \(ofPlan)" }
        return "\(directive.word) \(Fingerprint(try JSONEncoding.encode(directive).description))"
    }
}

extension Directive {
    /// What it is, and of whom.
    var word: String {
        switch self {
        case .adopt: "adopt"
        case .start(let feature, _, _): "start \(feature)"
        case .tell(let feature, _, _): "tell \(feature)"
        case .enforce(let changes): "enforce \(changes.count)"
        case .askToStop(let feature, _): "askToStop \(feature)"
        case .kill(let feature): "kill \(feature)"
        case .serviceLevel(let feature, _): "serviceLevel \(feature)"
        case .reclaim(let feature, _): "reclaim \(feature)"
        case .shrink(let feature, _): "shrink \(feature)"
        case .note(let event): "note \(event.kind.rawValue)"
        case .quit: "quit"
        }
    }
}
