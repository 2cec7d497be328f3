package import PoiseModel

/// A decision and everything that it was made from: what explanations are computed from.
package struct Situation: Sendable {
    package var machine: Machine
    package var policy: Policy
    /// What holds now.
    package var plan: AllocationPlan
    /// What the planner was told that features need.
    package var demands: [FeatureID: Demand]
    /// What features have signalled themselves; a part of `demands`.
    package var needs: [FeatureID: Demand]
    /// What features did when they were looked at last.
    package var loads: [FeatureID: LoadReading] = [:]
    /// Features that take no part in the plan, with their state and the reason, as people say it.
    package var absent: [FeatureID: String] = [:]

    package init(
        machine: Machine, policy: Policy, plan: AllocationPlan,
        demands: [FeatureID: Demand] = [:], needs: [FeatureID: Demand]? = nil
    ) {
        self.machine = machine
        self.policy = policy
        self.plan = plan
        self.demands = demands
        self.needs = needs ?? demands
    }

    /// What the policy says of a feature; nil when it does not name it.
    package func policy(of feature: FeatureID) -> FeaturePolicy? {
        policy.features.first { $0.id == feature }
    }

    /// What a feature is taken to need of a class, within its policy's limits; nil without a wish.
    package func target(of feature: FeatureID, _ coreClass: CoreClass) -> Int? {
        guard let wish = policy(of: feature)?.cores[coreClass] else { return nil }
        let wanted = demands[feature]?.wanted[coreClass] ?? wish.want
        return min(max(wanted, wish.min), wish.max)
    }

    /// The plan that this situation leads to, close to the one that holds.
    package func replanned() -> AllocationPlan {
        let running = Set(policy.features.map(\.id)).subtracting(absent.keys)
        return Planner(machine: machine, policy: policy)
            .plan(demands: demands, inForce: plan, running: running)
    }
}
