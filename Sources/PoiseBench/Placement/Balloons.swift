import PoiseModel

/// The balloons policy of nri-plugins, written from its description: a tree of machine, package,
/// node, cache and core; growth goes to the deepest tree node that has room for all of it, where
/// the balloon has most already, and which is fullest; inside, whole caches before partial ones.
struct Balloons: InPlaceAllocator {
    private struct TreeNode {
        var depth: Int
        var cpus: [Int]
        /// Positions of the nodes from the root down to this.
        var path: [Int]
    }

    var board: PUBoard
    private var tree: [TreeNode] = []

    init(_ machine: ChurnMachine) {
        board = PUBoard(machine)
        let all = board.cpus(of: -1)
        let board = board
        // A node is told by its parent too: a cache may reach over two of them.
        let levels: [(Int) -> Int] = [
            { board.core(of: $0).package }, { board.core(of: $0).node }, { board.cache(of: $0) },
            { board.machine.coreOfPU[$0] },
        ]
        tree.append(TreeNode(depth: 0, cpus: all, path: [0]))
        var parents = [0]
        for (depth, level) in levels.enumerated() {
            var children: [Int] = []
            for parent in parents {
                let groups = Dictionary(grouping: tree[parent].cpus, by: level)
                for key in groups.keys.sorted() {
                    children.append(tree.count)
                    tree.append(
                        TreeNode(
                            depth: depth + 1, cpus: groups[key, default: []],
                            path: tree[parent].path + [tree.count]))
                }
            }
            parents = children
        }
    }

    private func counts(of owner: Int) -> [Int] {
        tree.map { node in node.cpus.count { board.owners[$0] == owner } }
    }

    mutating func grow(_ tenant: Int, by cpus: Int) {
        let free = counts(of: -1)
        let mine = counts(of: tenant)
        let rooms = tree.indices.filter { free[$0] >= cpus }
        let best = rooms.min { first, second in
            if tree[first].depth != tree[second].depth {
                return tree[first].depth > tree[second].depth
            }
            let (a, b) = (
                tree[first].path.map { -mine[$0] }, tree[second].path.map { -mine[$0] }
            )
            if a != b { return a.lexicographicallyPrecedes(b) }
            return (free[first], first) < (free[second], second)
        }
        guard let best else { return }
        board.give(pick(cpus, from: tree[best].cpus.filter { board.owners[$0] == -1 }), to: tenant)
    }

    /// Whole idle caches, then the fullest cache that has room for the rest, then the emptiest.
    private func pick(_ count: Int, from cpus: [Int]) -> [Int] {
        var groups = Dictionary(grouping: cpus, by: board.cache)
        var picked: [Int] = []
        while picked.count < count {
            let missing = count - picked.count
            let best = groups.keys.min { first, second in
                let (a, b) = (groups[first, default: []].count, groups[second, default: []].count)
                let (fitsA, fitsB) = (a >= missing, b >= missing)
                if fitsA != fitsB { return fitsA }
                return (fitsA ? a : -a, first) < (fitsB ? b : -b, second)
            }
            guard let best, let group = groups.removeValue(forKey: best) else { return picked }
            picked += wholeCoresFirst(group).prefix(missing)
        }
        return picked
    }

    private func wholeCoresFirst(_ cpus: [Int]) -> [Int] {
        let cores = Dictionary(grouping: cpus) { board.machine.coreOfPU[$0] }
        let order = cores.keys.sorted { first, second in
            (-cores[first, default: []].count, first) < (-cores[second, default: []].count, second)
        }
        return order.flatMap { cores[$0, default: []] }
    }

    /// From where the balloon has least, from the root down.
    mutating func shrink(_ tenant: Int, by cpus: Int) {
        for _ in 0..<cpus {
            let mine = counts(of: tenant)
            let leaves = tree.indices.filter { tree[$0].depth == 4 && mine[$0] > 0 }
            let least = leaves.min { first, second in
                let (a, b) = (tree[first].path.map { mine[$0] }, tree[second].path.map { mine[$0] })
                return a == b ? first > second : a.lexicographicallyPrecedes(b)
            }
            guard let least, let cpu = tree[least].cpus.last(where: { board.owners[$0] == tenant })
            else { return }
            board.give([cpu], to: -1)
        }
    }
}
