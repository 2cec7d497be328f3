package import PoiseModel

/// A machine as the placement benchmark looks at it: where each PU is, and how few caches and
/// nodes could hold so many cores.
package struct ChurnMachine: Sendable {
    package let machine: Machine
    /// By PU number; -1 where the machine has no such PU.
    let coreOfPU: [Int]
    /// By core id. A core that shares no cache is a cache of its own.
    let cacheOfCore: [Int]
    let caches: Int
    /// How many cores of a class each cache has, largest first.
    private let cacheSizes: PerClass<[Int]>
    private let nodeSizes: PerClass<[Int]>
    let coreCount: PerClass<Int>
    /// PUs of a core, by class; the commonest where they differ.
    let width: PerClass<Int>

    package init(_ machine: Machine) {
        self.machine = machine
        var coreOfPU = [Int](repeating: -1, count: (machine.pus.last ?? -1) + 1)
        var widths = PerClass<[Int: Int]>(repeating: [:])
        var perCache: [Int: PerClass<Int>] = [:]
        var perNode = [PerClass<Int>](repeating: .zero, count: machine.nodes.count)
        var coreCount = PerClass<Int>.zero
        for core in machine.cores {
            for pu in core.pus { coreOfPU[pu] = core.id }
            widths[core.class][core.pus.count, default: 0] += 1
            let cache = core.cluster ?? machine.clusters.count + core.id
            perCache[cache, default: .zero][core.class] += 1
            perNode[core.node][core.class] += 1
            coreCount[core.class] += 1
        }
        var cacheSizes = PerClass<[Int]>(repeating: [])
        var nodeSizes = PerClass<[Int]>(repeating: [])
        var width = PerClass<Int>(repeating: 1)
        for coreClass in CoreClass.allCases {
            cacheSizes[coreClass] = perCache.values.map { $0[coreClass] }.sorted(by: >)
            nodeSizes[coreClass] = perNode.map { $0[coreClass] }.sorted(by: >)
            let commonest = widths[coreClass].max { ($0.value, $0.key) < ($1.value, $1.key) }
            width[coreClass] = commonest?.key ?? 1
        }
        self.coreOfPU = coreOfPU
        cacheOfCore = machine.cores.map { $0.cluster ?? machine.clusters.count + $0.id }
        caches = machine.clusters.count + machine.cores.count
        self.cacheSizes = cacheSizes
        self.nodeSizes = nodeSizes
        self.coreCount = coreCount
        self.width = width
    }

    /// Whether cores differ in how many PUs they have.
    package var hasMixedWidth: Bool {
        Set(machine.cores.map(\.pus.count)).count > 1
    }

    /// The fewest caches that hold so many cores of a class when nobody else is there.
    func leastCaches(_ cores: Int, _ coreClass: CoreClass) -> Int {
        ChurnMachine.fewest(cacheSizes[coreClass], holding: cores)
    }

    /// The fewest nodes that do.
    func leastNodes(_ cores: Int, _ coreClass: CoreClass) -> Int {
        ChurnMachine.fewest(nodeSizes[coreClass], holding: cores)
    }

    private static func fewest(_ sizes: [Int], holding count: Int) -> Int {
        var left = count
        var groups = 0
        for size in sizes where left > 0 && size > 0 {
            left -= size
            groups += 1
        }
        return groups
    }

    /// 256 CPUs: 4 nodes of 4 last-level caches of 8 cores with two PUs each.
    package static var server: ChurnMachine {
        uniform(nodes: 4, cachesPerNode: 4, coresPerCache: 8, threads: 2)
    }

    /// Equal cores in equal caches in equal nodes.
    package static func uniform(
        nodes: Int, cachesPerNode: Int, coresPerCache: Int, threads: Int
    ) -> ChurnMachine {
        let cpus = nodes * cachesPerNode * coresPerCache * threads
        var machine = Machine(
            name: "\(cpus) CPUs, \(nodes) nodes, \(nodes * cachesPerNode) caches",
            packages: [], nodes: [], clusters: [], cores: [])
        for node in 0..<nodes {
            for _ in 0..<cachesPerNode {
                machine.addCluster(
                    of: coresPerCache, .performance, threads: threads, package: node, cache: "L3")
            }
        }
        machine.close(packages: nodes)
        return ChurnMachine(machine)
    }
}
