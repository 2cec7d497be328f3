import PoiseModel

/// Finds an order of the writes of `cpuset.cpus`, with detours where there is no direct one.
///
/// A group *waits* for another that still is on a core that the first is to gain and the second to
/// leave, if the core is somebody's own before or after. Who waits for nobody is written. A ring of
/// waiting groups is opened by a detour: one of them leaves what the others wait for, and has in
/// the meantime what it keeps, what it can have already, what nobody wants, or what is free.
struct CPUOrder {
    private(set) var writes: [CPUMoves.Write] = []
    private let moves: [CPUMove]
    private let usable: CPUSet
    private let cores: CoreTwins
    /// Cores that are somebody's own before or after; only about them is there any waiting.
    private let owned: CPUSet
    /// What each group has after the writes so far.
    private var present: [CPUSet]
    /// The same in whole cores.
    private var occupied: [CPUSet]
    /// Not yet where they are to be, in order.
    private var pending: [Int]
    /// Whole cores that a group is on and will not be, among the owned.
    private var leaving: [CPUSet]
    /// Whole cores that a group is not on and will be, among the owned.
    private var wanting: [CPUSet]
    private var graph: WaitGraph
    /// More writes than any sensible way has.
    private let mostWrites: Int

    init(_ moves: [CPUMove], usable: CPUSet, cores: CoreTwins) {
        self.moves = moves
        self.usable = usable
        self.cores = cores
        var owned = CPUSet()
        for move in moves {
            owned.formUnion(move.oldOwn)
            owned.formUnion(move.newOwn)
        }
        self.owned = cores.whole(owned)
        present = moves.map(\.old)
        occupied = present.map(cores.whole)
        pending = moves.indices.filter { moves[$0].old != moves[$0].new }
        leaving = moves.map { _ in [] }
        wanting = leaving
        let misplaced = pending.reduce(0) { $0 + moves[$1].old.subtracting(moves[$1].new).count }
        mostWrites = 2 * (pending.count + misplaced)
        graph = WaitGraph(count: moves.count)
        for index in pending { look(at: index) }
        for index in pending {
            graph.update(index, among: pending, leaving: leaving, wanting: wanting)
        }
    }

    /// Moves all; gives a ring of groups that cannot be led out of each other's way, or nothing.
    mutating func run() -> [Int] {
        while !pending.isEmpty {
            let free = pending.filter { !graph.isBlocked($0) }
            if let next = free.first(where: gives) {
                write(next, moves[next].new)
                continue
            }
            let rings = graph.rings()
            if writes.count < mostWrites, let detour = firstDetour(of: rings) {
                write(detour.member, detour.cpus)
            } else if let next = free.first {
                write(next, moves[next].new)
            } else {
                return rings.first ?? pending
            }
        }
        return []
    }

    /// Whether its write helps others: one waits for it, or it frees as much as it takes. The
    /// writes of the others only use up what a detour may need.
    private func gives(_ member: Int) -> Bool {
        let (now, new) = (present[member], moves[member].new)
        if now.isEmpty { return false }
        return graph.isAwaited(member) || now.count > new.count
            || (now.count == new.count && !now.isDisjoint(with: new))
    }

    private mutating func write(_ member: Int, _ cpus: CPUSet) {
        writes.append(.init(member: member, before: present[member], after: cpus))
        present[member] = cpus
        occupied[member] = cores.whole(cpus)
        look(at: member)
        graph.update(member, among: pending, leaving: leaving, wanting: wanting)
        if cpus == moves[member].new { pending.removeAll { $0 == member } }
    }

    private mutating func look(at member: Int) {
        let (now, new) = (present[member], moves[member].new)
        leaving[member] = cores.whole(now.subtracting(new)).intersection(owned)
        wanting[member] = cores.whole(new.subtracting(now)).intersection(owned)
    }
}

// Detours.
extension CPUOrder {
    private struct Detour {
        var member: Int
        var cpus: CPUSet
        /// Leaves all that others of its ring wait for.
        var opens: Bool
        /// How many PUs it leaves that others want, and enters that it is to have.
        var gain: Int
    }

    /// What the others have to do with a member of a ring.
    private struct Surroundings {
        /// Whole cores that others of the ring wait for.
        var wantedInRing: CPUSet
        /// Whole cores that any other waits for.
        var wanted: CPUSet
        /// Whole cores that others are still to leave.
        var left: CPUSet
        /// Whole cores that others are on.
        var held: CPUSet
    }

    /// The best detour of the first ring that has one.
    private func firstDetour(of rings: [[Int]]) -> Detour? {
        if rings.isEmpty { return nil }
        let wanted = wanting.unionsOfOthers()
        let left = leaving.unionsOfOthers()
        let held = occupied.unionsOfOthers()
        for ring in rings {
            let inRing = ring.map { wanting[$0] }.unionsOfOthers()
            let detours = ring.indices.map { place in
                let member = ring[place]
                return detour(
                    of: member,
                    among: Surroundings(
                        wantedInRing: inRing[place], wanted: wanted[member], left: left[member],
                        held: held[member]))
            }
            let opening = ring.indices.filter { detours[$0]?.opens == true }.map { ring[$0] }
            if let member = graph.bestOpening(of: ring, among: opening),
                let place = ring.firstIndex(of: member)
            {
                return detours[place]
            }
            var best: Detour?
            for case let detour? in detours where detour.gain > best?.gain ?? 0 { best = detour }
            if let best { return best }
        }
        return nil
    }

    /// Where a member of a ring can be in the meantime; nil when it cannot get out of the way.
    private func detour(of member: Int, among others: Surroundings) -> Detour? {
        let (now, new) = (present[member], moves[member].new)
        let goal = now.intersection(new).union(new.subtracting(now).subtracting(others.left))
        let misplaced = now.subtracting(new)
        let contested = misplaced.intersection(others.wantedInRing)
        var cpus = goal.union(misplaced.subtracting(contested))
        let least = moves[member].least
        if cpus.count < least {
            for more in places(for: member, among: others) { cpus.fill(to: least, from: more) }
        }
        if cpus.count < least {
            for pu in contested where cpus.count < least {
                cpus.formUnion(cores.core(of: pu).intersection(now))
            }
        }
        let stillThere = cpus.intersection(contested)
        let gain = contested.count - stillThere.count + goal.subtracting(now).count
        guard gain > 0, cpus != now else { return nil }
        return Detour(member: member, cpus: cpus, opens: stillThere.isEmpty, gain: gain)
    }

    /// PUs that a member could be lent, the best first: free ones that nobody wants, free ones that
    /// nobody of its ring wants, ones that are nobody's own.
    private func places(for member: Int, among others: Surroundings) -> [CPUSet] {
        let free = usable.subtracting(others.held).subtracting(others.wantedInRing)
        let shared = moves[member].isPartition ? [] : usable.subtracting(owned)
        return [free.subtracting(others.wanted), free, shared]
    }
}

extension [CPUSet] {
    /// For each of the sets, the union of all others.
    fileprivate func unionsOfOthers() -> [CPUSet] {
        var result = self
        var before = CPUSet()
        for index in indices {
            result[index] = before
            before.formUnion(self[index])
        }
        var after = CPUSet()
        for index in indices.reversed() {
            result[index].formUnion(after)
            after.formUnion(self[index])
        }
        return result
    }
}

extension CPUSet {
    /// Adds the lowest of `more` until there are `count`.
    fileprivate mutating func fill(to count: Int, from more: CPUSet) {
        var missing = count - self.count
        for pu in more where missing > 0 && !contains(pu) {
            insert(pu)
            missing -= 1
        }
    }
}
