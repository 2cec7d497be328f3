package import PoiseModel

/// Tells a host that sends what is no message now and then from one that does nothing else.
package struct GarbageWatch: Sendable {
    /// So many within `within` are a failure.
    package static let most = 20
    package static let within = Duration.seconds(10)

    private var window: SlidingWindow
    private var toldAt: Instant?

    package init(now: Instant) {
        window = SlidingWindow(GarbageWatch.within, most: GarbageWatch.most, now: now)
    }

    /// Counts one more; true when that makes it a failure, once in `within`.
    package mutating func take(now: Instant) -> Bool {
        if window.room(now: now) > 0 { window.add(1, now: now) }
        guard window.room(now: now) == 0 else { return false }
        if let toldAt, now - toldAt < GarbageWatch.within { return false }
        toldAt = now
        return true
    }
}
