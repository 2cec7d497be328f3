import PoiseModel

/// The first half of planning: how much each feature gets, before anybody asks which cores.
///
/// **Order.** Minimums before wants before maximums, and priority before everything but minimums:
/// 1. Every feature, highest priority first, is given its minimums or is kept out.
/// 2. Tier by tier (features of one priority), each feature is raised to what its policy wants, and
///    then to what it has signalled that it needs, up to its policy's maximum. Within a tier the
///    supply is water-filled by weight.
///
/// A tier is finished before the next begins, so a higher priority never loses more to a lower one
/// than the lower one's minimum (the seventh invariant). A maximum is a limit for signalled needs:
/// nobody is given cores beyond what it wants only because they are idle.
///
/// **Where from.** A wish is served from its own class, then from the classes its `fallback` names.
/// A feature with exclusive cores takes whole ones as long as there are any; a last part of a core
/// is shared time, so that nothing is stranded.
///
/// **Why this is feasible.** Exclusive cores take 1000 millicores each and shared time packs into
/// ⌈sum ÷ 1000⌉ cores, so any division that stays within 1000 millicores a core can be placed.
struct Apportionment {
    /// A feature's policy behind one reference, so that rations are cheap to copy.
    final class PolicyBox: Sendable {
        let policy: FeaturePolicy

        init(_ policy: FeaturePolicy) { self.policy = policy }
    }

    /// What one feature was given.
    struct Ration {
        private let box: PolicyBox
        let isExclusive: Bool
        let priority: Int
        let weight: Int
        /// What it is to have at most, by the class wished for.
        var target: PerClass<Int> = .zero
        /// What it was given, by the class wished for and then by the class it comes from.
        var given = PerClass<PerClass<Int>>(repeating: .zero)
        /// Time kept free so that there is a shared core for a feature that is due none.
        var sliver = PerClass<Int>.zero
        var memory = 0
        var memoryTarget = 0
        /// Why it is kept out; nil while it has a place.
        var keptOut: [Unmet]?
        /// `millicores`, once everything is divided.
        var held = PerClass<Int>.zero

        init(_ policy: FeaturePolicy) {
            box = PolicyBox(policy)
            isExclusive = policy.isExclusive
            priority = policy.priority
            weight = policy.weight
        }

        var policy: FeaturePolicy { _read { yield box.policy } }

        /// What it was given, by the class it comes from.
        var millicores: PerClass<Int> {
            var sum = PerClass<Int>.zero
            for wish in CoreClass.allCases {
                for source in CoreClass.allCases { sum[source] += given[wish][source] }
            }
            return sum
        }

        /// Whole cores of its own, by class.
        var wholeCores: PerClass<Int> {
            guard isExclusive else { return .zero }
            var cores = held
            for source in CoreClass.allCases { cores[source] /= 1000 }
            return cores
        }

        /// Time on shared cores, by class.
        var sharedMillicores: PerClass<Int> {
            var rest = held
            let whole = wholeCores
            for source in CoreClass.allCases { rest[source] -= whole[source] * 1000 }
            return rest
        }

        func missing(for wish: CoreClass) -> Int { target[wish] - given[wish].total }
    }

    /// In the order of the features' names.
    private(set) var rations: [Ration]
    /// Positions in `rations`, highest priority first, ties by name.
    let byPriority: [Int]
    /// Millicores of each class that nobody was given.
    private(set) var left: PerClass<Int>
    /// Bytes that nobody was given; nil when the machine does not tell its memory.
    private(set) var memoryLeft: Int?

    /// Divides `supply` millicores and `memory` bytes among `features` (in the order of names).
    init(
        features: [FeaturePolicy], demands: [FeatureID: Demand], supply: PerClass<Int>,
        memory: Int?
    ) {
        left = supply
        memoryLeft = memory
        rations = features.map { policy in
            Apportionment.ration(policy, demands[policy.id] ?? Demand())
        }
        let priorities = rations.map(\.priority)
        byPriority = priorities.indices.sorted { first, second in
            let (a, b) = (priorities[first], priorities[second])
            return a != b ? a > b : first < second
        }
        divide(priorities)
        for index in rations.indices { rations[index].held = rations[index].millicores }
    }

