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
        var known: [Key: Int] = [:]
        for core in machine.cores {
            let key = Key(core, allocations)
            if key.isEmpty { continue }
            if let index = known[key] {
                regions[index].cores += 1
            } else {
                known[key] = regions.count
                regions.append(
                    CoreRegion(
                        coreClass: core.class, cores: 1, width: core.pus.count, owner: key.owner,
                        entitled: [], guests: []))
            }
        }
        for (key, index) in known { regions[index].fill(key, allocations) }
        shareTime(allocations, &regions, known)
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

    /// Splits each feature's shared time of a class over the pools it is in, by their sizes.
    private static func shareTime(
        _ allocations: [ResourceAllocation?], _ regions: inout [CoreRegion], _ known: [Key: Int]
    ) {
        let pools = known.filter { $0.key.owner == nil && !$0.key.sharers.isEmpty }
        for (index, allocation) in allocations.enumerated() {
            guard let allocation else { continue }
            for coreClass in CoreClass.allCases {
                let own = pools.filter {
                    $0.key.coreClass == coreClass && $0.key.sharers.contains(index)
                }
                let cores = own.values.reduce(0) { $0 + regions[$1].cores }
                let time = allocation.millicores[coreClass] - allocation.cores[coreClass] * 1000
                for region in own.values {
                    let amount = Double(max(0, time)) / 1000 * regions[region].cores / cores
                    // Who has no time of its own gets what is idle (`cpu.idle`).
                    if amount > 0 {
                        regions[region].entitled.append(Share(feature: index, amount: amount))
                    } else {
                        let weight = Double(allocation.weight)
                        regions[region].guests.append(Share(feature: index, amount: weight))
                    }
                }
            }
        }
        for region in regions.indices {
            regions[region].entitled.sort { $0.feature < $1.feature }
            regions[region].guests.sort { $0.feature < $1.feature }
        }
    }
}
