import PoiseModel

/// Shared cores: one pool for each class and node, sized to the time that features have on it.
///
/// A feature's shared time goes into one pool where it fits, near its own cores; it is split over
/// several only when no node has the room.
struct SharedPools {
    /// A feature's time in one pool.
    struct Part {
        var coreClass: CoreClass
        var node: Int
        var millicores: Int
    }

    /// The parts of each feature, by position.
    private(set) var parts: [[Part]]
    /// The fewest cores that hold the shared time of a class.
    private(set) var leastCores: PerClass<Int> = .zero
    /// Features that have no time and found no core to run on, by position.
    private(set) var homeless: [Int] = []
    private let requests: [Placement.Request]
    private let reserve: ReservedCores

    init(requests: [Placement.Request], map: CoreMap, reserve: ReservedCores) {
        self.requests = requests
        self.reserve = reserve
        parts = Array(repeating: [], count: requests.count)
        for coreClass in CoreClass.allCases {
            var sum = reserve.coreClass == coreClass ? reserve.millicores : 0
            for request in requests { sum += request.shared[coreClass] }
            leastCores[coreClass] = (sum + 999) / 1000
        }
    }

    /// The owner number of a class's pool.
    func owner(_ coreClass: CoreClass) -> Int { requests.count + coreClass.rank }

    /// Sizes and places the pools and puts every feature's shared time into them.
    mutating func place(on board: inout Board, freeBytes: inout [Int?]) {
        let order = requests.indices.sorted { first, second in
            let (a, b) = (requests[first], requests[second])
            return (-a.priority, -a.shared.total, first) < (-b.priority, -b.shared.total, second)
        }
        for coreClass in CoreClass.allCases where leastCores[coreClass] > 0 {
            place(coreClass, order: order, on: &board, freeBytes: &freeBytes)
        }
        for index in order where needsPlace(index) { findAnyPlace(for: index, on: &board) }
    }

    private func needsPlace(_ index: Int) -> Bool {
        requests[index].cores.total == 0 && requests[index].shared.total == 0
    }

    /// Takes up to `bytes` of a node's memory and gives how many it had.
    static func takeBytes(_ bytes: Int, from node: Int, _ free: inout [Int?]) -> Int {
        guard let left = free[node] else { return bytes }
        let part = min(bytes, left)
        free[node] = left - part
        return part
    }

    private mutating func place(
        _ coreClass: CoreClass, order: [Int], on board: inout Board, freeBytes: inout [Int?]
    ) {
        let pool = owner(coreClass)
        var slack = board.freeInNode.indices.map { board.count(pool, inNode: $0) * 1000 }
        if reserve.coreClass == coreClass, reserve.millicores > 0 {
            _ = put(
                reserve.millicores, of: coreClass, for: nil, on: &board, slack: &slack, freeBytes)
        }
        for index in order where requests[index].shared[coreClass] > 0 {
            let found = put(
                requests[index].shared[coreClass], of: coreClass, for: index, on: &board,
                slack: &slack, freeBytes)
            parts[index] += found
            // Its own cores have settled where its memory is; without any, this does.
            guard requests[index].cores.total == 0, let node = found.first?.node else { continue }
            _ = SharedPools.takeBytes(requests[index].localBytes, from: node, &freeBytes)
        }
        for node in slack.indices { release(slack[node] / 1000, coreClass, node, on: &board) }
    }

    /// Finds room for an amount of time and makes the pools as large as it needs.
    private func put(
        _ amount: Int, of coreClass: CoreClass, for index: Int?, on board: inout Board,
        slack: inout [Int], _ freeBytes: [Int?]
    ) -> [Part] {
        var left = amount
        var found: [Part] = []
        while left > 0 {
            let best = bestNode(left, coreClass, for: index, board, slack, freeBytes)
            guard let node = best else {
                preconditionFailure("no room for \(left) shared millicores of \(coreClass)")
            }
            let part = min(left, slack[node] + board.freeInNode[node][coreClass] * 1000)
            while slack[node] < part {
                grow(coreClass, node, on: &board)
                slack[node] += 1000
            }
            slack[node] -= part
            left -= part
            found.append(Part(coreClass: coreClass, node: node, millicores: part))
        }
        return found
    }

    private func bestNode(
        _ amount: Int, _ coreClass: CoreClass, for index: Int?, _ board: Board, _ slack: [Int],
        _ freeBytes: [Int?]
    ) -> Int? {
        var best: (node: Int, score: (Int, Int, Int, Int, Int, Int))?
        for node in slack.indices {
            let room = slack[node] + board.freeInNode[node][coreClass] * 1000
            guard room > 0 else { continue }
            let request = index.map { requests[$0] }
            let isHome =
                index.map { board.count($0, inNode: node) > 0 } ?? false
                || request?.homes.contains(node) ?? false
            let lacksMemory = request?.localBytes ?? 0 > freeBytes[node] ?? .max
            let distance = index.map { requests[$0].closeness.cost(node) } ?? 0
            let fits = room >= amount
            let grows = slack[node] < amount
            let score = (
                lacksMemory ? 1 : 0, fits ? 0 : 1, isHome ? 0 : 1, distance, grows ? 1 : 0,
                fits ? (grows ? room : slack[node]) : -room
            )
            if best.map({ score < $0.score }) ?? true { best = (node, score) }
        }
        return best?.node
    }

    /// Takes one more core of a node, from the bin with the fewest free, so that the pools use up
    /// the fragments that whole-core features leave.
    private func grow(_ coreClass: CoreClass, _ node: Int, on board: inout Board) {
        let candidates = board.map.binsOfNode[node].filter {
            board.map.bins[$0].coreClass == coreClass && board.free[$0] > 0
        }
        let pool = owner(coreClass)
        let best = candidates.min { first, second in
            let (a, b) = (board.count(pool, in: first), board.count(pool, in: second))
            return (-min(a, 1), board.free[first], first) < (-min(b, 1), board.free[second], second)
        }
        guard let best else { preconditionFailure("node \(node) has no free \(coreClass) core") }
        board.give(1, of: best, to: pool)
    }

    private func release(_ cores: Int, _ coreClass: CoreClass, _ node: Int, on board: inout Board) {
        let pool = owner(coreClass)
        var left = cores
        for bin in board.map.binsOfNode[node].reversed() where left > 0 {
            let part = min(left, board.count(pool, in: bin))
            guard board.map.bins[bin].coreClass == coreClass, part > 0 else { continue }
            board.give(-part, of: bin, to: pool)
            left -= part
        }
    }

    /// Lets a feature without any time of its own run on a pool that is there, else on an idle
    /// core.
    private mutating func findAnyPlace(for index: Int, on board: inout Board) {
        for coreClass in requests[index].classes {
            let pool = owner(coreClass)
            if let node = board.freeInNode.indices.first(where: {
                board.count(pool, inNode: $0) > 0
            }) {
                parts[index] = [Part(coreClass: coreClass, node: node, millicores: 0)]
                return
            }
        }
        for coreClass in requests[index].classes {
            if let node = board.freeInNode.indices.first(where: {
                board.freeInNode[$0][coreClass] > 0
            }) {
                grow(coreClass, node, on: &board)
                parts[index] = [Part(coreClass: coreClass, node: node, millicores: 0)]
                return
            }
        }
        homeless.append(index)
    }
}
