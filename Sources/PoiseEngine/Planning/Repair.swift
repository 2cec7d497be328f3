import PoiseModel

/// Mends a scattered placement by a bounded number of moves.
///
/// A greedy first pick leaves features in more clusters than they need, and churn makes it worse
/// (`poise bench placement` tells how much). A move empties one bin of a feature into another, into
/// free cores or in exchange with another owner, who goes where the feature comes from, or to a
/// third place of its own node; the move with the largest gain is made, as long as
/// there is a gain and the budget lasts.
///
/// **Price.** With a plan in force only cores that an owner held in it cost anything to move: what
/// is new to it goes to the best place for nothing. A node too many costs the most; a cluster too
/// many costs less for a feature that needs several anyway; and a move that leaves a bin without a
/// free core is worth less, because the next growth of anybody in it would undo it.
struct Repair {
    /// CPUs that may move when a plan is in force.
    static let budgetOfCPUs = 8

    /// What a CPU that changes hands costs when a plan is in force: 4 of them are the most that a
    /// cluster is worth, and 2 in a bin that gets full. These figures were chosen by the first
    /// three seeds of `poise bench placement`: less moves more CPUs and gains little, more leaves
    /// features scattered. Over twelve seeds they come to 1.11 caches, 1.02 nodes and 0.52 CPUs at
    /// 90 % load.
    private static let costOfCPU = 22
    private static let fullBinCost = 30
    /// CPUs that a move may take which fills a bin.
    private static let budgetOfFullBin = 6

    private struct Move {
        var owner: Int
        var from: Int
        var to: Int
        var count: Int
        /// Who gives up `exchanged` cores of `to` for as many of `otherTo`.
        var other: Int?
        var exchanged: Int
        var otherTo: Int
        /// What the places are better by, less the price of the way.
        var profit: Int
        var cpus: Int
    }

    private let requests: [Placement.Request]
    private let map: CoreMap
    /// What each owner held in the plan in force.
    private let before: CoreCounts
    /// There is no plan in force, so that nothing moves that anybody has.
    private let isFirst: Bool
    private var budget: Int
    /// Whether it matters to a feature how far it is from its accelerators.
    private let hasCloseness: [Bool]
    /// What one cluster more costs each owner. Pools do not mind.
    private let clusterCost: [Int]
    /// The fewest clusters that hold what each feature is due.
    private let fewest: [Int]

    init(requests: [Placement.Request], map: CoreMap, before: CoreCounts, isFirst: Bool) {
        self.requests = requests
        self.map = map
        self.before = before
        self.isFirst = isFirst
        budget = isFirst ? .max : Repair.budgetOfCPUs
        hasCloseness = requests.map(\.closeness.matters)
        fewest = requests.map { request in
            var fewest = 0
            for coreClass in CoreClass.allCases where request.cores[coreClass] > 0 {
                fewest += CoreMap.fewest(map.binSizes[coreClass], holding: request.cores[coreClass])
            }
            return fewest
        }
        clusterCost =
            fewest.map { isFirst ? PlacementCost.ofCache : PlacementCost.ofCache / max(1, $0) }
            + CoreClass.allCases.map { _ in 1 }
    }

    mutating func run(on board: inout Board) {
        guard requests.indices.contains(where: { isScattered($0, board) }) else { return }
        if isFirst { sweep(&board) } else { spend(&board) }
    }

    /// Nothing moves that anybody has, so every gain is taken where it is found.
    private mutating func sweep(_ board: inout Board) {
        for _ in 0..<3 {
            var gained = false
            for owner in requests.indices {
                // A move empties a bin of its owner, so there are at most as many as it has bins.
                for _ in map.bins.indices {
                    var best: Move?
                    findMove(of: owner, board, &best)
                    guard let move = best else { break }
                    apply(move, to: &board)
                    gained = true
                }
            }
            if !gained { return }
        }
    }

    /// The budget goes to the largest gains, one after the other.
    private mutating func spend(_ board: inout Board) {
        // Every move gains, so this ends by itself; the bound is for the time that it may take.
        for _ in 0..<(requests.count + map.bins.count) {
            var best: Move?
            for owner in requests.indices { findMove(of: owner, board, &best) }
            guard let move = best else { return }
            apply(move, to: &board)
            budget -= move.cpus
        }
    }

    private func apply(_ move: Move, to board: inout Board) {
        board.give(-move.count, of: move.from, to: move.owner)
        if let other = move.other {
            board.give(-move.exchanged, of: move.to, to: other)
            board.give(move.exchanged, of: move.otherTo, to: other)
        }
        board.give(move.count, of: move.to, to: move.owner)
    }

    private func findMove(of owner: Int, _ board: Board, _ best: inout Move?) {
        guard isScattered(owner, board) else { return }
        for coreClass in CoreClass.allCases {
            let bins = map.binsOfClass[coreClass]
            for from in bins where board.count(owner, in: from) > 0 {
                for to in bins where to != from { consider(owner, from, to, board, &best) }
            }
        }
    }

