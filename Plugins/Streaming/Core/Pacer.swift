package import PoiseModel

/// Paces a stream of events: tokens come at `rate` a second, up to `burst` are saved.
package struct Pacer: Sendable {
    private var tokens: Double
    private let burst: Double
    private var rate: Double
    private var last: Instant

    /// Begins full.
    package init(rate: Double, burst: Double, at now: Instant) {
        self.rate = rate
        self.burst = burst
        tokens = burst
        last = now
    }

    /// Changes how many tokens a second come from now on.
    package mutating func setRate(_ rate: Double, at now: Instant) {
        refill(now)
        self.rate = rate
    }

    /// Takes up to `wanted` whole tokens and gives how many there were.
    package mutating func take(upTo wanted: Int, at now: Instant) -> Int {
        refill(now)
        let taken = min(Double(wanted), tokens.rounded(.down))
        tokens -= taken
        return Int(taken)
    }

    /// How long until `count` tokens (no more than a burst) are there; nil when none come.
    package func wait(for count: Int) -> Duration? {
        let missing = min(Double(count), burst) - tokens
        guard missing > 0 else { return .zero }
        guard rate > 0 else { return nil }
        return .nanoseconds(Int((missing / rate * 1e9).rounded(.up)))
    }

    private mutating func refill(_ now: Instant) {
        guard now > last else { return }
        tokens = min(burst, tokens + rate * (now - last).inSeconds)
        last = now
    }
}

/// The number of events a second that a source is driven at, over time.
package enum LoadShape: Sendable, Equatable {
    case steady(Double)
    /// Swings between `low` and `high`, once in `period`, beginning low.
    case wave(low: Double, high: Double, period: Duration)

    /// The rate so long after the start.
    package func rate(after time: Duration) -> Double {
        switch self {
        case .steady(let rate): return rate
        case .wave(let low, let high, let period):
            let phase = (time.inSeconds / period.inSeconds).truncatingRemainder(dividingBy: 1)
            return low + (high - low) * (1 - Trigonometry.cosine(ofTurns: phase)) / 2
        }
    }

    package var highest: Double {
        switch self {
        case .steady(let rate): rate
        case .wave(_, let high, _): high
        }
    }
}