    private mutating func divide(_ priorities: [Int]) {
        for index in byPriority { admit(index) }
        var start = 0
        while start < byPriority.count {
            let priority = priorities[byPriority[start]]
            var end = start
            while end < byPriority.count, priorities[byPriority[end]] == priority { end += 1 }
            raise(byPriority[start..<end].filter { rations[$0].keptOut == nil })
            start = end
        }
    }

    private static func ration(_ policy: FeaturePolicy, _ demand: Demand) -> Ration {
        var ration = Ration(policy)
        for wish in CoreClass.allCases {
            guard let cores = policy.cores[wish] else { continue }
            ration.target[wish] = min(max(demand.wanted[wish] ?? cores.want, cores.min), cores.max)
        }
        ration.memoryTarget = policy.memory.want
        return ration
    }

    /// The classes that a wish may be served from, its own first.
    static func sources(of wish: CoreClass, _ fallback: CoreWish.Fallback) -> [CoreClass] {
        switch (wish, fallback) {
        case (.performance, .none), (.performance, .performance): [.performance]
        case (.performance, .efficiency): [.performance, .efficiency]
        case (.performance, .any): [.performance, .efficiency, .lowPower]
        case (.efficiency, .none), (.efficiency, .efficiency): [.efficiency]
        case (.efficiency, .performance): [.efficiency, .performance]
        case (.efficiency, .any): [.efficiency, .performance, .lowPower]
        case (.lowPower, .none): [.lowPower]
        case (.lowPower, .performance): [.lowPower, .performance]
        case (.lowPower, .efficiency): [.lowPower, .efficiency]
        case (.lowPower, .any): [.lowPower, .efficiency, .performance]
        }
    }
}

// Minimums.
extension Apportionment {
    private mutating func admit(_ index: Int) {
        let policy = rations[index].policy
        let before = (rations[index].given, left)
        takeMinimums(index)
        var lacking: [Unmet] = []
        for wish in CoreClass.allCases {
            guard let cores = policy.cores[wish] else { continue }
            let got = rations[index].given[wish].total
            if got < cores.min {
                lacking.append(
                    Unmet(resource: .cores(wish), wanted: cores.min, got: got, because: ""))
            }
        }
        let memory = min(policy.memory.min, memoryLeft ?? policy.memory.min)
        if memory < policy.memory.min {
            lacking.append(
                Unmet(resource: .memory, wanted: policy.memory.min, got: memory, because: ""))
        }
        if lacking.isEmpty || policy.shortage == .start {
            rations[index].memory = memory
            memoryLeft = memoryLeft.map { $0 - memory }
        } else {
            (rations[index].given, left) = before
            rations[index].keptOut = lacking
        }
    }

    /// Every wish from its own class first, so that one wish's fallback does not starve another;
    /// then fallbacks, the least choosy wish last.
    private mutating func takeMinimums(_ index: Int) {
        var wishes: [(wish: CoreClass, min: Int, sources: [CoreClass])] = []
        for wish in CoreClass.allCases {
            guard let cores = rations[index].policy.cores[wish] else { continue }
            wishes.append((wish, cores.min, Apportionment.sources(of: wish, cores.fallback)))
        }
        for (wish, min, _) in wishes { take(min, wish, from: [wish], for: index) }
        for (wish, min, sources) in wishes.sorted(by: { $0.sources.count < $1.sources.count }) {
            let missing = min - rations[index].given[wish].total
            take(missing, wish, from: sources, for: index)
        }
    }

    /// Takes up to `amount` for a wish, whole cores first.
    private mutating func take(
        _ amount: Int, _ wish: CoreClass, from sources: [CoreClass], for index: Int
    ) {
        var missing = amount
        for wholeOnly in rations[index].isExclusive ? [true, false] : [false] {
            for source in sources where missing > 0 {
                var part = min(missing, left[source])
                if wholeOnly { part -= part % 1000 }
                rations[index].given[wish][source] += part
                left[source] -= part
                missing -= part
            }
        }
    }

