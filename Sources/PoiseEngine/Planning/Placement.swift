import PoiseModel

/// The second half of planning: which cores, given how many of each class.
///
/// **Method.** What the plan in force gave stays where it is as far as it is still due; growth
/// goes, highest priority first, to the fewest nodes, then the fewest clusters, near the feature's
/// accelerators; there a plan from nothing packs (best fit), while one that follows another leaves
/// room for growth (the emptiest that fits: measured, this saves three moves of four at 70 % load);
/// then `Repair` mends what this greedy first pick left scattered, within a
/// budget of moved CPUs. Shared time goes into pools, one a class and node.
///
/// **Properties.** Deterministic; polynomial (owners × bins); whole cores only, so SMT siblings
/// stay together; never fails, because `Apportionment` stays within the cores there are.
struct Placement {
    /// One feature's request, in whole cores and shared millicores a class.
    struct Request {
        var cores: PerClass<Int>
        var shared: PerClass<Int>
        /// Where shared time of nothing may be had: a feature that was given no time still needs
        /// a CPU to run on. In order of liking.
        var classes: [CoreClass]
        var priority: Int
        var closeness: Closeness
        /// Memory that its nodes must have (`locality: strict`).
        var localBytes = 0
        /// Ids of the nodes where it shares cores in the plan in force.
        var homes: [Int] = []
    }

    private(set) var board: Board
    /// What each owner held in the plan in force.
    private var before: CoreCounts
    private(set) var pools: SharedPools
    private let requests: [Request]
    /// Nothing is in force.
    private let isFirst: Bool
    /// Owner of each core in the plan in force, or nil.
    private let ownerInForce: [Int?]
    /// What strictly local features leave of each node's memory; nil where unknown.
    private var freeBytes: [Int?]

    /// - Parameter ownerInForce: by core; features by position, pools as `features + class rank`.
    init(
        map: CoreMap, requests: [Request], reserve: ReservedCores, ownerInForce: [Int?],
        freeBytes: [Int?]
    ) {
        self.freeBytes = freeBytes
        self.requests = requests
        self.ownerInForce = ownerInForce
        board = Board(map: map, owners: requests.count + CoreClass.allCases.count)
        for core in reserve.cores { board.withdraw(1, from: map.binOfCore[core]) }
        pools = SharedPools(requests: requests, map: map, reserve: reserve)
        before = CoreCounts(map: map, owners: board.owners)
        isFirst = ownerInForce.allSatisfy { $0 == nil }
        keepWhatIsInForce(map, reserve: reserve)
        for owner in growthOrder() { grow(owner) }
        pools.place(on: &board, freeBytes: &self.freeBytes)
        var repair = Repair(
            requests: requests, map: map, before: before, isFirst: isFirst)
        repair.run(on: &board)
    }

    private func growthOrder() -> [Int] {
        requests.indices.sorted { first, second in
            let (a, b) = (requests[first], requests[second])
            return (-a.priority, -a.cores.total, first) < (-b.priority, -b.cores.total, second)
        }
    }

    private mutating func keepWhatIsInForce(_ map: CoreMap, reserve: ReservedCores) {
        var due = requests.map(\.cores)
        for rank in CoreClass.allCases.indices {
            var cores = PerClass<Int>.zero
            cores[CoreClass.allCases[rank]] = pools.leastCores[CoreClass.allCases[rank]]
            due.append(cores)
        }
        for (core, owner) in ownerInForce.enumerated() {
            guard let owner, !reserve.cores.contains(core) else { continue }
            self.before.add(1, to: owner, in: map.binOfCore[core])
        }
        let before = before
        for owner in due.indices {
            // Where it has most it stays, so that a shrinking feature leaves whole nodes and
            // clusters.
            let bins = before.bins(of: owner)
            guard !bins.isEmpty else { continue }
            let size = { bin in before.count(owner, inNode: map.bins[bin].node) }
            let order = bins.sorted {
                (-size($0), -before.count(owner, in: $0), $0)
                    < (-size($1), -before.count(owner, in: $1), $1)
            }
            for bin in order {
                let coreClass = map.bins[bin].coreClass
                let kept = min(before.count(owner, in: bin), due[owner][coreClass])
                due[owner][coreClass] -= kept
                board.give(kept, of: bin, to: owner)
            }
        }
    }

