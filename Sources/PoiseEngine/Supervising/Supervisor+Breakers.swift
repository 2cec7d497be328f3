import PoiseModel

// What fails, and what follows from it.
extension Supervisor {
    /// A feature failed and has not ended.
    mutating func fail(
        _ feature: FeatureID, _ kind: FailureKind, _ because: String, _ now: Instant
    ) {}

    /// What its plugin says of its health.
    mutating func take(_ word: HealthWord, of feature: FeatureID, _ now: Instant) {
        records[feature]?.healthWord = word
    }

    mutating func take(_ command: BreakerCommand, of feature: FeatureID, _ now: Instant) {}

    mutating func enable(_ feature: FeatureID, _ isOn: Bool, _ now: Instant) {}

    /// The policy as it is in effect: after a change of a breaker or a rollout.
    mutating func renewPolicy(_ now: Instant) {
        let new = rollouts.applied(to: given)
        guard new != policy else { return }
        planner = Planner(machine: machine, policy: new)
        load.adopt(new)
        mustPlan = true
    }
}
