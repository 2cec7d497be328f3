import PoiseEngine
import PoiseModel

/// Plans again and again under a load that changes by a seed, and notes what each plan costs.
package struct PlanBench {
    /// How a plan is asked for.
    package enum Mode: String, CaseIterable {
        /// All demands new, and nothing in force.
        case cold
        /// One demand new, close to the plan in force.
        case inForce
    }

    private let planner: Planner
    private var random = SplitMix(seed: 1)
    private var demands: [FeatureID: Demand] = [:]
    private var plan: AllocationPlan

    package init(_ benchCase: BenchCase) {
        planner = Planner(machine: benchCase.machine, policy: benchCase.policy)
        plan = planner.plan()
    }

    /// Plans `count` times and gives what `cost` tells of each, taken from before to after.
    package mutating func run(_ mode: Mode, count: Int, cost: () -> Int) -> [Int] {
        var costs: [Int] = []
        costs.reserveCapacity(count)
        for _ in 0..<count {
            change(mode)
            let inForce = mode == .cold ? nil : plan
            let before = cost()
            let made = planner.plan(demands: demands, inForce: inForce)
            costs.append(cost() - before)
            plan = made
        }
        return costs
    }

    private mutating func change(_ mode: Mode) {
        let features = planner.policy.features
        switch mode {
        case .cold: for feature in features { demands[feature.id] = demand(of: feature) }
        case .inForce:
            let feature = features[random.below(features.count)]
            demands[feature.id] = demand(of: feature)
        }
    }

    private mutating func demand(of feature: FeaturePolicy) -> Demand {
        var demand = Demand()
        for coreClass in CoreClass.allCases {
            guard let wish = feature.cores[coreClass] else { continue }
            demand.wanted[coreClass] = wish.min + random.below(wish.max - wish.min + 1)
        }
        return demand
    }
}

extension [Int] {
    /// The smallest value that `percent` per cent of the values do not exceed; the list is sorted.
    package func percentile(_ percent: Int) -> Int {
        guard !isEmpty else { return 0 }
        return self[Swift.max(0, (count * percent + 99) / 100 - 1)]
    }
}
