package import PoiseModel

/// The circuit breaker of one feature (Nygard, *Release It!*; the two counts are Envoy's).
///
/// - *closed*: the feature runs. Failures within the policy's window are counted.
/// - *open*: too many. The feature does not run, its cores are lent, until the pause is over. The
///   pause doubles with each trip from `open` to `openMax`, moved by up to a tenth, so that
///   features that fell together do not come back together.
/// - *half open*: it runs on a part of its budget. So many good probes in a row close the breaker;
///   one failure opens it again.
/// - *held*: open until somebody resets it: by hand, or because what made it trip was an attempt
///   at something forbidden (quarantine).
///
/// A trip is *detected* always and *enforced* only where the policy's mode says so and not too many
/// features are open already: otherwise all of this goes on in the same way, and nobody acts on it.
package struct Breaker: Sendable, Equatable, Codable {
    package enum State: Sendable, Equatable, Codable {
        case closed
        case open(until: Instant)
        case halfOpen(passed: Int)
        case held(Hold)
    }

    package enum Hold: String, Sendable, Equatable, Codable { case byHand, quarantine }

    package enum Event: Sendable, Equatable {
        case failed(FailureKind, because: String)
        /// A probe was good.
        case passed
        /// The pause is over, or the operator wants it tried now.
        case due
        case reset
        case hold
    }

    /// What an event came to.
    package enum Change: Sendable, Equatable {
        case nothing
        case counted(Int)
        case opened(for: Duration)
        case quarantined
        case probing
        case closed
        case held
    }

    /// What made it trip last.
    package struct Cause: Sendable, Equatable, Codable {
        package var kind: FailureKind
        package var because: String
        package var at: Instant
    }

    /// What an event is judged by.
    package struct Rules {
        package var policy: BreakerPolicy
        /// Whether one more feature may be kept from running.
        package var mayOpen: Bool
        /// Where the jitter comes from: the same for one feature always.
        package var seed: UInt64

        package init(policy: BreakerPolicy, mayOpen: Bool = true, seed: UInt64 = 0) {
            self.policy = policy
            self.mayOpen = mayOpen
            self.seed = seed
        }
    }

    package private(set) var state = State.closed
    /// Whether the last trip is acted on.
    package private(set) var isEnforced = false
    package private(set) var failures = EventWindow()
    package private(set) var cause: Cause?
    /// Trips since it was last well for long; the pause doubles with each.
    package private(set) var trips = 0
    package private(set) var detected = 0
    package private(set) var enforced = 0
    /// Trips that were not enforced because too many features were open already.
    package private(set) var overflows = 0
    package private(set) var closedAt: Instant?

    package init() {}

    /// Whether it keeps its feature from running.
    package var isOpen: Bool {
        switch state {
        case .open, .held: isEnforced
        case .closed, .halfOpen: false
        }
    }

    /// Whether it is finding out if the feature works again.
    package var isHalfOpen: Bool { if case .halfOpen = state { true } else { false } }

    /// Whether its feature is held to a part of its budget.
    package var isOnTrial: Bool { isHalfOpen && isEnforced }

    /// When the pause is over, also one that nobody acts on.
    package var opensAgainAt: Instant? { if case .open(let until) = state { until } else { nil } }

    /// Moves on by one event.
    package mutating func handle(_ event: Event, _ rules: Rules, now: Instant) -> Change {
        switch (state, event) {
        case (.closed, .failed(let kind, let because)):
            return count(kind, because, rules, now)
        case (.halfOpen, .failed(let kind, let because)):
            return trip(kind, because, rules, now)
        // What ends while it is open was told to, or failed for the reason that is known.
        case (.open, .failed), (.held, .failed): return .nothing

        case (.halfOpen(let passed), .passed):
            guard passed + 1 >= rules.policy.probes else {
                state = .halfOpen(passed: passed + 1)
                return .nothing
            }
            close(now)
            return .closed
        case (.closed, .passed), (.open, .passed), (.held, .passed): return .nothing

        case (.open, .due):
            state = .halfOpen(passed: 0)
            return .probing
        case (.closed, .due), (.halfOpen, .due), (.held, .due): return .nothing

        case (.closed, .reset):
            failures.forget()
            trips = 0
            return .nothing
        case (.open, .reset), (.halfOpen, .reset), (.held, .reset):
            close(now)
            trips = 0
            return .closed

        case (.closed, .hold), (.open, .hold), (.halfOpen, .hold), (.held(.quarantine), .hold):
            state = .held(.byHand)
            isEnforced = true
            return .held
        case (.held(.byHand), .hold): return .nothing
        }
    }

    private mutating func count(
        _ kind: FailureKind, _ because: String, _ rules: Rules, _ now: Instant
    ) -> Change {
        let policy = rules.policy
        failures.add(now, within: policy.within, most: policy.failures)
        let count = failures.count(within: policy.within, now: now)
        guard count >= policy.failures else { return .counted(count) }
        return trip(kind, because, rules, now)
    }

    private mutating func trip(
        _ kind: FailureKind, _ because: String, _ rules: Rules, _ now: Instant
    ) -> Change {
        let policy = rules.policy
        // Well for as long as the longest pause: it begins with the first one again.
        if let closedAt, case .closed = state, now - closedAt >= policy.openMax { trips = 0 }
        failures.forget()
        cause = Cause(kind: kind, because: because, at: now)
        detected += 1
        isEnforced = policy.mode == .enforce && rules.mayOpen
        if isEnforced { enforced += 1 }
        if policy.mode == .enforce, !rules.mayOpen { overflows += 1 }
        let pause = Breaker.pause(trips: trips, rules)
        trips = min(trips + 1, 64)
        guard !isEnforced || kind.origin != .security else {
            state = .held(.quarantine)
            return .quarantined
        }
        state = .open(until: now + pause)
        return .opened(for: pause)
    }

    private mutating func close(_ now: Instant) {
        state = .closed
        isEnforced = false
        failures.forget()
        closedAt = now
    }

    /// `open`, twice as long with each trip, moved by up to a tenth, at most `openMax`.
    private static func pause(trips: Int, _ rules: Rules) -> Duration {
        let first = rules.policy.open.wholeMilliseconds
        let most = max(1, rules.policy.openMax.wholeMilliseconds)
        let doubled = trips >= 32 || first > most >> trips ? most : first << trips
        var random = SplitMix64(seed: rules.seed &+ UInt64(trips))
        let moved = doubled * (900 + Int(random.next() % 201)) / 1000
        return .milliseconds(max(1, min(moved, most)))
    }

    /// As it goes on in another boot, whose clock begins anew.
    package func afterBoot(_ rules: Rules, now: Instant) -> Breaker {
        var breaker = self
        breaker.failures.forget()
        breaker.closedAt = nil
        breaker.cause?.at = now
        if case .open = state {
            breaker.state = .open(until: now + Breaker.pause(trips: max(0, trips - 1), rules))
        }
        return breaker
    }
}

extension Breaker: SelfChecking {
    package var contradiction: String? {
        var counts = [trips, detected, enforced, overflows]
        if case .halfOpen(let passed) = state { counts.append(passed) }
        return counts.allSatisfy { (0..<1 << 40).contains($0) } ? nil : "counts what cannot be"
    }
}
