package import PoiseModel

/// When something happened lately: as many moments as are ever asked for, the newest last.
package struct EventWindow: Sendable, Equatable, Codable {
    package private(set) var moments: [Instant] = []

    package init() {}

    /// Notes one more and forgets what is older than `within` or beyond `most`.
    package mutating func add(_ now: Instant, within: Duration, most: Int) {
        moments.append(now)
        moments.removeAll { now - $0 > within }
        if moments.count > most { moments.removeFirst(moments.count - most) }
    }

    /// How many there were within the time.
    package func count(within: Duration, now: Instant) -> Int {
        moments.count { now - $0 <= within }
    }

    /// When there are fewer than `most` within the time; now when there are already.
    package func room(for most: Int, within: Duration, now: Instant) -> Instant {
        let recent = moments.filter { now - $0 <= within }
        guard recent.count >= most, most > 0 else { return now }
        return recent[recent.count - most] + within + .nanoseconds(1)
    }

    package mutating func forget() { moments = [] }
}
