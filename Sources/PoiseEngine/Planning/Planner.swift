package import PoiseModel

/// Computes the allocation plan of one machine under one policy.
///
/// A pure, deterministic function of its inputs: `Apportionment` says how much, `Placement` says
/// which cores, and this type turns both into values with reasons. Everything that depends only on
/// machine and policy is computed once, here.
package struct Planner: Sendable {
    package let machine: Machine
    package let policy: Policy
    private let map: CoreMap
    private let reserve: ReservedCores
    private let supply: PerClass<Int>
    private let memory: Int?
    private let freeBytes: [Int?]

    package init(machine: Machine, policy: Policy) {
        self.machine = machine
        self.policy = policy
        map = CoreMap(machine)
        reserve = ReservedCores(policy.reserve, on: map)
        supply = reserve.supply(of: map)
        freeBytes =
            MemoryPlacement(
                machine: machine, reserveBytes: policy.reserve.memoryBytes
            ).free
        memory = MemoryPlacement.supply(machine, reserveBytes: policy.reserve.memoryBytes)
    }

    /// The plan for the features in `running` (all of the policy's when nil).
    ///
    /// - Parameters:
    ///   - demands: what features need now; one within the policy's deadband of what the plan in
    ///     force answers counts as unchanged.
    ///   - inForce: what holds now; the new plan stays close to it.
    package func plan(
        demands: [FeatureID: Demand] = [:], inForce: AllocationPlan? = nil,
        running: Set<FeatureID>? = nil
    ) -> AllocationPlan {
        var features = policy.features.filter { running?.contains($0.id) ?? true }
        let settled = settle(demands, inForce)
        var refused: [KeptOut] = []
        while true {
            let division = Apportionment(
                features: features, demands: settled, supply: supply, memory: memory)
            var draft = PlanDraft(
                division: division, map: map, reserve: reserve, inForce: inForce,
                freeBytes: freeBytes)
            if !draft.homeless.isEmpty {
                // What they would have had goes to the others.
                let homeless = draft.homelessFeatures()
                refused += homeless
                features.removeAll { feature in homeless.contains { $0.feature == feature.id } }
                continue
            }
            draft.placeMemory(reserveBytes: policy.reserve.memoryBytes)
            if let feature = draft.withoutLocalMemory() {
                refused.append(feature)
                features.removeAll { $0.id == feature.feature }
                continue
            }
            return finish(draft, refused: refused)
        }
    }

    private func settle(
        _ demands: [FeatureID: Demand], _ inForce: AllocationPlan?
    ) -> [FeatureID: Demand] {
        guard let inForce else { return demands }
        var settled = demands
        for allocation in inForce.features {
            guard let demand = demands[allocation.feature] else { continue }
            var before = Demand()
            for coreClass in CoreClass.allCases {
                before.wanted[coreClass] = allocation.wanted[coreClass]
            }
            settled[allocation.feature] = demand.held(
                to: before, deadbandPercent: policy.rebalance.deadbandPercent)
        }
        return settled
    }

    private func finish(_ draft: PlanDraft, refused: [KeptOut]) -> AllocationPlan {
        var plan = AllocationPlan(
            machine: machine.name, policy: policy.name, reserved: reserve.pus(of: machine),
            reservedMillicores: reserve.millicores)
        plan.features = draft.allocations()
        let retold = refused.map { draft.retold($0, policy) }
        plan.keptOut = (retold + draft.keptOut()).sorted { $0.feature < $1.feature }
        var used = plan.reserved
        for allocation in plan.features { used.formUnion(allocation.cpus) }
        plan.idle = map.pus.subtracting(used)
        return plan
    }
}