    private func isScattered(_ owner: Int, _ board: Board) -> Bool {
        let (bins, nodes) = board.held.places(of: owner)
        if bins > fewest[owner] || nodes > 1 { return true }
        guard hasCloseness[owner] else { return false }
        return board.bins(of: owner).contains {
            requests[owner].closeness.cost(map.nodeOfBin[$0]) > 0
        }
    }

    private func consider(
        _ owner: Int, _ from: Int, _ to: Int, _ board: Board, _ best: inout Move?
    ) {
        let count = board.count(owner, in: from)
        let missing = count - board.free[to]
        let own = gain(owner, losing: count, of: from, for: to, board)
        var move = Move(
            owner: owner, from: from, to: to, count: count, other: nil, exchanged: 0, otherTo: from,
            profit: own, cpus: moved(owner, count, of: from, for: to, board))
        if missing <= 0 {
            settle(&move, board, &best)
            return
        }
        // An exchange cannot gain more than a node and a cluster for the other.
        guard own + PlacementCost.ofNode + PlacementCost.ofCache > 0 else { return }
        let ownCPUs = move.cpus
        for other in 0..<board.owners where other != owner {
            let all = board.count(other, in: to)
            guard all >= missing else { continue }
            if other >= requests.count, map.nodeOfBin[from] != map.nodeOfBin[to] { continue }
            move.other = other
            // As few of the other's cores as must go, or all of them, so that it is not divided.
            move.exchanged = missing
            move.otherTo = from
            exchange(with: other, own, ownCPUs, &move, board, &best)
            guard !isFirst else { continue }
            // All of the other's cores, so that it is not divided.
            move.exchanged = all
            if all > missing, all <= board.free[from] + count {
                exchange(with: other, own, ownCPUs, &move, board, &best)
            }
            // Or to a third place in its own node.
            for third in map.binsOfNode[map.nodeOfBin[to]]
            where third != to && third != from && board.free[third] >= all
                && map.bins[third].coreClass == map.bins[to].coreClass
            {
                move.otherTo = third
                exchange(with: other, own, ownCPUs, &move, board, &best)
            }
        }
    }

    /// Considers what `move` says, with another owner.
    private func exchange(
        with other: Int, _ own: Int, _ ownCPUs: Int, _ move: inout Move, _ board: Board,
        _ best: inout Move?
    ) {
        let exchanged = move.exchanged
        let theirs = gain(other, losing: exchanged, of: move.to, for: move.otherTo, board)
        // Nobody is scattered for the sake of a lower priority.
        if theirs < 0, other < requests.count,
            requests[other].priority > requests[move.owner].priority
        {
            return
        }
        move.profit = own + theirs
        move.cpus = ownCPUs + moved(other, exchanged, of: move.to, for: move.otherTo, board)
        settle(&move, board, &best)
    }

    /// Takes the price off a move and keeps it when it is the best so far.
    private func settle(_ move: inout Move, _ board: Board, _ best: inout Move?) {
        guard move.profit > 0 else { return }
        var kept = move
        kept.cpus *= map.widthOfBin[move.from]
        if !isFirst {
            kept.profit -= Repair.costOfCPU * kept.cpus
            if board.free[move.to] + move.exchanged == move.count {
                kept.profit -= Repair.fullBinCost
                guard kept.cpus <= Repair.budgetOfFullBin else { return }
            }
            guard kept.profit > 0 else { return }
        }
        guard kept.cpus <= budget else { return }
        guard let leader = best else {
            best = kept
            return
        }
        if (-kept.profit, kept.cpus) < (-leader.profit, leader.cpus) { best = kept }
    }

    /// How many cores that it held in the plan in force an owner loses when so many of one bin
    /// become cores of another; negative where it returns to what it held.
    private func moved(
        _ owner: Int, _ count: Int, of from: Int, for to: Int, _ board: Board
    ) -> Int {
        guard !isFirst else { return count }
        let (wasHere, isHere) = (before.count(owner, in: from), board.count(owner, in: from))
        let (wasThere, isThere) = (before.count(owner, in: to), board.count(owner, in: to))
        return min(wasHere, isHere) - min(wasHere, isHere - count)
            + min(wasThere, isThere) - min(wasThere, isThere + count)
    }

    /// What an owner's cost falls by when `count` cores of one bin become cores of another.
    private func gain(
        _ owner: Int, losing count: Int, of from: Int, for to: Int, _ board: Board
    ) -> Int {
        let (here, there) = (map.nodeOfBin[from], map.nodeOfBin[to])
        var gain = 0
        if board.count(owner, in: from) == count { gain += clusterCost[owner] }
        if board.count(owner, in: to) == 0 { gain -= clusterCost[owner] }
        guard here != there else { return gain }
        if board.count(owner, inNode: here) == count { gain += PlacementCost.ofNode }
        if board.count(owner, inNode: there) == 0 { gain -= PlacementCost.ofNode }
        guard owner < requests.count, hasCloseness[owner] else { return gain }
        let closeness = requests[owner].closeness
        return gain + count * (closeness.cost(here) - closeness.cost(there))
    }
}
