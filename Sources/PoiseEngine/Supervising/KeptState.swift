package import PoiseModel

/// What outlives the daemon, also when it is stopped in order: what operators have decided, and
/// what was learnt of features that fail.
package struct KeptState: Sendable, Codable {
    /// Breakers that are not closed, or remember a trip.
    package var breakers: [FeatureID: Breaker] = [:]
    /// Features that were turned on or off by hand, against the policy.
    package var enabled: [FeatureID: Bool] = [:]
    package var levelByHand: ServiceLevel?
    package var rollouts = RolloutBook()

    package init() {}
}

extension Supervisor {
    /// What is to be kept for the next daemon.
    package var kept: KeptState {
        var kept = KeptState()
        for (feature, record) in records {
            if record.breaker.state != .closed || record.breaker.cause != nil {
                kept.breakers[feature] = record.breaker
            }
            if let policy = given[feature], record.isDisabled == policy.enabled {
                kept.enabled[feature] = !record.isDisabled
            }
        }
        kept.levelByHand = levels.byHand
        kept.rollouts = rollouts.kept
        return kept
    }

    /// Goes on where an earlier daemon ended; before the first turn.
    ///
    /// - Parameter isSameBoot: whether the moments in it are of this boot's clock.
    package mutating func take(_ kept: KeptState, isSameBoot: Bool, now: Instant) {
        resume(kept.rollouts, isSameBoot: isSameBoot, now: now)
        for (feature, breaker) in kept.breakers.sorted(by: { $0.key < $1.key }) {
            guard records[feature] != nil, let rules = rules(of: feature) else { continue }
            records[feature]?.breaker =
                isSameBoot ? breaker : breaker.afterBoot(rules, now: now)
            records[feature]?.lastFailure = breaker.cause?.kind
            records[feature]?.lastProblem = breaker.cause?.because
            guard records[feature]?.breaker.isOpen ?? false else { continue }
            move(feature, .tripped, now)
            note(.found, feature, "its breaker is open still")
        }
        for (feature, isOn) in kept.enabled.sorted(by: { $0.key < $1.key }) {
            enable(feature, isOn, now)
        }
        setLevel(kept.levelByHand, now)
        renewPolicy(now)
    }
}
