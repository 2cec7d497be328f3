import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Placement under churn: 256 CPUs (128 cores of two threads) in 4 nodes and 16 L3 domains,
/// features that start, stop and are resized again and again.
@Suite struct ChurnTests {
    /// What many operations came to.
    struct Outcome {
        /// L3 domains used, over the fewest that hold as many cores; 1 is best.
        var cacheSpan: Double
        var nodeSpan: Double
        /// CPUs that a feature had to leave and did not give up, an operation.
        var movedPerOperation: Double
    }

    private let machine = PoiseTestSupport.machine(
        nodes: 4, [CoreGroup(32, .performance, threads: 2, perCluster: 8)])

    private func churn(load: Double, operations: Int, seed: UInt64) -> Outcome {
        var random = SeededGenerator(seed: seed)
        let names = (0..<16).map { "f\($0)" }
        let policy = Policy(
            name: "churn",
            features: names.map { feature($0, performance: cores(1, 1, 64)) })
        let planner = Planner(machine: machine, policy: policy)
        var wanted: [FeatureID: Int] = [:]
        var plan = AllocationPlan(machine: "test", policy: "churn")
        var (caches, leastCaches, nodes, leastNodes, moved) = (0, 0, 0, 0, 0)
        for _ in 0..<operations {
            let feature = policy.features[Int.random(in: 0..<names.count, using: &random)].id
            let used = wanted.values.reduce(0, +)
            if let size = wanted[feature], Int.random(in: 0..<10, using: &random) < 6 {
                let step = Int.random(in: 1...4, using: &random)
                let isFull = used + step > Int(load * 128)
                wanted[feature] = max(
                    1, size + (isFull || Bool.random(using: &random) ? -step : step))
            } else if wanted[feature] != nil {
                wanted[feature] = nil
            } else {
                let room = Int(load * 128) - used
                if room > 1 { wanted[feature] = min(room, .random(in: 2...16, using: &random)) }
            }
            var demands: [FeatureID: Demand] = [:]
            for (id, size) in wanted {
                demands[id] = Demand(wanted: PerClass(repeating: nil))
                demands[id]?.wanted.performance = size * 1000
            }
            let next = planner.plan(demands: demands, inForce: plan, running: Set(wanted.keys))
            for allocation in next.features {
                let count = allocation.cores.performance
                caches += machine.clusters.count { !$0.pus.isDisjoint(with: allocation.exclusive) }
                nodes += allocation.nodes.count
                leastCaches += (count + 7) / 8
                leastNodes += (count + 31) / 32
                guard let before = plan[allocation.feature] else { continue }
                let given = max(0, before.exclusive.count - allocation.exclusive.count)
                let left = before.exclusive.subtracting(allocation.exclusive).count
                moved += max(0, left - given)
            }
            plan = next
        }
        return Outcome(
            cacheSpan: Double(caches) / Double(leastCaches),
            nodeSpan: Double(nodes) / Double(leastNodes),
            movedPerOperation: Double(moved) / Double(operations))
    }

    @Test(arguments: [0.7, 0.9]) func repairKeepsFeaturesTogether(load: Double) {
        for seed in 1...3 {
            let outcome = churn(load: load, operations: 300, seed: UInt64(seed))
            // Seen when this was written: 1.01…1.07, 1.00…1.07 and 0.1…0.4. `poise bench placement`
            // measures the goals, over 1500 operations.
            #expect(outcome.cacheSpan <= 1.1, "seed \(seed): \(outcome)")
            #expect(outcome.nodeSpan <= 1.08, "seed \(seed): \(outcome)")
            #expect(outcome.movedPerOperation <= 0.6, "seed \(seed): \(outcome)")
        }
    }
}
