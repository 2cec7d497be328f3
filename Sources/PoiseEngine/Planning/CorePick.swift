import PoiseModel

/// Names the very cores: from so many of a bin to which ones, keeping those that the owner has.
struct CorePick {
    /// Core ids of each owner, ascending.
    private(set) var cores: [[Int]]

    init(board: Board, reserved: [Int], ownerInForce: [Int?]) {
        let map = board.map
        cores = Array(repeating: [], count: board.owners)
        for (bin, place) in map.bins.enumerated() {
            var due = (0..<board.owners).map { board.count($0, in: bin) }
            var left: [Int] = []
            for core in place.cores where !reserved.contains(core) {
                if let owner = ownerInForce[core], due[owner] > 0 {
                    due[owner] -= 1
                    cores[owner].append(core)
                } else {
                    left.append(core)
                }
            }
            var next = 0
            for owner in due.indices where due[owner] > 0 {
                cores[owner] += left[next..<(next + due[owner])]
                next += due[owner]
            }
        }
        for owner in cores.indices { cores[owner].sort() }
    }
}
