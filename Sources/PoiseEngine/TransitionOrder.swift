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

    /// The best detour of the first ring that has one.
    private func firstDetour(of rings: [[Int]]) -> Detour? {
        for ring in rings {
            let detours = ring.map { detour(of: $0, in: ring) }
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
    private func detour(of member: Int, in ring: [Int]) -> Detour? {
        let (now, new) = (present[member], moves[member].new)
        var wantedInRing = CPUSet()
        for other in ring where other != member { wantedInRing.formUnion(wanting[other]) }
        var wanted = wantedInRing
        var left = CPUSet()
        for other in pending where other != member {
            wanted.formUnion(wanting[other])
            left.formUnion(leaving[other])
        }
        let goal = now.intersection(new).union(new.subtracting(now).subtracting(left))
        let misplaced = now.subtracting(new)
        var cpus = goal.union(misplaced.subtracting(wantedInRing))
        let least = moves[member].least
        for more in places(outside: member, wanted: wanted, wantedInRing: wantedInRing)
        where cpus.count < least {
            cpus.fill(to: least, from: more)
        }
        if cpus.count < least {
            for pu in misplaced where cpus.count < least {
                cpus.formUnion(cores.core(of: pu).intersection(now))
            }
        }
        let stillThere = cpus.intersection(misplaced).intersection(wantedInRing)
        let gain =
            misplaced.intersection(wantedInRing).count - stillThere.count
            + goal.subtracting(now).count
        guard gain > 0, cpus != now else { return nil }
        return Detour(member: member, cpus: cpus, opens: stillThere.isEmpty, gain: gain)
    }

    /// PUs that a member could be lent, the best first: free ones that nobody wants, free ones that
    /// nobody of its ring wants, ones that are nobody's own.
    private func places(
        outside member: Int, wanted: CPUSet, wantedInRing: CPUSet
    ) -> [CPUSet] {
        var held = CPUSet()
        for other in present.indices where other != member { held.formUnion(present[other]) }
        let free = usable.subtracting(cores.whole(held)).subtracting(wantedInRing)
        return [free.subtracting(wanted), free, usable.subtracting(owned)]
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
