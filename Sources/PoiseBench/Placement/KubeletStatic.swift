import PoiseModel

/// The kubelet's static CPU manager policy, written from its documentation: whole NUMA nodes, then
/// (with `prefer-align-cpus-by-uncorecache`) whole and partial last-level caches, then whole cores,
/// then single CPUs, each from where least is free.
///
/// Like the original it takes every core to have `CPUs ÷ cores` CPUs, in whole numbers.
struct KubeletStatic: InPlaceAllocator {
    var board: PUBoard
    private let alignsCaches: Bool
    private let cpusPerCore: Int

    init(_ machine: ChurnMachine, alignsCaches: Bool) {
        board = PUBoard(machine)
        self.alignsCaches = alignsCaches
        cpusPerCore = machine.machine.pus.count / max(1, machine.machine.cores.count)
    }

    mutating func grow(_ tenant: Int, by cpus: Int) {
        board.give(take(cpus, from: board.cpus(of: -1)), to: tenant)
    }

    /// What is kept is chosen as if it were given anew, from what the tenant has.
    mutating func shrink(_ tenant: Int, by cpus: Int) {
        let own = board.cpus(of: tenant)
        let kept = take(own.count - cpus, from: own)
        board.give(own, to: -1)
        board.give(kept, to: tenant)
    }

    private func take(_ count: Int, from available: [Int]) -> [Int] {
        var accumulator = Accumulator(board: board, left: available, missing: count)
        accumulator.takeWhole { board.core(of: $0).node }
        if alignsCaches {
            accumulator.takeWhole { board.cache(of: $0) }
            accumulator.takePartialCache(cpusPerCore: cpusPerCore)
        }
        accumulator.takeCores(cpusPerCore: cpusPerCore)
        accumulator.takeSingle()
        return accumulator.taken
    }
}

/// Takes CPUs from coarse to fine until there are enough.
private struct Accumulator {
    let board: PUBoard
    var left: [Int]
    var missing: Int
    var taken: [Int] = []

    private mutating func move(_ cpus: [Int]) {
        taken += cpus
        missing -= cpus.count
        let gone = Set(cpus)
        left.removeAll(where: gone.contains)
    }

    /// CPUs by group, those groups first that have the fewest.
    private func groups(_ key: (Int) -> Int) -> [(key: Int, cpus: [Int])] {
        Dictionary(grouping: left, by: key).map { (key: $0.key, cpus: $0.value) }
            .sorted { ($0.cpus.count, $0.key) < ($1.cpus.count, $1.key) }
    }

    /// Groups of which nothing is taken, as long as all of one is needed.
    mutating func takeWhole(_ key: (Int) -> Int) {
        var sizes: [Int: Int] = [:]
        for cpu in board.owners.indices where board.machine.coreOfPU[cpu] >= 0 {
            sizes[key(cpu), default: 0] += 1
        }
        for group in groups(key)
        where group.cpus.count == sizes[group.key] && group.cpus.count <= missing {
            move(group.cpus)
        }
    }

    /// The fullest cache that has room for all that is missing.
    mutating func takePartialCache(cpusPerCore: Int) {
        guard missing > 0 else { return }
        for group in groups(board.cache) where group.cpus.count >= missing {
            takeCores(of: group.cpus, cpusPerCore: cpusPerCore)
            if missing == 0 { return }
        }
    }

    /// Whole cores, from the fullest node.
    mutating func takeCores(cpusPerCore: Int) {
        for group in groups({ board.core(of: $0).node }) {
            takeCores(of: group.cpus, cpusPerCore: cpusPerCore)
        }
    }

    private mutating func takeCores(of cpus: [Int], cpusPerCore: Int) {
        let cores = Dictionary(grouping: cpus) { board.machine.coreOfPU[$0] }
        for core in cores.keys.sorted() where missing >= cpusPerCore {
            guard let own = cores[core], own.count == cpusPerCore else { continue }
            move(own)
        }
    }

    /// Single CPUs: where most is taken already, then from the fullest node and core.
    mutating func takeSingle() {
        guard missing > 0 else { return }
        var near: [Int: Int] = [:]
        for cpu in taken { near[board.core(of: cpu).node, default: 0] += 1 }
        let inNode = Dictionary(grouping: left) { board.core(of: $0).node }.mapValues(\.count)
        let inCore = Dictionary(grouping: left) { board.machine.coreOfPU[$0] }.mapValues(\.count)
        let order = left.sorted { first, second in
            let (a, b) = (board.core(of: first), board.core(of: second))
            return (
                -near[a.node, default: 0], inNode[a.node, default: 0], inCore[a.id, default: 0],
                first
            ) < (
                -near[b.node, default: 0], inNode[b.node, default: 0], inCore[b.id, default: 0],
                second
            )
        }
        move(Array(order.prefix(missing)))
    }
}
