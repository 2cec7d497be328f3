package import PoiseModel

/// Finds the smallest changes that give a feature what was asked for, by planning with them.
///
/// Kinds of change are tried in one order, from what touches only the feature itself to what costs
/// others most: its own limits, its priority, what others want, what others must have, others
/// stopped, the reserve, fallbacks, sharing. Within a kind the smallest amount that does is found
/// by halving. When no single change does, pairs are tried. Every answer has been planned; one that
/// takes all from somebody is told after those that do not.
///
/// **Bound.** At most `100 + 6 × features` plans, each polynomial. A first plan with everything
/// else out of the way tells whether there is anything to look for.
package struct RemedySearch {
    /// No more changes than this are told.
    package static let mostRemedies = 3

    /// How many plans were made.
    package private(set) var plans = 0
    /// Whether the feature could have it with the machine for itself.
    package private(set) var isPossible = true
    /// Whether the bound was met before everything was tried.
    package private(set) var isCutShort = false
    /// Nothing works without these.
    package let required: [Relaxation]

    let feature: FeatureID
    let question: Question
    /// With what is asked for signalled.
    let asked: Situation
    private let before: AllocationPlan
    private let mostPlans: Int

    package init(_ question: Question, for feature: FeatureID, in situation: Situation) {
        self.feature = feature
        self.question = question
        before = situation.plan.withoutLoans()
        var asked = situation
        if let need = question.need(of: feature, in: situation) { asked.demands[feature] = need }
        self.asked = asked
        required = RemedySearch.required(question, of: feature, in: asked)
        mostPlans = 100 + 6 * situation.policy.features.count
    }

    /// The changes, smallest first; empty when nothing that was tried does.
    package mutating func remedies() -> [Remedy] {
        guard withTheMachineForItself() else {
            isPossible = false
            return []
        }
        if !required.isEmpty, let remedy = attempt([]) { return [remedy] }
        let groups = candidates()
        var found: [Remedy] = []
        for group in groups {
            for candidate in group {
                // Who is asked for less already need not be asked for more.
                let isAsked = found.contains { remedy in
                    remedy.changes.contains { $0.takes(like: candidate.strongest) }
                }
                guard !isAsked, let remedy = smallest(candidate) else { continue }
                found.append(remedy)
                break
            }
        }
        guard !found.isEmpty else { return required.isEmpty ? pairs(of: groups) : [] }
        // What takes all from somebody is told last.
        let order = found.filter { !$0.takesAll } + found.filter(\.takesAll)
        return Array(order.prefix(RemedySearch.mostRemedies))
    }

    private mutating func pairs(of groups: [[RelaxationScale]]) -> [Remedy] {
        let strongest = groups.flatMap(\.self)
        for first in strongest.indices {
            for second in strongest.indices where second > first {
                let pair = [strongest[first], strongest[second]].map { $0.strongest }
                guard pair[0] != pair[1], attempt(pair) != nil else { continue }
                return settle(strongest[first], strongest[second]).map { [$0] } ?? []
            }
        }
        return []
    }

    /// The smallest amounts of two changes that do together: the first is weakened as far as the
    /// second at its strongest allows, then the second.
    private mutating func settle(
        _ first: RelaxationScale, _ second: RelaxationScale
    ) -> Remedy? {
        let weak = halve(first) { [$0, second.strongest] }
        let fixed = weak?.changes.first { $0.isKind(of: first.strongest) } ?? first.strongest
        return halve(second) { [fixed, $0] } ?? weak
    }

    private mutating func smallest(_ scale: RelaxationScale) -> Remedy? {
        guard attempt([scale.strongest]) != nil else { return nil }
        return halve(scale) { [$0] }
    }

    /// The weakest step that does, when the strongest does.
    private mutating func halve(
        _ scale: RelaxationScale, _ changes: (Relaxation) -> [Relaxation]
    ) -> Remedy? {
        var (low, high) = (0, scale.steps.count - 1)
        var best: Remedy?
        while low < high {
            let middle = (low + high) / 2
            if let remedy = attempt(changes(scale.steps[middle])) {
                best = remedy
                high = middle
            } else {
                low = middle + 1
            }
        }
        return best ?? attempt(changes(scale.strongest), isFree: true)
    }

    /// Plans with the changes; nil when they do not do, or when the bound is met.
    private mutating func attempt(_ changes: [Relaxation], isFree: Bool = false) -> Remedy? {
        guard isFree || plans < mostPlans else {
            isCutShort = true
            return nil
        }
        plans += 1
        let all = required + changes
        let changed = all.reduce(asked) { $1.made(in: $0) }
        let plan = changed.replanned()
        guard question.isMet(for: feature, by: plan, on: asked.machine) else { return nil }
        return Remedy(all, from: before, to: plan, for: feature)
    }

    private mutating func withTheMachineForItself() -> Bool {
        plans += 1
        var alone = required.reduce(asked) { $1.made(in: $0) }
        alone.policy.features.removeAll { $0.id != feature }
        alone.policy.reserve = Reserve()
        alone.plan = AllocationPlan(machine: alone.machine.name, policy: alone.policy.name)
        alone.policy.rebalance.deadbandPercent = 0
        alone.policy.features[0].memory.locality = .any
        for wish in CoreClass.allCases where question.resource == nil {
            alone.policy.features[0].cores[wish]?.fallback = .any
        }
        if question == .running { alone.policy.features[0].shortage = .start }
        return question.isMet(for: feature, by: alone.replanned(), on: asked.machine)
    }
}

/// One kind of change in growing strength.
struct RelaxationScale {
    /// Weakest first; never empty.
    var steps: [Relaxation]

    init(_ only: Relaxation) { steps = [only] }

    /// Nil when there is no step.
    init?(_ steps: [Relaxation]) {
        guard !steps.isEmpty else { return nil }
        self.steps = steps
    }

    /// Amounts from just below `from` down to `to`, in steps of `unit`.
    init?(from: Int, downTo to: Int, unit: Int, _ make: (Int) -> Relaxation) {
        guard to < from, unit > 0 else { return nil }
        let count = (from - to + unit - 1) / unit
        steps = (1...count).map { make(max(to, from - $0 * unit)) }
    }

    var strongest: Relaxation { steps[steps.count - 1] }
}

extension Relaxation {
    /// Whether both take memory, or cores of one class, from one feature.
    func takes(like other: Relaxation) -> Bool {
        switch (self, other) {
        case (.coreWant(let a, let x, _), .coreWant(let b, let y, _)),
            (.coreMaximum(let a, let x, _), .coreMaximum(let b, let y, _)):
            a == b && x == y
        case (.memoryWant(let a, _), .memoryWant(let b, _)): a == b
        default: false
        }
    }

    /// Whether it changes the same setting of the same feature.
    func isKind(of other: Relaxation) -> Bool {
        switch (self, other) {
        case (.coreWant(let a, let x, _), .coreWant(let b, let y, _)),
            (.coreMaximum(let a, let x, _), .coreMaximum(let b, let y, _)),
            (.coreMinimum(let a, let x, _), .coreMinimum(let b, let y, _)):
            a == b && x == y
        case (.priority(let a, _), .priority(let b, _)),
            (.memoryWant(let a, _), .memoryWant(let b, _)),
            (.memoryMinimum(let a, _), .memoryMinimum(let b, _)), (.gpu(let a, _), .gpu(let b, _)),
            (.npu(let a, _), .npu(let b, _)):
            a == b
        case (.reserveCores, .reserveCores), (.reserveMemory, .reserveMemory),
            (.deadband, .deadband):
            true
        default: self == other
        }
    }
}
