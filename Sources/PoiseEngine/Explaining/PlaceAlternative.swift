package import PoiseModel

/// Another place where a feature's own cores could have been, and what it would cost more there.
package struct PlaceAlternative: Sendable, Equatable {
    package enum Place: Sendable, Equatable {
        /// A NUMA node, by the kernel's number.
        case node(Int)
        /// A cache by its name and number, such as `L2#3`.
        case cache(String)
    }

    /// Somebody who would have to leave.
    package struct Displaced: Sendable, Equatable {
        /// Nil for the cores that several share.
        package var feature: FeatureID?
        package var cpus: Int
    }

    package var place: Place
    /// The cost there without the cost here, in the planner's own terms; less is better.
    package var difference: PlacementCost
    /// CPUs of its own that it would have to leave.
    package var movedCPUs: Int
    package var displaced: [Displaced]
    /// Cores that the place is too small for.
    package var coresElsewhere: Int
    /// Whether its strictly local memory does not fit there.
    package var lacksMemory: Bool
}

extension PlaceAlternative {
    /// The other nodes, or on a machine with one node the other caches, nearest in cost first.
    package static func all(of feature: FeatureID, in situation: Situation) -> [PlaceAlternative] {
        let sketch = PlaceSketch(feature, situation)
        guard let sketch, sketch.held.contains(where: { $0 > 0 }) else { return [] }
        let nodes = Set(sketch.usableBins.map { sketch.map.bins[$0].node }).sorted()
        var all: [PlaceAlternative] = []
        if nodes.count > 1 {
            all = nodes.compactMap { node in
                let number = situation.machine.nodes[node].osIndex
                return sketch.alternative(.node(number), bins: sketch.map.binsOfNode[node])
            }
        } else {
            all = sketch.usableBins.compactMap { bin in
                guard sketch.map.bins[bin].cluster < situation.machine.clusters.count else {
                    return nil
                }
                let cluster = situation.machine.clusters[sketch.map.bins[bin].cluster]
                return sketch.alternative(.cache("\(cluster.cache)#\(cluster.id)"), bins: [bin])
            }
        }
        return all.enumerated().sorted {
            ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
        }.map(\.element)
    }

    /// What the place that a feature has costs; nil without cores of its own.
    package static func cost(of feature: FeatureID, in situation: Situation) -> PlacementCost? {
        guard let sketch = PlaceSketch(feature, situation), sketch.held.contains(where: { $0 > 0 })
        else { return nil }
        return PlacementCost(
            holding: sketch.held, of: sketch.map, closeness: sketch.closeness)
    }

    private var order: Int {
        difference.total + (lacksMemory ? 1 << 32 : 0) + displaced.reduce(0) { $0 + $1.cpus }
    }
}

/// Who holds what of each bin, and where else one feature's own cores would fit.
private struct PlaceSketch {
    let map: CoreMap
    /// Cores of each bin that the feature has for itself.
    private(set) var held: [Int]
    private var free: [Int]
    /// Cores of each bin that others have, lowest priority first; shared ones come first.
    private var others: [[(feature: FeatureID?, cores: Int)]]
    let closeness: Closeness
    private let localBytes: Int
    private let freeBytes: [Int?]

    init?(_ feature: FeatureID, _ situation: Situation) {
        guard let allocation = situation.plan[feature] else { return nil }
        let (machine, plan) = (situation.machine, situation.plan)
        map = CoreMap(machine)
        closeness = Closeness.to(allocation.accelerators, on: machine)
        let memory = situation.policy(of: feature)?.memory
        localBytes = memory?.locality == .strict ? memory?.min ?? 0 : 0
        freeBytes = PlaceSketch.freeBytes(beside: feature, situation)
        held = Array(repeating: 0, count: map.bins.count)
        free = held
        others = Array(repeating: [], count: map.bins.count)
        let rivals = plan.features.filter { $0.feature != feature }
            .sorted { ($0.priority, $0.feature) < ($1.priority, $1.feature) }
        let shared = plan.features.reduce(into: CPUSet()) { $0.formUnion($1.shared) }
        for (bin, place) in map.bins.enumerated() {
            let count = { (cpus: CPUSet) in
                place.cores.count { machine.cores[$0].pus.isSubset(of: cpus) }
            }
            held[bin] = count(allocation.exclusive)
            let pool = count(shared)
            if pool > 0 { others[bin].append((nil, pool)) }
            for rival in rivals where !rival.exclusive.isEmpty {
                let cores = count(rival.exclusive)
                if cores > 0 { others[bin].append((rival.feature, cores)) }
            }
            let taken = others[bin].reduce(held[bin] + count(plan.reserved)) { $0 + $1.cores }
            free[bin] = max(0, place.cores.count - taken)
        }
    }