    /// A feature that is due nothing still needs a CPU to run on: a sliver of a shared core is kept
    /// free for it, before the wants of its own priority and of those below, never from those
    /// above. It is no time that the feature is entitled to.
    private mutating func takeSliver(_ index: Int) {
        // Whoever wants time shares what there is, and has a core with it.
        guard rations[index].target.total == 0, rations[index].millicores.total == 0 else { return }
        let sliver = 10
        let source = rations[index].classesToRunOn.first { left[$0] >= sliver }
        guard let source else { return }
        rations[index].sliver[source] = sliver
        left[source] -= sliver
    }
}

// Wants, and needs up to the maximum.
extension Apportionment {
    private mutating func raise(_ tier: [Int]) {
        for index in tier { takeSliver(index) }
        raiseCores(
            tier,
            to: { ration, wish in
                min(ration.target[wish], ration.policy.cores[wish]?.want ?? 0)
            })
        raiseCores(tier, to: { ration, wish in ration.target[wish] })
        raiseMemory(tier)
    }

    private mutating func raiseCores(_ tier: [Int], to goal: (Ration, CoreClass) -> Int) {
        for choice in 0..<CoreClass.allCases.count {
            for source in CoreClass.allCases where left[source] > 0 {
                fill(tier, from: source, choice: choice, to: goal)
            }
        }
        for index in tier where rations[index].isExclusive { makeWhole(index) }
    }

    /// Fills the wishes of a tier for which `source` is the choice-th class that they may use.
    private mutating func fill(
        _ tier: [Int], from source: CoreClass, choice: Int, to goal: (Ration, CoreClass) -> Int
    ) {
        var claims: [WaterFill.Claim] = []
        var owners: [(index: Int, wish: CoreClass)] = []
        for index in tier {
            let isExclusive = rations[index].isExclusive
            for wish in CoreClass.allCases {
                guard let cores = rations[index].policy.cores[wish] else { continue }
                let missing = goal(rations[index], wish) - rations[index].given[wish].total
                guard missing > 0 else { continue }
                let sources = Apportionment.sources(of: wish, cores.fallback)
                guard choice < sources.count, sources[choice] == source else { continue }
                let held = rations[index].given[wish][source]
                claims.append(
                    WaterFill.Claim(
                        held: held, limit: held + missing, weight: rations[index].weight,
                        step: isExclusive ? 1000 : 1))
                owners.append((index, wish))
            }
        }
        guard !claims.isEmpty else { return }
        left[source] = WaterFill.fill(&claims, supply: left[source])
        for (claim, owner) in zip(claims, owners) {
            rations[owner.index].given[owner.wish][source] = claim.held
        }
    }

    /// Parts of a core in two classes become a whole core in one of them, where there is time left.
    private mutating func makeWhole(_ index: Int) {
        for wish in CoreClass.allCases {
            guard let cores = rations[index].policy.cores[wish] else { continue }
            let sources = Apportionment.sources(of: wish, cores.fallback)
            for from in sources {
                let part = rations[index].given[wish][from] % 1000
                guard part > 0 else { continue }
                let whole = sources.first { to in
                    to != from && left[to] >= part
                        && rations[index].given[wish][to] % 1000 == 1000 - part
                }
                guard let whole else { continue }
                rations[index].given[wish][from] -= part
                rations[index].given[wish][whole] += part
                left[from] += part
                left[whole] -= part
            }
        }
    }

    private mutating func raiseMemory(_ tier: [Int]) {
        guard let supply = memoryLeft else {
            for index in tier { rations[index].memory = rations[index].memoryTarget }
            return
        }
        var claims = tier.map { index in
            WaterFill.Claim(
                held: rations[index].memory, limit: rations[index].memoryTarget, weight: 1, step: 1)
        }
        memoryLeft = WaterFill.fill(&claims, supply: supply)
        for (claim, index) in zip(claims, tier) { rations[index].memory = claim.held }
    }
}
