import PoiseModel

/// Names the kind of index in a set of groups that move.
enum MoveIndex {}

/// Who waits for whom among the groups that are still to move.
struct WaitGraph {
    /// For whom each group waits.
    private var waits: [IndexSet<MoveIndex>]
    /// Up to this many groups of a ring, the fewest that open it are found by trying all.
    private static let mostTried = 10

    init(count: Int) {
        waits = [IndexSet<MoveIndex>](repeating: [], count: count)
    }

    /// Takes in that a group has other cores to leave or to gain than before.
    mutating func update(
        _ member: Int, among pending: [Int], leaving: [CPUSet], wanting: [CPUSet]
    ) {
        waits[member] = []
        for other in pending where other != member {
            if !wanting[member].isDisjoint(with: leaving[other]) { waits[member].insert(other) }
            if wanting[other].isDisjoint(with: leaving[member]) {
                waits[other].remove(member)
            } else {
                waits[other].insert(member)
            }
        }
    }

    func isBlocked(_ member: Int) -> Bool { !waits[member].isEmpty }

    func isAwaited(_ member: Int) -> Bool { waits.contains { $0.contains(member) } }

    /// The strongly connected parts of two and more groups that wait for nobody outside, each in
    /// order, by their first group (Tarjan 1972).
    func rings() -> [[Int]] {
        var search = RingSearch(waits)
        for member in waits.indices { search.visit(member) }
        return search.parts.filter { part in
            let inside = IndexSet<MoveIndex>(part)
            return part.count > 1 && part.allSatisfy { waits[$0].isSubset(of: inside) }
        }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }

    /// The group of a ring to take out first, so that the fewest of `candidates` open it: exact for
    /// small rings, the one with most ways through it for others. Nil when nobody is a candidate.
    func bestOpening(of ring: [Int], among candidates: [Int]) -> Int? {
        if ring.count <= Self.mostTried {
            for size in 1...max(1, candidates.count) {
                for chosen in subsets(of: candidates, size: size) {
                    if isOpen(ring.filter { !chosen.contains($0) }) { return chosen.first }
                }
            }
        }
        let ways = { (node: Int) -> Int in
            let inward = ring.count { waits[$0].contains(node) }
            return inward * waits[node].count
        }
        return candidates.max { (ways($0), -$0) < (ways($1), -$1) }
    }

    /// Whether groups can be ordered so that nobody waits for a later one.
    private func isOpen(_ members: [Int]) -> Bool {
        var left = IndexSet<MoveIndex>(members)
        while let next = left.first(where: { waits[$0].isDisjoint(with: left) }) {
            left.remove(next)
        }
        return left.isEmpty
    }

    private func subsets(of nodes: [Int], size: Int) -> [[Int]] {
        if size == 0 { return [[]] }
        guard size <= nodes.count else { return [] }
        let rest = Array(nodes.dropFirst())
        return subsets(of: rest, size: size - 1).map { [nodes[0]] + $0 }
            + subsets(of: rest, size: size)
    }
}

/// Tarjan's search; as deep as the longest way, which is at most the number of features.
private struct RingSearch {
    private(set) var parts: [[Int]] = []
    private let waits: [IndexSet<MoveIndex>]
    private var number: [Int?]
    private var low: [Int]
    private var isOpen: [Bool]
    private var stack: [Int] = []
    private var count = 0

    init(_ waits: [IndexSet<MoveIndex>]) {
        self.waits = waits
        number = waits.map { _ in nil }
        low = waits.map { _ in 0 }
        isOpen = waits.map { _ in false }
    }

    mutating func visit(_ node: Int) {
        guard number[node] == nil else { return }
        let mine = count
        number[node] = mine
        low[node] = mine
        count += 1
        stack.append(node)
        isOpen[node] = true
        for next in waits[node] {
            if number[next] == nil {
                visit(next)
                low[node] = min(low[node], low[next])
            } else if isOpen[next], let seen = number[next] {
                low[node] = min(low[node], seen)
            }
        }
        guard low[node] == mine else { return }
        var part: [Int] = []
        while let last = stack.popLast() {
            isOpen[last] = false
            part.append(last)
            if last == node { break }
        }
        parts.append(part)
    }
}
