import PoiseModel

/// What the CPUs of one group were and are to be.
struct CPUMove {
    let old: CPUSet
    let oldOwn: CPUSet
    private(set) var new: CPUSet
    private(set) var newOwn: CPUSet
    let fewest: Int
    /// The kernel lets nobody else on the CPUs of a partition, also for a moment.
    let isPartition: Bool

    init(from before: ControlGroup?, to after: ControlGroup) {
        old = before?.cpus ?? []
        oldOwn = before?.exclusive ?? []
        new = after.cpus
        newOwn = after.exclusive
        fewest = after.fewestCPUs
        let kinds = [before, after].map { $0?.values[ControlKey(.cpusetPartition)] ?? "member" }
        isPartition = kinds.contains { $0 != "member" }
    }

    /// How many PUs it must have at any moment.
    var least: Int { max(1, min(fewest, old.count, new.count)) }

    /// Makes it stay as it was.
    mutating func stay() {
        new = old
        newOwn = oldOwn
    }
}

/// Which PUs are one core.
struct CoreTwins {
    /// By PU, all PUs of its core; empty where the PU is a core by itself.
    private var twins: [[Int]] = []

    init(_ cores: [CPUSet]) {
        for core in cores {
            let pus = Array(core)
            guard pus.count > 1, let last = pus.last else { continue }
            while twins.count <= last { twins.append([]) }
            for pu in pus { twins[pu] = pus }
        }
    }

    /// The PUs with all that are of one core with them.
    func whole(_ pus: CPUSet) -> CPUSet {
        if twins.isEmpty { return pus }
        var result = pus
        for pu in pus where pu < twins.count { for twin in twins[pu] { result.insert(twin) } }
        return result
    }

    func core(of pu: Int) -> CPUSet {
        pu < twins.count && !twins[pu].isEmpty ? CPUSet(twins[pu]) : [pu]
    }
}

/// Finds the writes of `cpuset.cpus` that lead all groups to their new CPUs, and who must stay.
struct CPUMoves {
    /// One write; `member` is an index of the groups given.
    struct Write: Equatable {
        var member: Int
        var before: CPUSet
        var after: CPUSet
    }

    private(set) var writes: [Write] = []
    /// Those that stay as they were, by index.
    private(set) var stuck: Set<Int> = []
    private let moves: [CPUMove]
    private let usable: CPUSet
    private let cores: CoreTwins

    init(_ moves: [CPUMove], usable: CPUSet, cores: CoreTwins) {
        self.moves = moves
        self.usable = usable
        self.cores = cores
    }

    /// Tries to move all; as long as some cannot, the fewest that free the others stay.
    mutating func solve() {
        stuck = closed(
            Set(moves.indices.filter { moves[$0].new.isEmpty && !moves[$0].old.isEmpty }))
        while true {
            var targets = moves
            for index in stuck { targets[index].stay() }
            var order = CPUOrder(targets, usable: usable, cores: cores)
            let deadlocked = order.run()
            writes = order.writes
            if deadlocked.isEmpty { return }
            let choices = deadlocked.map { closed(stuck.union([$0])) }
            stuck = choices.min { $0.count < $1.count } ?? []
        }
    }

    /// With all that cannot be as they are to be while these stay as they were.
    private func closed(_ start: Set<Int>) -> Set<Int> {
        var result = start
        var open = start.sorted()
        while let next = open.popLast() {
            for index in moves.indices where !result.contains(index) && excludes(next, index) {
                result.insert(index)
                open.append(index)
            }
        }
        return result
    }

    /// Whether what `staying` had and what `moving` is to have cannot be at the same time.
    private func excludes(_ staying: Int, _ moving: Int) -> Bool {
        let old = moves[staying]
        let new = moves[moving]
        if old.old.isEmpty || new.new.isEmpty { return false }
        return !cores.whole(old.oldOwn).isDisjoint(with: new.new)
            || !cores.whole(new.newOwn).isDisjoint(with: old.old)
    }
}
