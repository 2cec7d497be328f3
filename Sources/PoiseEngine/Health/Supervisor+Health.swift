import PoiseModel

// What is known of the health of features.
extension Supervisor {
    /// How every feature is, and what that comes to.
    package var machineHealth: MachineHealth {
        var reckoning = HealthReckoning(self)
        var features: [FeatureHealth] = []
        for feature in records.keys.sorted() { features.append(reckoning.health(of: feature)) }
        let wanted = features.filter(\.isWanted)
        var because: [String] = isShuttingDown ? ["poised is stopping"] : []
        for health in wanted where !health.isReady {
            because += health.unreadyBecause.map { "\(health.feature) is not ready: \($0)" }
        }
        let isReady = because.isEmpty
        if levels.level != .full {
            because.append("the service level is \(levels.level.rawValue)")
        }
        for health in wanted where health.isDegraded {
            because += health.degradedBecause.map { "\(health.feature) is degraded: \($0)" }
        }
        return MachineHealth(
            isReady: isReady,
            isDegraded: levels.level != .full || wanted.contains(where: \.isDegraded),
            because: because, features: features)
    }

    /// The outcome of one check of a feature. One that comes when the feature does not run any
    /// more, or when the policy does not name the check, says nothing.
    ///
    /// A failing critical check of the feature itself is a failure of the feature, each time; what
    /// it depends on is not its fault.
    mutating func take(
        _ name: String, _ outcome: CheckOutcome, of feature: FeatureID, _ now: Instant
    ) {
        guard records[feature]?.life.state == .running, let policy = policy[feature],
            let check = policy.health[name]
        else { return }
        if case .feature = check.target { return }
        let isOwn = policy.health.checks.contains { $0.name == name }
        note(check, isDependency: !isOwn, outcome, of: feature, now)
        guard isOwn, check.isCritical, case .failed(let text) = outcome else { return }
        let because = "its check \(name) (\(check.target)) fails: \(text)"
        fail(feature, .failedHealthCheck, because, now)
    }

    /// Notes whether the features that others depend on are ready, at the end of each turn.
    mutating func followHealth(_ now: Instant) {
        var reckoning: HealthReckoning?
        let features = policy.features
        // Most have none, and a policy of a feature is large to copy.
        for index in features.indices where !features[index].health.dependencies.isEmpty {
            let policy = features[index]
            for check in policy.health.dependencies {
                guard case .feature = check.target, records[policy.id]?.life.state == .running
                else { continue }
                if reckoning == nil { reckoning = HealthReckoning(self) }
                // How often a feature was looked at says nothing; only changes are kept.
                guard let outcome = reckoning?.outcome(of: check.target),
                    outcome != health[policy.id, check.name]?.outcome
                else { continue }
                note(check, isDependency: true, outcome, of: policy.id, now)
            }
        }
    }

    private mutating func note(
        _ check: HealthPolicy.Check, isDependency: Bool, _ outcome: CheckOutcome,
        of feature: FeatureID, _ now: Instant
    ) {
        let change = health.take(outcome, feature, check.name, now)
        var line = FeatureHealth.Line(
            check: check, isDependency: isDependency, verdict: .passes, because: nil, since: now,
            failures: 0)
        switch change {
        case .nothing, .first: return
        case .fails:
            line.verdict = .fails
            if case .failed(let text) = outcome { line.because = text }
            note(.health, feature, line.words)
        case .passesAgain(let failures):
            let isFeature = if case .feature = check.target { true } else { false }
            let after = isFeature ? "" : " (\(failures) failed)"
            note(.health, feature, "\(line.words) again\(after)")
        }
    }
}
