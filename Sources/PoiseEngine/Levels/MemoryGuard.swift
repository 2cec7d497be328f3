import PoiseModel

/// What is done about one feature that is over its memory budget, one step after the other.
///
/// - *within*: nothing to do. Above the limit the kernel slows it down (`memory.high`).
/// - *reclaiming*: it was over the limit for a second; the kernel is told to take memory back.
/// - *shrinking*: it was over for a second more; its plugin was asked to give memory up.
/// - *stopping*: it was over for five seconds more and is at its end (at its maximum, or standing
///   still for want of memory); it is stopped, and nobody else.
///
/// Where the kernel holds no limit, the first step is to ask. Well below the limit for two seconds
/// it is within again.
struct MemoryGuard: Sendable, Equatable, Codable {
    enum State: Sendable, Equatable, Codable {
        case within
        case reclaiming(since: Instant)
        case shrinking(since: Instant)
        case stopping
    }

    /// One look at its memory.
    struct Look: Sendable, Equatable {
        var bytes: Int
        /// It is to stay below this.
        var limit: Int
        /// It cannot have more than this.
        var most: Int
        /// Whether the kernel holds it to both.
        var isHeld: Bool
        /// Whether all of it stood still for want of memory.
        var isStalled: Bool

        var isOver: Bool { bytes > limit }
        /// A twentieth below the limit.
        var isWell: Bool { bytes <= limit - limit / 20 }
        /// The kernel stops it a little before the maximum already: pages are given out in batches.
        var isAtEnd: Bool { isStalled || bytes >= most - most / 64 }
    }

    enum Action: Sendable, Equatable {
        case nothing
        /// Have the kernel take so much back; `isFirst` is worth telling.
        case reclaim(bytes: Int, isFirst: Bool)
        case shrink(bytes: Int)
        case stop
        case recovered
    }

    private(set) var state = State.within
    /// Since when every look was over the limit.
    private(set) var overSince: Instant?
    private var wellSince: Instant?
    private var reclaimedAt: Instant?
    /// Whether it was told that much of its memory is on nodes of others.
    private(set) var isRemote = false

    static let patience = Duration.seconds(1)
    static let lastPatience = Duration.seconds(5)
    static let wellAfter = Duration.seconds(2)
    /// The kernel works on a reclaim before the write returns, and the daemon waits for it: 16 ms a
    /// MiB on an emulated processor.
    static let mostReclaimed = 4 << 20
    private static let betweenReclaims = Duration.milliseconds(100)

    mutating func handle(_ look: Look, now: Instant) -> Action {
        overSince = look.isOver ? overSince ?? now : nil
        wellSince = look.isWell ? wellSince ?? now : nil
        let over = overSince.map { now - $0 } ?? .zero
        let excess = look.bytes - look.limit
        switch state {
        case .within:
            guard over >= Self.patience else { return .nothing }
            guard look.isHeld else {
                state = .shrinking(since: now)
                return .shrink(bytes: excess)
            }
            state = .reclaiming(since: now)
            return reclaim(excess, isFirst: true, now)
        case .reclaiming(let since):
            if isWell(now) { return recover() }
            guard look.isOver else { return .nothing }
            guard now - since >= Self.patience, over >= Self.patience else {
                return reclaim(excess, isFirst: false, now)
            }
            state = .shrinking(since: now)
            return .shrink(bytes: excess)
        case .shrinking(let since):
            if isWell(now) { return recover() }
            guard now - since >= Self.lastPatience, over >= Self.lastPatience, look.isAtEnd else {
                return .nothing
            }
            state = .stopping
            return .stop
        case .stopping: return .nothing
        }
    }

    private func isWell(_ now: Instant) -> Bool {
        wellSince.map { now - $0 >= Self.wellAfter } ?? false
    }

    private mutating func recover() -> Action {
        state = .within
        return .recovered
    }

    private mutating func reclaim(_ excess: Int, isFirst: Bool, _ now: Instant) -> Action {
        if let reclaimedAt, now - reclaimedAt < Self.betweenReclaims { return .nothing }
        reclaimedAt = now
        return .reclaim(bytes: min(excess, Self.mostReclaimed), isFirst: isFirst)
    }

    /// Bytes on nodes of others that nobody minds: 64 MiB, or a tenth of all.
    static func mostRemote(of bytes: Int) -> Int { max(64 << 20, bytes / 10) }

    /// Takes how much is on nodes of others; true when that has become, or has ceased to be, too
    /// much.
    mutating func turnsRemote(_ remote: Int, of bytes: Int) -> Bool {
        let most = Self.mostRemote(of: bytes)
        let isNow = isRemote ? remote * 5 >= most * 4 : remote > most
        defer { isRemote = isNow }
        return isNow != isRemote
    }
}