    /// Memory of each node that is not kept for others.
    private static func freeBytes(beside feature: FeatureID, _ situation: Situation) -> [Int?] {
        let reserve = situation.policy.reserve.memoryBytes
        var placement = MemoryPlacement(machine: situation.machine, reserveBytes: reserve)
        for other in situation.plan.features where other.feature != feature {
            let own = situation.machine.nodes.indices.filter {
                other.nodes.contains(situation.machine.nodes[$0].osIndex)
            }
            let locality = situation.policy(of: other.feature)?.memory.locality ?? .preferred
            _ = placement.take(other.memory.lowBytes, own: own, locality: locality)
        }
        return placement.free
    }

    /// Bins of the classes that the feature has cores of.
    var usableBins: [Int] {
        let classes = Set(held.indices.filter { held[$0] > 0 }.map { map.bins[$0].coreClass })
        return map.bins.indices.filter { classes.contains(map.bins[$0].coreClass) }
    }

    /// As many of its cores as fit in `bins`, the rest where it has most now; nil where it is
    /// there already.
    func alternative(_ place: PlaceAlternative.Place, bins: [Int]) -> PlaceAlternative? {
        var there = Array(repeating: 0, count: map.bins.count)
        var displaced: [PlaceAlternative.Displaced] = []
        var elsewhere = 0
        for coreClass in CoreClass.allCases {
            let mine = held.indices.filter {
                held[$0] > 0 && map.bins[$0].coreClass == coreClass
            }
            var missing = mine.reduce(0) { $0 + held[$1] }
            let usable = bins.filter { map.bins[$0].coreClass == coreClass }
            guard missing > 0 else { continue }
            // A cache of another class is no place for these.
            if usable.isEmpty, case .cache = place {
                for bin in mine { there[bin] = held[bin] }
                continue
            }
            for bin in usable.sorted(by: roomiest) {
                let part = min(missing, free[bin] + held[bin])
                there[bin] += part
                missing -= part
            }
            for bin in usable.sorted(by: roomiest) {
                missing -= displace(missing, from: bin, &there, &displaced)
            }
            elsewhere += missing
            for bin in mine.sorted(by: { (-held[$0], $0) < (-held[$1], $1) })
            where !usable.contains(bin) {
                let part = min(missing, held[bin])
                there[bin] += part
                missing -= part
            }
        }
        guard there != held else { return nil }
        let isThere = held.indices.allSatisfy { held[$0] == 0 || bins.contains($0) }
        let here = PlacementCost(holding: held, of: map, closeness: closeness)
        let difference = PlacementCost(holding: there, of: map, closeness: closeness) - here
        // Where it is already, only a better arrangement is another place.
        guard !isThere || difference.total < 0 else { return nil }
        let node = bins.first.map { map.bins[$0].node } ?? 0
        return PlaceAlternative(
            place: place, difference: difference,
            movedCPUs: held.indices.reduce(0) {
                $0 + max(0, held[$1] - there[$1]) * map.widthOfBin[$1]
            }, displaced: displaced, coresElsewhere: elsewhere,
            lacksMemory: localBytes > freeBytes[node] ?? .max)
    }

    private func roomiest(_ first: Int, _ second: Int) -> Bool {
        (-free[first] - held[first], first) < (-free[second] - held[second], second)
    }

    /// Takes up to `missing` cores of a bin from those who hold them, and gives how many it took.
    private func displace(
        _ missing: Int, from bin: Int, _ there: inout [Int],
        _ displaced: inout [PlaceAlternative.Displaced]
    ) -> Int {
        var taken = 0
        for holder in others[bin] where taken < missing {
            let part = min(missing - taken, holder.cores)
            taken += part
            let cpus = part * map.widthOfBin[bin]
            if let index = displaced.firstIndex(where: { $0.feature == holder.feature }) {
                displaced[index].cpus += cpus
            } else {
                displaced.append(.init(feature: holder.feature, cpus: cpus))
            }
        }
        there[bin] += taken
        return taken
    }
}
