import PoiseModel

/// Mends a scattered placement by a bounded number of moves.
///
/// A greedy first pick leaves features in more clusters than they need, and churn makes it worse
/// (measured before the design: cache span 1.40 × the minimum, against 1.11 × with a repair of at
/// most 8 CPUs an operation). A move empties one bin of a feature into another, into free cores or
/// in exchange with another owner; the move with the largest gain is made, as long as there is a
/// gain and the budget lasts.
struct Repair {
    /// CPUs that may move when a plan is in force.
    static let budgetOfCPUs = 8

    private struct Move {
        var owner: Int
        var from: Int
        var to: Int
        var count: Int
        /// Who gives up `exchanged` cores of `to` for as many of `from`.
        var other: Int?
        var exchanged: Int
        var gain: Int
        var cpus: Int
    }

    private let requests: [Placement.Request]
    /// Nil when no plan is in force, so that nothing moves that anybody has.
    private var budget: Int?

    init(requests: [Placement.Request], budget: Int?) {
        self.requests = requests
        self.budget = budget
    }

    mutating func run(on board: inout Board) {
        if budget == nil { sweep(&board) } else { spend(&board) }
    }

    /// Nothing moves that anybody has, so every gain is taken where it is found.
    private mutating func sweep(_ board: inout Board) {
        for _ in 0..<3 {
            var gained = false
            for owner in requests.indices {
                // A move empties a bin of its owner, so there are at most as many as it has bins.
                for _ in board.map.bins.indices {
                    guard let move = bestMove(of: owner, board, holders(board)) else { break }
                    apply(move, to: &board)
                    gained = true
                }
            }
            if !gained { return }
        }
    }

    /// The budget goes to the largest gains, one after the other.
    private mutating func spend(_ board: inout Board) {
        while true {
            let holders = holders(board)
            var best: Move?
            for owner in requests.indices {
                if let move = bestMove(of: owner, board, holders) { keep(move, &best) }
            }
            guard let move = best else { return }
            apply(move, to: &board)
            budget = budget.map { $0 - move.cpus }
        }
    }

    /// Who holds cores of each bin.
    private func holders(_ board: Board) -> [[Int]] {
        board.map.bins.indices.map { bin in
            (0..<board.owners).filter { board.count($0, in: bin) > 0 }
        }
    }

    private func apply(_ move: Move, to board: inout Board) {
        board.give(-move.count, of: move.from, to: move.owner)
        if let other = move.other {
            board.give(-move.exchanged, of: move.to, to: other)
            board.give(move.exchanged, of: move.from, to: other)
        }
        board.give(move.count, of: move.to, to: move.owner)
    }

    private func bestMove(of owner: Int, _ board: Board, _ holders: [[Int]]) -> Move? {
        let bins = board.bins(of: owner)
        guard isScattered(owner, bins, board) else { return nil }
        var best: Move?
        for from in bins {
            let coreClass = board.map.bins[from].coreClass
            for to in board.map.bins.indices
            where to != from && board.map.bins[to].coreClass == coreClass {
                consider(owner, from, to, board, holders[to], &best)
            }
        }
        return best
    }

    private func isScattered(_ owner: Int, _ bins: [Int], _ board: Board) -> Bool {
        guard bins.count > 1 else { return hasFarCores(owner, bins, board) }
        var held = PerClass<Int>.zero
        for bin in bins { held[board.map.bins[bin].coreClass] += board.count(owner, in: bin) }
        var fewest = 0
        for coreClass in CoreClass.allCases {
            fewest += CoreMap.fewest(board.map.binSizes[coreClass], holding: held[coreClass])
        }
        return bins.count > fewest || board.nodes(of: owner).count > 1
            || hasFarCores(owner, bins, board)
    }

    private func hasFarCores(_ owner: Int, _ bins: [Int], _ board: Board) -> Bool {
        bins.contains { requests[owner].closeness.cost(board.map.bins[$0].node) > 0 }
    }

    private func consider(
        _ owner: Int, _ from: Int, _ to: Int, _ board: Board, _ holders: [Int],
        _ best: inout Move?
    ) {
        let count = board.count(owner, in: from)
        let missing = count - board.free[to]
        let own = gain(owner, losing: count, of: from, for: to, board)
        let width = board.map.width(of: from)
        if missing <= 0 {
            keep(
                Move(
                    owner: owner, from: from, to: to, count: count, other: nil, exchanged: 0,
                    gain: own, cpus: count * width), &best)
            return
        }
        for other in holders where other != owner {
            guard board.count(other, in: to) >= missing else { continue }
            if other >= requests.count, board.map.bins[from].node != board.map.bins[to].node {
                continue
            }
            let theirs = gain(other, losing: missing, of: to, for: from, board)
            // Nobody is scattered for the sake of a lower priority.
            if theirs < 0, other < requests.count,
                requests[other].priority > requests[owner].priority
            {
                continue
            }
            keep(
                Move(
                    owner: owner, from: from, to: to, count: count, other: other,
                    exchanged: missing, gain: own + theirs, cpus: (count + missing) * width), &best)
        }
    }

    private func keep(_ move: Move, _ best: inout Move?) {
        guard move.gain > 0, budget.map({ move.cpus <= $0 }) ?? true else { return }
        guard let leader = best else {
            best = move
            return
        }
        if (-move.gain, move.cpus) < (-leader.gain, leader.cpus) { best = move }
    }

    /// What an owner's cost falls by when `count` cores of one bin become cores of another.
    private func gain(
        _ owner: Int, losing count: Int, of from: Int, for to: Int, _ board: Board
    ) -> Int {
        let (here, there) = (board.map.bins[from].node, board.map.bins[to].node)
        let isPool = owner >= requests.count
        var gain = 0
        if board.count(owner, in: from) == count {
            gain += isPool ? PlacementCost.ofPoolPart : PlacementCost.ofCache
        }
        if board.count(owner, in: to) == 0 {
            gain -= isPool ? PlacementCost.ofPoolPart : PlacementCost.ofCache
        }
        guard here != there else { return gain }
        if board.count(owner, inNode: here) == count { gain += PlacementCost.ofNode }
        if board.count(owner, inNode: there) == 0 { gain -= PlacementCost.ofNode }
        guard !isPool else { return gain }
        let closeness = requests[owner].closeness
        return gain + count * (closeness.cost(here) - closeness.cost(there))
    }
}

extension CoreMap {
    /// PUs a core of a bin has.
    func width(of bin: Int) -> Int { machine.cores[bins[bin].cores[0]].pus.count }
}
