package import PoiseModel

/// How much of one class may go through: a token bucket against bursts and a sliding window
/// against what goes on.
package struct TrafficLimit: Sendable, Equatable {
    package var burst: Int
    package var perSecond: Int
    package var window: Duration
    package var perWindow: Int
    /// Pressure makes it no stricter than this, per cent of what it is otherwise.
    package var leastPercent: Int

    /// The limits of a host. The window is shorter than the bucket would fill in that time, so that
    /// who is at the limit of a second all the time gets less than who is there now and then.
    package static func of(_ kind: TrafficClass) -> TrafficLimit {
        switch kind {
        case .logs: TrafficLimit(200, 50, .seconds(60), 2000, leastPercent: 10)
        case .events: TrafficLimit(100, 20, .seconds(60), 800, leastPercent: 10)
        // A need may be what ends the pressure.
        case .needs: TrafficLimit(20, 10, .seconds(60), 500, leastPercent: 50)
        // Asked for once a second.
        case .reports: TrafficLimit(20, 5, .seconds(60), 240, leastPercent: 50)
        case .health: TrafficLimit(20, 5, .seconds(60), 240, leastPercent: 50)
        case .garbage: TrafficLimit(10, 1, .seconds(60), 30, leastPercent: 10)
        // Deadlines wait for them.
        case .answers: TrafficLimit(500, 200, .seconds(60), 6000, leastPercent: 100)
        case .channelBytes:
            TrafficLimit(4 << 20, 1 << 20, .seconds(60), 32 << 20, leastPercent: 25)
        case .outputBytes:
            TrafficLimit(256 << 10, 256 << 10, .seconds(60), 8 << 20, leastPercent: 10)
        }
    }

    package init(
        _ burst: Int, _ perSecond: Int, _ window: Duration, _ perWindow: Int, leastPercent: Int
    ) {
        self.burst = burst
        self.perSecond = perSecond
        self.window = window
        self.perWindow = perWindow
        self.leastPercent = leastPercent
    }

    /// The limit at so many per cent, never less than one.
    package func scaled(percent: Int) -> TrafficLimit {
        let share = max(leastPercent, percent)
        var scaled = self
        scaled.burst = max(1, burst * share / 100)
        scaled.perSecond = max(1, perSecond * share / 100)
        scaled.perWindow = max(1, perWindow * share / 100)
        return scaled
    }
}

/// The bucket and the window of one class.
package struct TrafficGate: Sendable, Equatable {
    private let full: TrafficLimit
    package private(set) var limit: TrafficLimit
    private var bucket: TokenBucket
    private var window: SlidingWindow

    package init(_ limit: TrafficLimit, now: Instant) {
        full = limit
        self.limit = limit
        bucket = TokenBucket(burst: limit.burst, perSecond: limit.perSecond, now: now)
        window = SlidingWindow(limit.window, most: limit.perWindow, now: now)
    }

    /// Lets all of an amount through, or nothing.
    package mutating func take(_ amount: Int = 1, now: Instant) -> Bool {
        guard amount <= window.room(now: now), bucket.take(amount, now: now) else { return false }
        window.add(amount, now: now)
        return true
    }

    /// Lets through as much of an amount as there is room for, and gives how much that is.
    package mutating func take(upTo amount: Int, now: Instant) -> Int {
        let taken = min(amount, window.room(now: now), bucket.room(now: now))
        return take(taken, now: now) ? taken : 0
    }

    /// Is stricter, or less strict, from now on.
    package mutating func limit(percent: Int, now: Instant) {
        limit = full.scaled(percent: percent)
        bucket.resize(burst: limit.burst, perSecond: limit.perSecond, now: now)
        window.resize(most: limit.perWindow)
    }
}

/// What one feature may send, by class: one value on both sides of the channel.
///
/// The host holds its plugin to it. `poised` does not trust the host, which a hostile plugin has
/// in its hands, and holds each to `margin` times as much; an honest host never comes near, also
/// when its messages wait on their way and arrive together. Every amount that was asked for is
/// counted, as passed or as dropped.
package struct TrafficBudget: Sendable {
    /// What `poised` takes, as a multiple of what a host lets out.
    package static let margin = 2
    /// What the machine's pressure can make of the limits, per cent.
    package static let percents = 10...100

    private var gates: [TrafficGate]
    package private(set) var percent = 100
    package private(set) var passed = TrafficCounts()
    package private(set) var dropped = TrafficCounts()

    package init(times: Int = 1, now: Instant) {
        gates = TrafficClass.allCases.map { kind in
            var limit = TrafficLimit.of(kind)
            limit.burst *= times
            limit.perSecond *= times
            limit.perWindow *= times
            return TrafficGate(limit, now: now)
        }
    }

    /// The limit of a class as it is now.
    package func limit(of kind: TrafficClass) -> TrafficLimit { gates[kind.place].limit }

    /// Whether all of this amount may go through now; counts it one way or the other.
    package mutating func admit(_ kind: TrafficClass, _ amount: Int = 1, now: Instant) -> Bool {
        let isAdmitted = gates[kind.place].take(amount, now: now)
        if isAdmitted { passed.add(amount, to: kind) } else { dropped.add(amount, to: kind) }
        return isAdmitted
    }

    /// How much of an amount may go through now; the rest is dropped.
    package mutating func admit(_ kind: TrafficClass, upTo amount: Int, now: Instant) -> Int {
        let taken = gates[kind.place].take(upTo: amount, now: now)
        passed.add(taken, to: kind)
        dropped.add(amount - taken, to: kind)
        return taken
    }

    /// Whether it may go through now; what may not is not dropped but waits with the caller.
    package mutating func pass(_ kind: TrafficClass, now: Instant) -> Bool {
        guard gates[kind.place].take(now: now) else { return false }
        passed.add(1, to: kind)
        return true
    }

    /// Counts something as dropped that never asked: a newer one took its place, or there was no
    /// room further on.
    package mutating func drop(_ kind: TrafficClass) { dropped.add(1, to: kind) }

    /// What counted as passed was dropped further on after all.
    package mutating func dropPassed(_ kind: TrafficClass) {
        passed.add(-1, to: kind)
        dropped.add(1, to: kind)
    }

    /// Makes all limits so many per cent of what they are otherwise.
    package mutating func limit(percent: Int, now: Instant) {
        let share = min(max(percent, TrafficBudget.percents.lowerBound), 100)
        guard share != self.percent else { return }
        self.percent = share
        for place in gates.indices { gates[place].limit(percent: share, now: now) }
    }
}
