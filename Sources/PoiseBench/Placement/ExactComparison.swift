import PoiseEngine
import PoiseModel

/// How often Poise's placement is as good as the best there is, on random machines of up to 16
/// cores that are 60…100 % in use.
package struct ExactComparison: Sendable, Equatable {
    package var cases = 0
    /// Cases in which Poise needs at most 3 % more caches and nodes in sum.
    package var within3Percent = 0
    package var poiseSpan = 0
    package var leastSpan = 0

    package var share: Double { Double(within3Percent) / Double(max(1, cases)) }
    /// All caches and nodes over the fewest possible.
    package var ratio: Double { Double(poiseSpan) / Double(max(1, leastSpan)) }

    package init(cases count: Int, seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<count {
            let machine = ExactComparison.machine(&random)
            let sizes = ExactComparison.sizes(on: machine, &random)
            var allocator = PoiseAllocator(machine)
            allocator.place(sizes)
            let mine = ExactComparison.span(of: allocator, on: machine)
            let least = ExactPlacement.leastSpan(sizes, on: machine)
            cases += 1
            poiseSpan += mine
            leastSpan += least
            if mine * 100 <= least * 103 { within3Percent += 1 }
        }
    }

    private static func machine(_ random: inout SplitMix) -> ChurnMachine {
        let isHybrid = random.below(3) == 0
        if isHybrid {
            var machine = Machine(
                name: "hybrid", packages: [], nodes: [], clusters: [], cores: [])
            machine.addCluster(
                of: random.within(2...8), .performance, threads: 2, package: 0, cache: "L3")
            for _ in 0..<random.within(1...2) {
                machine.addCluster(of: 4, .efficiency, threads: 1, package: 0, cache: "L2")
            }
            machine.close(packages: 1)
            return ChurnMachine(machine)
        }
        let nodes = random.within(1...4)
        let caches = random.within(1...max(1, 8 / nodes))
        let cores = random.within(1...(ExactPlacement.mostCores / nodes / caches))
        return .uniform(
            nodes: nodes, cachesPerNode: caches, coresPerCache: cores,
            threads: random.within(1...2))
    }

    private static func sizes(
        on machine: ChurnMachine, _ random: inout SplitMix
    ) -> PerClass<[Int]> {
        var sizes = PerClass<[Int]>(repeating: [])
        for coreClass in CoreClass.allCases where machine.coreCount[coreClass] > 0 {
            let total = machine.coreCount[coreClass]
            var left = max(1, total * random.within(60...100) / 100)
            let largest = max(1, total * 2 / 3)
            while left > 0 {
                let size = min(left, random.within(1...largest))
                sizes[coreClass].append(size)
                left -= size
            }
        }
        return sizes
    }

    private static func span(of allocator: PoiseAllocator, on machine: ChurnMachine) -> Int {
        var caches = Set<[Int]>()
        var nodes = Set<[Int]>()
        for core in machine.machine.cores {
            for cpu in core.pus where allocator.owners[cpu] >= 0 {
                caches.insert([allocator.owners[cpu], machine.cacheOfCore[core.id]])
                nodes.insert([allocator.owners[cpu], core.node])
            }
        }
        return caches.count + nodes.count
    }
}
