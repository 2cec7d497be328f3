package import PoiseModel

/// So many at once, and so many a second in the long run; the time comes in from outside.
package struct TokenBucket: Sendable, Equatable {
    package private(set) var burst: Int
    package private(set) var perSecond: Int
    // In billionths of a token, so that a nanosecond adds exactly `perSecond` of them.
    private var level: Int
    private var filled: Instant

    /// The most of either amount; beyond it billionths would not fit.
    package static let most = 1_000_000_000

    /// A full bucket; both amounts are 1…`most`.
    package init(burst: Int, perSecond: Int, now: Instant) {
        precondition((1...TokenBucket.most).contains(burst), "a bucket cannot hold \(burst)")
        precondition(
            (1...TokenBucket.most).contains(perSecond), "a bucket cannot fill by \(perSecond)")
        self.burst = burst
        self.perSecond = perSecond
        level = burst * 1_000_000_000
        filled = now
    }

    /// Whole tokens that can be taken now.
    package mutating func room(now: Instant) -> Int {
        fill(now)
        return level / 1_000_000_000
    }

    /// Takes so many tokens; false, and none taken, when there are not as many.
    package mutating func take(_ amount: Int = 1, now: Instant) -> Bool {
        guard amount <= room(now: now) else { return false }
        level -= amount * 1_000_000_000
        return true
    }

    /// Holds and fills otherwise from now on; what is in it stays, as far as it fits.
    package mutating func resize(burst: Int, perSecond: Int, now: Instant) {
        fill(now)
        self = TokenBucket(burst: burst, perSecond: perSecond, now: now, level: level, filled)
    }

    private init(burst: Int, perSecond: Int, now: Instant, level: Int, _ filled: Instant) {
        self.init(burst: burst, perSecond: perSecond, now: now)
        self.level = min(level, self.level)
        self.filled = max(filled, now)
    }

    // A clock that goes back adds none.
    private mutating func fill(_ now: Instant) {
        let passed = max(0, now.nanoseconds - filled.nanoseconds)
        let room = burst * 1_000_000_000 - level
        // Comparing before multiplying keeps a long pause from overflowing.
        level += passed > room / perSecond ? room : passed * perSecond
        if passed > 0 { filled = now }
    }
}
