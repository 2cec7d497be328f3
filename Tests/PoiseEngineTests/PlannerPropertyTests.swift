import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// The invariants of `contracts.md`, over random machines, policies and demands. A failing seed is
/// printed with the test's argument.
@Suite struct PlannerProperties {
    private static let seeds = Array(UInt64(0)..<60)
    private static let casesPerSeed = 25

    private func randomDemands(
        _ policy: Policy, using random: inout SeededGenerator
    ) -> [FeatureID: Demand] {
        var demands: [FeatureID: Demand] = [:]
        for feature in policy.features where Bool.random(using: &random) {
            var demand = Demand()
            for coreClass in CoreClass.allCases where Bool.random(using: &random) {
                demand.wanted[coreClass] = Int.random(in: 0...40, using: &random) * 250
            }
            demands[feature.id] = demand
        }
        return demands
    }

    @Test(arguments: seeds) func everyPlanHoldsTheInvariants(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let planner = Planner(machine: machine, policy: policy)
            var plan = planner.plan(demands: randomDemands(policy, using: &random))
            #expect(PlanAudit(plan, machine: machine, policy: policy).breaches == [])
            for _ in 0..<3 {
                plan = planner.plan(
                    demands: randomDemands(policy, using: &random), inForce: plan)
                #expect(PlanAudit(plan, machine: machine, policy: policy).breaches == [])
            }
        }
    }

    @Test(arguments: seeds) func theOrderOfTheFeaturesChangesNothing(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let shuffled = Policy(
                name: policy.name, reserve: policy.reserve,
                features: policy.features.shuffled(using: &random))
            let first = Planner(machine: machine, policy: policy).plan()
            let second = Planner(machine: machine, policy: shuffled).plan()
            #expect(first == second)
        }
    }

    @Test(arguments: seeds) func aPlanIsItsOwnSuccessor(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let planner = Planner(machine: machine, policy: policy)
            let demands = randomDemands(policy, using: &random)
            let plan = planner.plan(demands: demands)
            #expect(planner.plan(demands: demands, inForce: plan) == plan)
        }
    }

    @Test(arguments: seeds) func aChangeWithinTheDeadbandChangesNothing(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let planner = Planner(machine: machine, policy: policy)
            let demands = randomDemands(policy, using: &random)
            let plan = planner.plan(demands: demands)
            var nudged = demands
            for allocation in plan.features {
                var demand = Demand()
                for coreClass in CoreClass.allCases {
                    let before = allocation.wanted[coreClass]
                    let slack = before * policy.rebalance.deadbandPercent / 100
                    demand.wanted[coreClass] =
                        before + Int.random(in: -slack...slack, using: &random)
                }
                nudged[allocation.feature] = demand
            }
            #expect(planner.plan(demands: nudged, inForce: plan) == plan)
        }
    }

    @Test(arguments: seeds) func higherPriorityLosesAtMostTheLowerOnesMinimum(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let all = Planner(machine: machine, policy: policy).plan()
            for lower in policy.features {
                var without = policy
                without.features.removeAll { $0.id == lower.id }
                let alone = Planner(machine: machine, policy: without).plan()
                var minimum = 0
                for wish in CoreClass.allCases { minimum += lower.cores[wish]?.min ?? 0 }
                for higher in policy.features where higher.priority > lower.priority {
                    let with = all[higher.id]?.millicores.total ?? 0
                    let before = alone[higher.id]?.millicores.total ?? 0
                    #expect(
                        with >= before - minimum,
                        "\(higher.id) has \(with) beside \(lower.id), \(before) without")
                }
            }
        }
    }

    @Test(arguments: seeds) func noTimeIsLeftWhileAWishForItIsUnmet(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let plan = Planner(machine: machine, policy: policy).plan()
            for coreClass in CoreClass.allCases {
                let total = machine.cores.count { $0.class == coreClass } * 1000
                let reserved =
                    machine.cores.count {
                        $0.class == coreClass && $0.pus.isSubset(of: plan.reserved)
                    } * 1000
                let given = plan.features.reduce(0) { $0 + $1.millicores[coreClass] }
                let left = total - reserved - given - plan.reservedMillicores
                // A sliver is kept free for each feature that is due no time.
                let slivers = plan.features.count { $0.millicores.total == 0 } * 10
                guard left > slivers else { continue }
                for allocation in plan.features {
                    let wanting = allocation.unmet.contains { $0.resource == .cores(coreClass) }
                    #expect(!wanting, "\(left) \(coreClass) left, \(allocation.feature) wants it")
                }
            }
        }
    }
}
