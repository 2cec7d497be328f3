import PoiseModel

/// Watches one promise of a feature (`slo`).
///
/// A breach counts as a failure only when it has lasted for a part of the breaker's window, so that
/// the breaker opens after a whole window of it and not after a bad second; and not while the
/// feature itself waits for CPUs, because then it is not the feature that is too slow.
struct PromiseWatch: Sendable, Equatable, Codable {
    private var latencySince: Instant?
    private var errorsSince: Instant?

    init() {}

    /// Whether it breaks its promise now, for however short a time.
    var isBroken: Bool { latencySince != nil || errorsSince != nil }

    /// Takes one look; gives what has lasted long enough to be a failure.
    mutating func look(
        _ reading: LoadReading, _ promise: ServiceObjective, lasting: Duration, now: Instant
    ) -> (FailureKind, String)? {
        let waits =
            (reading.cpuPressurePerMille ?? 0) > PromiseWatch.starved
            || (reading.waitingMillicores ?? 0) > PromiseWatch.starved
        if let most = promise.latencyP99, let measured = reading.latencyP99Microseconds {
            let isBroken = !waits && measured > most.wholeNanoseconds / 1000
            if PromiseWatch.lasts(isBroken, &latencySince, lasting, now) {
                let words = QuantityText.duration(.microseconds(measured))
                return (
                    .latency,
                    "its p99 latency is \(words), and it promises \(QuantityText.duration(most))"
                )
            }
        }
        if let most = promise.errorRatePercent, let measured = reading.errorsPerMille {
            if PromiseWatch.lasts(measured > most * 10, &errorsSince, lasting, now) {
                return (
                    .errorRate,
                    "\(measured / 10).\(measured % 10) % of what it does fails, and it promises "
                        + "\(most) % at most"
                )
            }
        }
        return nil
    }

    /// Waiting for this part of the time, per mille, or with so many thousandths of a thread, it
    /// cannot keep its word.
    private static let starved = 250

    private static func lasts(
        _ isBroken: Bool, _ since: inout Instant?, _ lasting: Duration, _ now: Instant
    ) -> Bool {
        guard isBroken else {
            since = nil
            return false
        }
        guard let begun = since else {
            since = now
            return false
        }
        guard now - begun >= lasting else { return false }
        since = now
        return true
    }
}

extension Supervisor {
    /// Looks whether features keep their promises.
    mutating func keepPromises(_ now: Instant, _ turn: LoadTurn) {
        for feature in turn.features.keys.sorted() {
            guard let reading = turn.features[feature], let policy = policy[feature],
                policy.slo != ServiceObjective(), var promise = records[feature]?.promise
            else { continue }
            // On trial it must keep its word for as long as the probes take.
            let isTried = records[feature]?.breaker.isHalfOpen ?? false
            let part = policy.breaker.within.wholeNanoseconds / (policy.breaker.failures + 1)
            let lasting =
                isTried ? Duration.seconds(policy.breaker.probes) : .nanoseconds(part)
            let failure = promise.look(reading, policy.slo, lasting: lasting, now: now)
            records[feature]?.promise = promise
            if let (kind, because) = failure { fail(feature, kind, because, now) }
        }
    }
}
