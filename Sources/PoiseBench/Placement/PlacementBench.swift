/// Placement under churn: the same streams through Poise and through ports of others.
package struct PlacementBench: Sendable {
    /// Whose placement.
    package enum Allocator: String, CaseIterable, Sendable {
        case poise, kubeletPacked, kubeletCaches, balloons, fixedCoreOrder

        /// As people know it.
        package var title: String {
            switch self {
            case .poise: "Poise"
            case .kubeletPacked: "kubelet static, packed"
            case .kubeletCaches: "kubelet static, cache-aligned"
            case .balloons: "balloons (nri-plugins)"
            case .fixedCoreOrder: "fixed order (scx_layered)"
            }
        }
    }

    /// What one load came to, over all seeds.
    package struct Outcome: Sendable {
        package var loadPercent: Int
        /// Cores in use on average, of all.
        package var meanLoad: Double
        package var scores: [Allocator: ChurnScore]
    }

    package let machine: ChurnMachine
    private let operations: Int
    private let seeds: ClosedRange<UInt64>

    package init(
        _ machine: ChurnMachine, operations: Int = 1500, seeds: ClosedRange<UInt64> = 1...3
    ) {
        self.machine = machine
        self.operations = operations
        self.seeds = seeds
    }

    /// Runs one load through the given allocators.
    package func run(
        loadPercent: Int, _ allocators: [Allocator] = Allocator.allCases
    ) -> Outcome {
        var scores: [Allocator: ChurnScore] = [:]
        var load = 0.0
        for seed in seeds {
            let stream = ChurnStream(
                machine: machine, loadPercent: loadPercent, operations: operations, seed: seed)
            load += stream.meanLoad / Double(seeds.count)
            for allocator in allocators {
                let score = score(stream, allocator)
                scores[allocator] = scores[allocator].map { $0 + score } ?? score
            }
        }
        return Outcome(loadPercent: loadPercent, meanLoad: load, scores: scores)
    }

    private func score(_ stream: ChurnStream, _ allocator: Allocator) -> ChurnScore {
        switch allocator {
        case .poise:
            var poise = PoiseAllocator(machine)
            return ChurnScore(stream, through: &poise, on: machine)
        case .kubeletPacked, .kubeletCaches:
            var kubelet = KubeletStatic(machine, alignsCaches: allocator == .kubeletCaches)
            return ChurnScore(stream, through: &kubelet, on: machine)
        case .balloons:
            var balloons = Balloons(machine)
            return ChurnScore(stream, through: &balloons, on: machine)
        case .fixedCoreOrder:
            var order = FixedCoreOrder(machine)
            return ChurnScore(stream, through: &order, on: machine)
        }
    }
}
