import PoiseModel

/// What a place costs a feature: the terms in which `Repair` compares places and in which
/// explanations tell why another place was not taken. Less is better.
package struct PlacementCost: Sendable, Equatable {
    /// What one more NUMA node, one more cache, and one more cache of a pool of shared cores cost.
    /// A unit is a tenth of a local access (ACPI SLIT), for each core.
    package static let ofNode = 1000
    package static let ofCache = 100
    package static let ofPoolPart = 1

    /// NUMA nodes that its cores are in.
    package var nodes = 0
    /// Groups of its cores that share a cache (bins: one class, one cluster, one node).
    package var caches = 0
    /// Over all cores, how much farther than the nearest node its accelerators are.
    package var distance = 0

    package init() {}

    /// The sum that is compared.
    package var total: Int {
        nodes * PlacementCost.ofNode + caches * PlacementCost.ofCache + distance
    }

    /// The cost of holding so many cores of each bin.
    init(holding cores: [Int], of map: CoreMap, closeness: Closeness) {
        var seen: Set<Int> = []
        for (bin, count) in cores.enumerated() where count > 0 {
            caches += 1
            distance += count * closeness.cost(map.bins[bin].node)
            if seen.insert(map.bins[bin].node).inserted { nodes += 1 }
        }
    }

    static func - (left: PlacementCost, right: PlacementCost) -> PlacementCost {
        var difference = PlacementCost()
        difference.nodes = left.nodes - right.nodes
        difference.caches = left.caches - right.caches
        difference.distance = left.distance - right.distance
        return difference
    }
}
