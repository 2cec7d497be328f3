package import PoiseModel

/// So many at once, and so many a second in the long run; the time comes in from outside.
package struct TokenBucket: Sendable, Equatable {
    package let burst: Int
    package let perSecond: Int
    // In billionths of a token, so that a nanosecond adds exactly `perSecond` of them.
    private var level: Int
    private var filled: Instant

    /// A full bucket; both amounts are 1…1 000 000.
    package init(burst: Int, perSecond: Int, now: Instant) {
        precondition((1...1_000_000).contains(burst), "a bucket cannot hold \(burst)")
        precondition((1...1_000_000).contains(perSecond), "a bucket cannot fill by \(perSecond)")
        self.burst = burst
        self.perSecond = perSecond
        level = burst * 1_000_000_000
        filled = now
    }

    /// Takes a token; false when there is none. A clock that goes back adds none.
    package mutating func take(now: Instant) -> Bool {
        let passed = max(0, now.nanoseconds - filled.nanoseconds)
        let room = burst * 1_000_000_000 - level
        // Comparing before multiplying keeps a long pause from overflowing.
        level += passed > room / perSecond ? room : passed * perSecond
        if passed > 0 { filled = now }
        guard level >= 1_000_000_000 else { return false }
        level -= 1_000_000_000
        return true
    }
}

/// What a plugin may say to its host a second, so that one that floods floods nobody else.
///
/// Logs and events beyond it are dropped and counted. Of needs the newest of each class is kept
/// until there is room, because a need that was taken back and did not arrive would last.
package struct HostChannelBudget: Sendable {
    package struct Need: Sendable, Equatable {
        package var coreClass: CoreClass
        package var millicores: Int
        package var milliseconds: Int
        /// When the plugin said so.
        package var signalled: Instant?

        package init(
            coreClass: CoreClass, millicores: Int, milliseconds: Int, signalled: Instant? = nil
        ) {
            self.coreClass = coreClass
            self.millicores = millicores
            self.milliseconds = milliseconds
            self.signalled = signalled
        }
    }

    private var logs: TokenBucket
    private var events: TokenBucket
    private var needs: TokenBucket
    private var kept = PerClass<Need?>(repeating: nil)
    private var dropped = (logs: 0, events: 0, needs: 0)
    private var told: Instant

    package init(now: Instant) {
        logs = TokenBucket(burst: 200, perSecond: 50, now: now)
        events = TokenBucket(burst: 100, perSecond: 20, now: now)
        needs = TokenBucket(burst: 20, perSecond: 10, now: now)
        told = now
    }

    /// Whether something waits for time to pass: a need, or drops that were not told.
    package var isWaiting: Bool {
        dropped != (0, 0, 0) || CoreClass.allCases.contains { kept[$0] != nil }
    }

    /// Whether a line of the log may go out now.
    package mutating func mayLog(now: Instant) -> Bool {
        guard logs.take(now: now) else {
            dropped.logs += 1
            return false
        }
        return true
    }

    /// Whether an event may go out now.
    package mutating func mayTellEvent(now: Instant) -> Bool {
        guard events.take(now: now) else {
            dropped.events += 1
            return false
        }
        return true
    }

    /// Counts a line or an event that was let through and found no room further on.
    package mutating func dropLog() { dropped.logs += 1 }

    /// As `dropLog`, for an event.
    package mutating func dropEvent() { dropped.events += 1 }

    /// Keeps a need until `takeNeeds`; an older one of the same class is dropped.
    package mutating func keep(_ need: Need) {
        if kept[need.coreClass] != nil { dropped.needs += 1 }
        kept[need.coreClass] = need
    }

    /// The needs that may go out now, from performance to low power.
    package mutating func takeNeeds(now: Instant) -> [Need] {
        var taken: [Need] = []
        for coreClass in CoreClass.allCases {
            guard let need = kept[coreClass], needs.take(now: now) else { continue }
            kept[coreClass] = nil
            taken.append(need)
        }
        return taken
    }

    /// What was dropped since it was told last; nil when that is nothing or less than a second ago.
    package mutating func takeDropped(now: Instant) -> HostNews? {
        guard dropped != (0, 0, 0), now - told >= .seconds(1) else { return nil }
        defer {
            dropped = (0, 0, 0)
            told = now
        }
        return .dropped(logs: dropped.logs, events: dropped.events, needs: dropped.needs)
    }
}
