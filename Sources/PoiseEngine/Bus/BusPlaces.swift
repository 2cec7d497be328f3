import PoiseModel

/// Where features are, as far as routes ask for it.
struct BusPlaces {
    private struct Place {
        /// The kernel's number of the node with most of its PUs.
        let node: Int?
        let classes: Set<CoreClass>
        let isAccelerated: Bool
    }

    private let places: [FeatureID: Place]
    private let hasNodes: Bool

    init(plan: AllocationPlan?, machine: Machine) {
        hasNodes = machine.nodes.count > 1
        var places: [FeatureID: Place] = [:]
        for allocation in plan?.features ?? [] {
            places[allocation.feature] = Place(
                node: BusPlaces.home(of: allocation, machine),
                classes: Set(CoreClass.allCases.filter { allocation.millicores[$0] > 0 }),
                isAccelerated: !allocation.accelerators.isEmpty)
        }
        self.places = places
    }

    /// Where memory that `feature` reads is best; nil when that is not known, or is all the same.
    func node(of feature: FeatureID) -> Int? { hasNodes ? places[feature]?.node : nil }

    /// Whether `receiver` is all that the preference asks for. What is not known is not so.
    func matches(
        _ preference: BusPreference, sender: FeatureID, receiver: FeatureID
    ) -> Bool {
        guard let place = places[receiver] else { return false }
        if let wanted = preference.coreClass, !place.classes.contains(wanted) { return false }
        if preference.accelerated, !place.isAccelerated { return false }
        guard preference.sameNode else { return true }
        guard let node = place.node, let own = places[sender]?.node else { return false }
        return node == own
    }

    /// The node with most of a feature's own PUs, of those that its memory may come from; the
    /// lowest of equals.
    private static func home(of allocation: ResourceAllocation, _ machine: Machine) -> Int? {
        let own = allocation.exclusive.union(allocation.shared)
        var counts: [Int: Int] = [:]
        for core in machine.cores {
            let count = core.pus.intersection(own).count
            guard count > 0, machine.nodes.indices.contains(core.node) else { continue }
            let number = machine.nodes[core.node].osIndex
            guard allocation.nodes.isEmpty || allocation.nodes.contains(number) else { continue }
            counts[number, default: 0] += count
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
            ?? allocation.nodes.first
    }
}
