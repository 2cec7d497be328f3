import PoiseModel

/// Cores of one class that the same features may run on in the same way.
struct CoreRegion: Sendable, Equatable {
    var coreClass: CoreClass
    var cores: Double
    /// PUs of each core.
    var width: Int
    /// Whose own they are, by position; nil for shared cores.
    var owner: Int?
    /// Who has time of its own on them: the owner, or those that share them.
    var entitled: [Share]
    /// Who may use what those leave, with its weight.
    var guests: [Share]

    struct Share: Sendable, Equatable {
        var feature: Int
        /// Cores' worth of time that it is entitled to; its weight among guests.
        var amount: Double
    }

    /// The regions of a machine while features have these CPUs (nil: no process), fastest first.
    static func regions(
        of machine: Machine, given allocations: [ResourceAllocation?]
    ) -> [CoreRegion] {
        var regions: [CoreRegion] = []
        var keys: [Key] = []
        var known: [Key: Int] = [:]
        for core in machine.cores {
            let key = Key(core, allocations)
            if key.isEmpty { continue }
            if let index = known[key] {
                regions[index].cores += 1
            } else {
                known[key] = regions.count
                keys.append(key)
                regions.append(
                    CoreRegion(
                        coreClass: core.class, cores: 1, width: core.pus.count, owner: key.owner,
                        entitled: [], guests: []))
            }
        }
        for (index, key) in keys.enumerated() { regions[index].fill(key, allocations) }
        for coreClass in CoreClass.allCases { shareTime(coreClass, allocations, &regions, keys) }
        for index in regions.indices {
            regions[index].entitled.sort { $0.feature < $1.feature }
            regions[index].guests.sort { $0.feature < $1.feature }
        }
        return regions.enumerated().sorted { first, second in
            (first.element.coreClass.rank, first.offset)
                < (second.element.coreClass.rank, second.offset)
        }.map(\.element)
    }

    /// What makes cores alike.
    private struct Key: Hashable {
        var coreClass: CoreClass
        var width: Int
        var owner: Int?
        var sharers: [Int] = []
        var borrowers: [Int] = []

        init(_ core: Core, _ allocations: [ResourceAllocation?]) {
            coreClass = core.class
            width = core.pus.count
            for (index, allocation) in allocations.enumerated() {
                guard let allocation else { continue }
                if !allocation.exclusive.isDisjoint(with: core.pus) {
                    owner = index
                } else if !allocation.shared.isDisjoint(with: core.pus) {
                    sharers.append(index)
                } else if !allocation.borrowed.isDisjoint(with: core.pus) {
                    borrowers.append(index)
                }
            }
        }

        var isEmpty: Bool { owner == nil && sharers.isEmpty && borrowers.isEmpty }
    }

    private mutating func fill(_ key: Key, _ allocations: [ResourceAllocation?]) {
        if let owner = key.owner { entitled = [Share(feature: owner, amount: cores)] }
        guests = key.borrowers.map { index in
            Share(feature: index, amount: Double(allocations[index]?.weight ?? 1))
        }
    }

    /// Splits each feature's shared time of a class over the pools that it is in, by the room in
    /// them: who can be in one pool only goes first.
    private static func shareTime(
        _ coreClass: CoreClass, _ allocations: [ResourceAllocation?],
        _ regions: inout [CoreRegion], _ keys: [Key]
    ) {
        let pools = keys.indices.filter {
            keys[$0].coreClass == coreClass && !keys[$0].sharers.isEmpty
        }
        var rooms = regions.map(\.cores)
        let parts = allocations.indices
            .map { feature in (feature, pools.filter { keys[$0].sharers.contains(feature) }) }
            .filter { !$0.1.isEmpty }
            .sorted { ($0.1.count, $0.0) < ($1.1.count, $1.0) }
        for (feature, own) in parts {
            guard let allocation = allocations[feature] else { continue }
            let time = allocation.millicores[coreClass] - allocation.cores[coreClass] * 1000
            guard time > 0 else {
                // Who has no time of its own gets what is idle (`cpu.idle`).
                for pool in own {
                    let share = Share(feature: feature, amount: Double(allocation.weight))
                    regions[pool].guests.append(share)
                }
                continue
            }
            let room = own.reduce(0) { $0 + rooms[$1] }
            for pool in own {
                let part = room > 0 ? rooms[pool] / room : 1 / Double(own.count)
                let amount = Double(time) / 1000 * part
                regions[pool].entitled.append(Share(feature: feature, amount: amount))
                rooms[pool] = max(0, rooms[pool] - amount)
            }
        }
    }
}
