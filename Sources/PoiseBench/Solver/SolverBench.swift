import PoiseEngine
import PoiseModel

/// What a plan costs that follows one in force after the demand of one feature changed, by the size
/// of the machine.
package struct SolverBench {
    /// A machine and 16 features that ask for four fifths of it.
    package struct Size: Sendable, Equatable {
        package var nodes: Int
        package var cachesPerNode: Int
        package var cpus: Int { nodes * cachesPerNode * 16 }

        package init(nodes: Int, cachesPerNode: Int) {
            self.nodes = nodes
            self.cachesPerNode = cachesPerNode
        }

        package static let cpus256 = Size(nodes: 8, cachesPerNode: 2)
        package static let cpus1024 = Size(nodes: 16, cachesPerNode: 4)
        package static let nodes64 = Size(nodes: 64, cachesPerNode: 1)
        /// One cache of 8 cores a node, so that only the number of nodes grows.
        package static let series = [2, 4, 8, 16, 32, 64].map { Size(nodes: $0, cachesPerNode: 1) }
    }

    /// Features of every size.
    package static let features = 16

    private let planner: Planner
    private var random = SplitMix(seed: 1)
    private var demands: [FeatureID: Demand] = [:]
    private var plan: AllocationPlan

    package init(_ size: Size) {
        let machine = ChurnMachine.uniform(
            nodes: size.nodes, cachesPerNode: size.cachesPerNode, coresPerCache: 8, threads: 2)
        let cores = machine.machine.cores.count
        let features = (0..<SolverBench.features).map { index in
            SolverBench.feature(index, cores: max(1, cores * 4 / 5 / SolverBench.features))
        }
        let policy = Policy(
            name: "solver", reserve: Reserve(millicores: 1000), features: features,
            rebalance: Rebalance(deadbandPercent: 0))
        planner = Planner(machine: machine.machine, policy: policy)
        plan = planner.plan()
    }

    /// One of four shares cores; priorities differ.
    private static func feature(_ index: Int, cores: Int) -> FeaturePolicy {
        let name = index < 10 ? "feature0\(index)" : "feature\(index)"
        guard let id = FeatureID(name) else { preconditionFailure("\(name) names no feature") }
        var wishes = PerClass<CoreWish?>(repeating: nil)
        wishes.performance = CoreWish(
            min: min(1000, cores * 500), want: cores * 1000, max: cores * 2000)
        return FeaturePolicy(
            id: id, source: .command(["true"]), priority: 20 + (index * 7) % 60, cores: wishes,
            sharing: index % 4 == 0 ? .shared : .exclusive,
            memory: MemoryWish(min: 64 << 20, want: 256 << 20))
    }

    /// Plans `count` times, and gives what `cost` tells of each, sorted. Every plan is made three
    /// times of the same inputs and its middle cost counts: what comes from outside (interrupts,
    /// a neighbour on the core) seldom meets the same plan twice.
    package mutating func run(count: Int, cost: () -> Int) -> [Int] {
        var costs: [Int] = []
        costs.reserveCapacity(count)
        for _ in 0..<count {
            let feature = planner.policy.features[random.below(SolverBench.features)]
            guard let wish = feature.cores.performance else { continue }
            var demand = Demand()
            let size = wish.min + random.below(wish.max - wish.min + 1)
            demand.wanted.performance = feature.sharing == .shared ? size : size / 1000 * 1000
            demands[feature.id] = demand
            var made = plan
            let times = (0..<3).map { _ in
                let before = cost()
                made = planner.plan(demands: demands, inForce: plan)
                return cost() - before
            }
            costs.append(times.sorted()[1])
            plan = made
        }
        return costs.sorted()
    }
}

/// How a cost grows with a size: the exponent of the power that fits best (least squares of the
/// logarithms).
package struct Growth: Sendable {
    package let exponent: Double

    /// - Parameter points: sizes and costs, all above 0, of at least two sizes.
    package init(_ points: [(size: Double, cost: Double)]) {
        let logarithms = points.map { (x: Growth.log2($0.size), y: Growth.log2($0.cost)) }
        let count = Double(logarithms.count)
        let x = logarithms.reduce(0) { $0 + $1.x } / count
        let y = logarithms.reduce(0) { $0 + $1.y } / count
        let both = logarithms.reduce(0) { $0 + ($1.x - x) * ($1.y - y) }
        let square = logarithms.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
        exponent = both / square
    }

    /// The exponent of the binary form, and the rest of it by squaring.
    private static func log2(_ value: Double) -> Double {
        var result = Double(value.exponent)
        var rest = value.significand
        var bit = 0.5
        for _ in 0..<30 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                result += bit
            }
            bit /= 2
        }
        return result
    }
}
