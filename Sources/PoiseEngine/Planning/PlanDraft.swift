import PoiseModel

/// A plan on its way from amounts to places to words.
struct PlanDraft {
    let division: Apportionment
    let map: CoreMap
    let reserve: ReservedCores
    private let inForce: AllocationPlan?
    private let freeBytes: [Int?]
    /// Positions in `division.rations` of the features that have a place.
    private(set) var admitted: [Int] = []
    /// Positions of those that were due nothing and found no core to run on.
    private(set) var homeless: [Int] = []
    private(set) var exclusive: [CPUSet] = []
    private(set) var shared: [CPUSet] = []
    private(set) var accelerators: [(shares: [AcceleratorShare], unmet: [Unmet])] = []
    private(set) var memory: [MemoryPlacement.Share] = []
    /// Ids of the nodes that each feature's cores are in.
    private(set) var nodes: [[Int]] = []

    /// - Parameter freeBytes: memory of each node that features may have; nil where unknown.
    init(
        division: Apportionment, map: CoreMap, reserve: ReservedCores, inForce: AllocationPlan?,
        freeBytes: [Int?]
    ) {
        self.freeBytes = freeBytes
        self.division = division
        self.map = map
        self.reserve = reserve
        self.inForce = inForce
        admitted = division.rations.indices.filter { division.rations[$0].keptOut == nil }
        pickAccelerators()
        if let inForce, answersTheSame(inForce) {
            for position in admitted {
                let allocation = inForce[division.rations[position].policy.id]
                exclusive.append(allocation?.exclusive ?? [])
                shared.append(allocation?.shared ?? [])
            }
            dropHomeless(admitted.indices.filter { exclusive[$0].isEmpty && shared[$0].isEmpty })
        } else {
            placeCores()
        }
    }

    /// Positions in `admitted`, highest priority first.
    var byPriority: [Int] {
        admitted.indices.sorted { first, second in
            let a = division.rations[admitted[first]].priority
            let b = division.rations[admitted[second]].priority
            return a != b ? a > b : first < second
        }
    }

    private mutating func pickAccelerators() {
        var pick = AcceleratorPick(machine: map.machine)
        accelerators = admitted.map { _ in ([], []) }
        for position in byPriority {
            let policy = division.rations[admitted[position]].policy
            guard policy.gpuBytes > 0 || policy.npuPercent > 0 else { continue }
            accelerators[position] = pick.pick(
                policy, inForce: inForce?[policy.id]?.accelerators ?? [])
        }
    }

    /// Whether `plan` gives the same features the same amounts, on places that are valid here: it
    /// may come from another machine, or from anybody.
    private func answersTheSame(_ plan: AllocationPlan) -> Bool {
        guard plan.reserved == reserve.pus(of: map.machine),
            plan.reservedMillicores == reserve.millicores
        else { return false }
        var found = 0
        for position in admitted {
            let ration = division.rations[position]
            guard let allocation = plan[ration.policy.id] else {
                // Without time and without a place then, and so again now.
                guard ration.held.total == 0 else { return false }
                continue
            }
            found += 1
            guard allocation.millicores == ration.held, allocation.cores == ration.wholeCores,
                allocation.borrowed.isEmpty
            else { return false }
        }
        return found == plan.features.count
            && PlanAudit.placesAreValid(plan, on: map.machine)
    }

    private mutating func placeCores() {
        // Local names: a closure over `self` would copy the whole draft.
        let (map, admitted, rations) = (map, admitted, division.rations)
        let shares = accelerators.map(\.shares)
        let inForce = inForce
        let requests = admitted.indices.map { position in
            let ration = rations[admitted[position]]
            return Placement.Request(
                cores: ration.wholeCores, shared: ration.timeOnPools,
                classes: ration.classesToRunOn, priority: ration.priority,
                closeness: Closeness.to(shares[position], on: map.machine),
                localBytes: ration.policy.memory.locality == .strict
                    ? ration.policy.memory.min : 0,
                homes: PlanDraft.homes(of: ration.policy.id, inForce, map))
        }
        let owners = ownersInForce()
        let placement = Placement(
            map: map, requests: requests, reserve: reserve, ownerInForce: owners,
            freeBytes: freeBytes)
        let pick = CorePick(
            board: placement.board, reserved: reserve.cores, ownerInForce: owners)
        let cores = map.machine.cores
        exclusive = admitted.indices.map { owner in
            pick.cores[owner].reduce(into: CPUSet()) { $0.formUnion(cores[$1].pus) }
        }
        shared = admitted.indices.map { position in
            var cpus = CPUSet()
            for part in placement.pools.parts[position] {
                for core in pick.cores[placement.pools.owner(part.coreClass)]
                where cores[core].node == part.node { cpus.formUnion(cores[core].pus) }
            }
            return cpus
        }
        dropHomeless(placement.pools.homeless)
    }