    private mutating func grow(_ owner: Int) {
        var need = requests[owner].cores
        for bin in board.bins(of: owner) {
            need[board.map.bins[bin].coreClass] -= board.count(owner, in: bin)
        }
        while need.total > 0 {
            guard let node = bestNode(for: owner, need) else {
                preconditionFailure("no node has room for \(need) of owner \(owner)")
            }
            for coreClass in CoreClass.allCases {
                let count = min(need[coreClass], board.freeInNode[node][coreClass])
                need[coreClass] -= count
                board.take(count, coreClass, in: node, for: owner, leavingRoom: !isFirst)
            }
        }
        var bytes = requests[owner].localBytes
        for node in board.nodes(of: owner) where bytes > 0 {
            bytes -= SharedPools.takeBytes(bytes, from: node, &freeBytes)
        }
    }

    private func bestNode(for owner: Int, _ need: PerClass<Int>) -> Int? {
        var best: (node: Int, score: NodeScore)?
        for node in board.freeInNode.indices {
            let free = board.freeInNode[node]
            var covered = 0
            for coreClass in CoreClass.allCases { covered += min(need[coreClass], free[coreClass]) }
            guard covered > 0 else { continue }
            let coversAll = covered == need.total
            let score = NodeScore(
                lacksMemory: requests[owner].localBytes > freeBytes[node] ?? .max,
                isNew: board.count(owner, inNode: node) == 0, isShort: !coversAll,
                distance: requests[owner].closeness.cost(node) + spread(owner, to: node),
                clusters: coversAll ? clusters(for: need, in: node) : 0,
                fit: !coversAll ? -covered : isFirst ? free.total : -free.total)
            if best.map({ score < $0.score }) ?? true { best = (node, score) }
        }
        return best?.node
    }

    /// How far `node` is from the nodes that the owner has already.
    private func spread(_ owner: Int, to node: Int) -> Int {
        var distance = 0
        for other in board.freeInNode.indices where board.count(owner, inNode: other) > 0 {
            distance += board.map.machine.distance(from: node, to: other) - 10
        }
        return distance
    }

    private func clusters(for need: PerClass<Int>, in node: Int) -> Int {
        var count = 0
        for coreClass in CoreClass.allCases where need[coreClass] > 0 {
            var sizes: [Int] = []
            for bin in board.map.binsOfNode[node] where board.map.bins[bin].coreClass == coreClass {
                sizes.append(board.free[bin])
            }
            count += CoreMap.fewest(sizes.sorted(by: >), holding: need[coreClass])
        }
        return count
    }
}

/// What makes one node a better place than another, most important first; less is better.
private struct NodeScore: Comparable {
    var lacksMemory: Bool
    var isNew: Bool
    var isShort: Bool
    var distance: Int
    var clusters: Int
    var fit: Int

    static func < (left: NodeScore, right: NodeScore) -> Bool {
        left.order < right.order
    }

    private var order: (Int, Int, Int, Int, Int, Int) {
        (lacksMemory ? 1 : 0, isNew ? 1 : 0, isShort ? 1 : 0, distance, clusters, fit)
    }
}

extension Board {
    /// Gives an owner `count` free cores of a class in a node, from as few bins as can be: first
    /// those that it has cores of, then the one that fits best, else the largest.
    ///
    /// - Parameter leavingRoom: prefers the emptiest of those that fit, where whoever is there can
    ///   grow.
    mutating func take(
        _ count: Int, _ coreClass: CoreClass, in node: Int, for owner: Int, leavingRoom: Bool
    ) {
        var missing = count
        while missing > 0 {
            var best: (bin: Int, score: (Int, Int, Int))?
            for bin in map.binsOfNode[node] where map.bins[bin].coreClass == coreClass {
                guard free[bin] > 0 else { continue }
                let fits = free[bin] >= missing
                let score = (
                    self.count(owner, in: bin) > 0 ? 0 : 1, fits ? 0 : 1,
                    fits && !leavingRoom ? free[bin] : -free[bin]
                )
                if best.map({ score < $0.score }) ?? true { best = (bin, score) }
            }
            guard let bin = best?.bin else {
                preconditionFailure("node \(node) lacks \(missing) \(coreClass) cores")
            }
            let part = min(missing, free[bin])
            give(part, of: bin, to: owner)
            missing -= part
        }
    }
}
