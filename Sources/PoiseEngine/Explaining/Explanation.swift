package import PoiseModel

/// Why a feature has what it has.
package struct Explanation: Sendable {
    /// What it wants of one class, and where that comes from, in millicores.
    package struct Wish: Sendable, Equatable {
        package var coreClass: CoreClass
        package var policy: CoreWish
        /// What it has signalled; nil when it has not.
        package var signalled: Int?
        /// What its load was taken to want; nil when nothing but policy and signals counts.
        package var estimated: Int?
        /// What the plan was made for, within the policy's limits.
        package var target: Int
        package var got: Int
    }

    package var feature: FeatureID
    package var policy: FeaturePolicy
    package var allocation: ResourceAllocation?
    package var keptOut: KeptOut?
    package var wishes: [Wish]
    package var load: Situation.Load?
    package var constraint: BindingConstraint
    /// What its place costs, and other places; nil and none without cores of its own.
    package var cost: PlacementCost?
    package var alternatives: [PlaceAlternative]
    /// What would give it more; nil when there is nothing more to ask for.
    package var more: WhyNot?

    /// Nil when the policy does not name the feature.
    ///
    /// - Parameter looksForMore: whether to search for the smallest change that gives it more.
    package init?(
        of feature: FeatureID, in situation: Situation, looksForMore: Bool = true
    ) {
        guard let policy = situation.policy(of: feature) else { return nil }
        self.feature = feature
        self.policy = policy
        allocation = situation.absent[feature] == nil ? situation.plan[feature] : nil
        keptOut = situation.plan.keptOut.first { $0.feature == feature }
        load = situation.loads[feature]
        constraint = BindingConstraint(stopping: feature, in: situation)
        alternatives = PlaceAlternative.all(of: feature, in: situation)
        cost = PlaceAlternative.cost(of: feature, in: situation)
        wishes = []
        for coreClass in CoreClass.allCases {
            guard let wish = policy.cores[coreClass] else { continue }
            wishes.append(wishOf(coreClass, wish, situation))
        }
        guard looksForMore else { return }
        more = nextStep(situation).map { WhyNot($0, for: feature, in: situation) }
    }

    private func wishOf(
        _ coreClass: CoreClass, _ wish: CoreWish, _ situation: Situation
    ) -> Wish {
        let unmet = (allocation?.unmet ?? []).first { $0.resource == .cores(coreClass) }
        let target =
            allocation?.wanted[coreClass] ?? situation.target(of: feature, coreClass) ?? 0
        let signalled = situation.needs[feature]?.wanted[coreClass]
        let demand = situation.demands[feature]?.wanted[coreClass]
        return Wish(
            coreClass: coreClass, policy: wish, signalled: signalled,
            estimated: demand == signalled ? nil : demand, target: target,
            got: allocation == nil ? 0 : unmet?.got ?? target)
    }

    /// What one step more of what binds it is.
    private func nextStep(_ situation: Situation) -> Question? {
        guard let allocation else { return .running }
        if let unmet = allocation.unmet.first {
            let missing = unmet.wanted - unmet.got
            switch unmet.resource {
            case .cores(let wish):
                let step = missing < 1000 ? missing : 1000
                let sources =
                    policy.cores[wish].map { Apportionment.sources(of: wish, $0.fallback) } ?? []
                return sources.count > 1
                    ? .cores(nil, allocation.millicores.total + step)
                    : .cores(wish, allocation.millicores[wish] + step)
            case .memory: return .memory(unmet.wanted)
            case .gpu: return .gpu(unmet.wanted)
            case .npu: return .npu(unmet.wanted)
            }
        }
        switch constraint {
        case .doubted: return nil
        case .held, .reserve, .machine:
            // It has others instead of some that it wants.
            let replaced = wishes.first {
                situation.machine.classes.contains($0.coreClass)
                    && allocation.millicores[$0.coreClass] < $0.target
            }
            return replaced.map {
                .cores($0.coreClass, next(allocation.millicores[$0.coreClass]))
            }
        case .deadband(let wish, let need, _, _): return .cores(wish, next(need))
        case .ownMaximum(.cores(let wish), _), .ownWant(.cores(let wish), _, _),
            .ownNeed(.cores(let wish), _, _):
            let isThere = situation.machine.classes.contains(wish)
            guard isThere else { return .cores(nil, next(allocation.millicores.total)) }
            return .cores(wish, next(allocation.millicores[wish]))
        default: return nil
        }
    }

    /// One core more, in whole cores.
    private func next(_ millicores: Int) -> Int { (millicores / 1000 + 1) * 1000 }
}