    /// Ids of the nodes where a feature shares cores in the plan in force.
    private static func homes(
        of feature: FeatureID, _ inForce: AllocationPlan?, _ map: CoreMap
    ) -> [Int] {
        guard let shared = inForce?[feature]?.shared, !shared.isEmpty else { return [] }
        var homes = Set<Int>()
        for core in map.machine.cores where core.pus.isSubset(of: shared) {
            homes.insert(core.node)
        }
        return homes.sorted()
    }

    private mutating func dropHomeless(_ positions: [Int]) {
        for position in positions.sorted().reversed() {
            homeless.append(admitted[position])
            admitted.remove(at: position)
            exclusive.remove(at: position)
            shared.remove(at: position)
            accelerators.remove(at: position)
        }
    }

    /// Who has each core in the plan in force: a feature's position, or a pool's owner number.
    private func ownersInForce() -> [Int?] {
        var owners = [Int?](repeating: nil, count: map.machine.cores.count)
        guard let inForce else { return owners }
        var position: [FeatureID: Int] = [:]
        for (index, ration) in admitted.enumerated() {
            position[division.rations[ration].policy.id] = index
        }
        let size = map.nodeOfPU.count
        var ownerOfPU = [Int?](repeating: nil, count: size)
        let pool = -1
        for allocation in inForce.features {
            for pu in allocation.shared where pu < size { ownerOfPU[pu] = pool }
            guard let index = position[allocation.feature] else { continue }
            for pu in allocation.exclusive where pu < size { ownerOfPU[pu] = index }
        }
        for (index, core) in map.machine.cores.enumerated() {
            guard let first = core.pus.first, let owner = ownerOfPU[first],
                core.pus.allSatisfy({ ownerOfPU[$0] == owner })
            else { continue }
            owners[index] = owner == pool ? admitted.count + core.class.rank : owner
        }
        return owners
    }

    private mutating func findNodes() {
        var isIn = [Bool](repeating: false, count: map.machine.nodes.count)
        nodes = admitted.indices.map { position in
            for node in isIn.indices { isIn[node] = false }
            for cpus in [exclusive[position], shared[position]] {
                for pu in cpus where pu < map.nodeOfPU.count && map.nodeOfPU[pu] >= 0 {
                    isIn[map.nodeOfPU[pu]] = true
                }
            }
            return isIn.indices.filter { isIn[$0] }
        }
    }

    /// Minimums of all before the wants of any.
    mutating func placeMemory(reserveBytes: Int) {
        findNodes()
        var placement = MemoryPlacement(machine: map.machine, reserveBytes: reserveBytes)
        memory = admitted.map { _ in MemoryPlacement.Share(nodes: [], bytes: 0) }
        let byPriority = byPriority
        for isMinimum in [true, false] {
            for position in byPriority {
                let ration = division.rations[admitted[position]]
                let least = min(ration.memory, ration.policy.memory.min)
                let share = placement.take(
                    isMinimum ? least : ration.memory - least, own: nodes[position],
                    locality: ration.policy.memory.locality)
                memory[position].bytes += share.bytes
                let more = share.nodes.filter { !memory[position].nodes.contains($0) }
                if !more.isEmpty {
                    memory[position].nodes = (memory[position].nodes + more).sorted()
                }
            }
        }
    }

    /// The first feature whose strictly local minimum of memory its nodes do not have, if any.
    func withoutLocalMemory() -> KeptOut? {
        for position in byPriority {
            let ration = division.rations[admitted[position]]
            let policy = ration.policy
            guard memory[position].bytes < min(policy.memory.min, ration.memory),
                policy.shortage == .keepOut
            else { continue }
            let because = "its nodes have no more, and its policy says locality: strict"
            return KeptOut(
                feature: policy.id, priority: policy.priority, level: policy.level,
                unmet: [
                    Unmet(
                        resource: .memory, wanted: policy.memory.min, got: memory[position].bytes,
                        because: because)
                ],
                because: "kept out: \(because)")
        }
        return nil
    }
}

extension Apportionment.Ration {
    /// What it takes of the shared cores: its time there, and the sliver kept for it.
    var timeOnPools: PerClass<Int> {
        var time = sharedMillicores
        for source in CoreClass.allCases { time[source] += sliver[source] }
        return time
    }

    var classesToRunOn: [CoreClass] { policy.classesToRunOn }
}

extension FeaturePolicy {
    /// The classes that a feature may run on, by liking: its own wishes first, then fallbacks.
    var classesToRunOn: [CoreClass] {
        // Memory without a wish for cores runs where it costs least and is still quick.
        if cores == PerClass(repeating: nil) {
            return [.efficiency, .performance, .lowPower]
        }
        var classes: [CoreClass] = []
        for choice in 0..<CoreClass.allCases.count {
            for wish in CoreClass.allCases {
                guard let cores = cores[wish] else { continue }
                let sources = Apportionment.sources(of: wish, cores.fallback)
                if choice < sources.count, !classes.contains(sources[choice]) {
                    classes.append(sources[choice])
                }
            }
        }
        return classes
    }
}
