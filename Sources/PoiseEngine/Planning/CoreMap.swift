import PoiseModel

/// The machine as the planner sees it: cores in bins of one class, one cluster and one node.
///
/// Cores of one bin are interchangeable, so the planner counts cores per bin and picks the very
/// cores only at the end. That keeps every search polynomial: no subset is ever enumerated.
final class CoreMap: Sendable {
    struct Bin: Sendable {
        var coreClass: CoreClass
        var node: Int
        var cluster: Int
        /// Core ids, ascending.
        var cores: [Int]
    }

    let machine: Machine
    /// All PUs of the machine.
    let pus: CPUSet
    /// Node of each PU, by its number; -1 where there is no such PU.
    let nodeOfPU: [Int]
    /// Ordered by node, then cluster, then class.
    let bins: [Bin]
    /// Bin of each core, by core id.
    let binOfCore: [Int]
    /// Bins of each node, by node id.
    let binsOfNode: [[Int]]
    let coreCount: PerClass<Int>
    /// The size of the largest bin of each class, for the least number of clusters possible.
    let binSizes: PerClass<[Int]>
    /// How many cores of each class a node has, largest first.
    let nodeSizes: PerClass<[Int]>
    /// Bins of each class, ascending.
    let binsOfClass: PerClass<[Int]>
    /// Node of each bin.
    let nodeOfBin: [Int]
    /// PUs that a core of each bin has.
    let widthOfBin: [Int]

    init(_ machine: Machine) {
        self.machine = machine
        pus = machine.pus
        var nodeOfPU = Array(repeating: -1, count: (pus.last ?? -1) + 1)
        for core in machine.cores { for pu in core.pus { nodeOfPU[pu] = core.node } }
        self.nodeOfPU = nodeOfPU
        let bins = CoreMap.makeBins(machine)
        var binOfCore = Array(repeating: 0, count: machine.cores.count)
        var binsOfNode = Array(repeating: [Int](), count: machine.nodes.count)
        var coreCount = PerClass<Int>.zero
        var binSizes = PerClass<[Int]>(repeating: [])
        var perNode = Array(repeating: PerClass<Int>.zero, count: machine.nodes.count)
        for (index, bin) in bins.enumerated() {
            for core in bin.cores { binOfCore[core] = index }
            binsOfNode[bin.node].append(index)
            coreCount[bin.coreClass] += bin.cores.count
            binSizes[bin.coreClass].append(bin.cores.count)
            perNode[bin.node][bin.coreClass] += bin.cores.count
        }
        var nodeSizes = PerClass<[Int]>(repeating: [])
        for coreClass in CoreClass.allCases {
            binSizes[coreClass].sort(by: >)
            nodeSizes[coreClass] = perNode.map { $0[coreClass] }.sorted(by: >)
        }
        var binsOfClass = PerClass<[Int]>(repeating: [])
        for (index, bin) in bins.enumerated() { binsOfClass[bin.coreClass].append(index) }
        self.binsOfClass = binsOfClass
        nodeOfBin = bins.map(\.node)
        widthOfBin = bins.map { machine.cores[$0.cores[0]].pus.count }
        self.bins = bins
        self.binOfCore = binOfCore
        self.binsOfNode = binsOfNode
        self.coreCount = coreCount
        self.binSizes = binSizes
        self.nodeSizes = nodeSizes
    }

    private static func makeBins(_ machine: Machine) -> [Bin] {
        struct Place: Hashable, Comparable {
            var node: Int
            var cluster: Int
            var coreClass: CoreClass
            static func < (left: Place, right: Place) -> Bool {
                (left.node, left.cluster, left.coreClass)
                    < (right.node, right.cluster, right.coreClass)
            }
        }
        var cores: [Place: [Int]] = [:]
        for (index, core) in machine.cores.enumerated() {
            // A core that shares no cache is a cluster of its own, numbered past the real ones.
            let cluster = core.cluster ?? machine.clusters.count + index
            cores[Place(node: core.node, cluster: cluster, coreClass: core.class), default: []]
                .append(index)
        }
        return cores.keys.sorted().map { place in
            Bin(
                coreClass: place.coreClass, node: place.node, cluster: place.cluster,
                cores: cores[place, default: []])
        }
    }

    /// The fewest groups of the given sizes (largest first) that together hold `count`.
    static func fewest(_ sizes: [Int], holding count: Int) -> Int {
        var left = count
        var groups = 0
        for size in sizes where left > 0 {
            left -= size
            groups += 1
        }
        return groups
    }
}
