import PoiseModel

// What fails, and what follows from it.
extension Supervisor {
    /// A feature failed and has not ended.
    mutating func fail(
        _ feature: FeatureID, _ kind: FailureKind, _ because: String, _ now: Instant
    ) {
        guard let record = records[feature] else { return }
        switch record.life.state {
        case .starting, .running: break
        case .stopped, .waiting, .stopping, .backingOff, .failed: return
        }
        records[feature]?.lastProblem = because
        records[feature]?.lastFailure = kind
        let change = strike(feature, kind, because, now)
        switch kind {
        case .missedDeadline, .outOfMemory:
            note(.failed, feature, "\(because); it is killed")
            move(feature, .overdue, now)
        case .crash, .startFailure, .configuration, .failedHealthCheck, .errorRate, .latency,
            .security, .host:
            if change != .quarantined { note(.failed, feature, because) }
        }
        guard records[feature]?.breaker.isOpen ?? false else { return }
        // Who does what is forbidden is not asked to end.
        move(feature, change == .quarantined ? .overdue : .tripped, now)
    }

    /// Tells a feature's breaker of a failure.
    @discardableResult
    mutating func strike(
        _ feature: FeatureID, _ kind: FailureKind, _ because: String, _ now: Instant
    ) -> Breaker.Change {
        handle(.failed(kind, because: because), of: feature, now)
    }

    /// What its plugin says of its health.
    mutating func take(_ word: HealthWord, of feature: FeatureID, _ now: Instant) {
        guard records[feature]?.life.state == .running else { return }
        records[feature]?.healthWord = word
        switch word {
        case .failing(let because):
            fail(feature, .failedHealthCheck, HealthWord.failure(because), now)
        case .good, .degraded:
            guard records[feature]?.promise.isBroken == false else { return }
            handle(.passed, of: feature, now)
        }
    }

    mutating func take(_ command: BreakerCommand, of feature: FeatureID, _ now: Instant) {
        switch command {
        case .reset:
            handle(.reset, of: feature, now)
            records[feature]?.restartsLately.forget()
            switch records[feature]?.life.state {
            case .backingOff, .failed: move(feature, .wanted, now)
            default: break
            }
        case .hold:
            handle(.hold, of: feature, now)
            move(feature, .tripped, now)
            // One that rested before rests on.
            let end = records[feature].flatMap { pauseEnd($0, now) }
            records[feature]?.deadline = end
        }
    }

    /// Turns a feature on or off for good.
    mutating func enable(_ feature: FeatureID, _ isOn: Bool, _ now: Instant) {
        guard let record = records[feature], record.isDisabled == isOn else { return }
        records[feature]?.isDisabled = !isOn
        note(isOn ? .enabled : .disabled, feature, isOn ? "is enabled" : "is disabled")
        move(feature, isOn ? .wanted : .unwanted, now)
    }

    /// Pauses that are over and that nobody acts on, probes of features that say nothing of
    /// themselves, and promises that are not kept.
    mutating func followBreakers(_ now: Instant) {
        for feature in records.keys.sorted() {
            guard let record = records[feature] else { continue }
            if !record.breaker.isOpen, let due = record.breaker.opensAgainAt, due <= now {
                handle(.due, of: feature, now)
            }
            if let due = record.probeAt, due <= now { probe(feature, now) }
            arrangeProbe(feature, now)
        }
    }

    /// A second of running without a failure is all that is known of a command; a plugin is asked.
    private mutating func probe(_ feature: FeatureID, _ now: Instant) {
        guard let record = records[feature] else { return }
        records[feature]?.probeAt = nil
        guard record.life.state == .running else { return }
        if isPlugin(feature) {
            guard case .failing(let because) = record.healthWord else { return }
            fail(feature, .failedHealthCheck, HealthWord.failure(because), now)
        } else {
            handle(.passed, of: feature, now)
        }
    }

    private mutating func arrangeProbe(_ feature: FeatureID, _ now: Instant) {
        guard let record = records[feature], record.probeAt == nil,
            record.life.state == .running
        else { return }
        var isAwaited = record.breaker.isHalfOpen && !isPlugin(feature)
        if case .failing = record.healthWord { isAwaited = true }
        if isAwaited { records[feature]?.probeAt = now + .seconds(1) }
    }

    /// What is done about a feature that has ended and is not to be started at once.
    func isGivenUp(_ record: Record, _ feature: FeatureID, _ now: Instant) -> Bool {
        guard let budget = policy[feature]?.restartBudget else { return false }
        return record.restartsLately.count(within: budget.within, now: now) >= budget.restarts
    }

    /// When a feature that backs off is started again; nil when only somebody else knows.
    func pauseEnd(_ record: Record, _ now: Instant) -> Instant? {
        guard record.life.state == .backingOff else { return record.deadline }
        if record.breaker.isOpen { return record.breaker.opensAgainAt }
        return now
            + BackOff.pause(
                failures: record.life.failures, origin: record.lastFailure?.origin ?? .plugin)
    }

    /// Whether it may be started again now, and if not when: all features together have only so
    /// many restarts.
    mutating func takeRetry(of feature: FeatureID, _ now: Instant) -> Instant? {
        let limits = given.supervision
        let room = retries.room(for: limits.mostRetries, within: limits.retriesWithin, now: now)
        guard room <= now else { return room }
        retries.add(now, within: limits.retriesWithin, most: limits.mostRetries)
        if let budget = policy[feature]?.restartBudget {
            records[feature]?.restartsLately.add(
                now, within: budget.within, most: budget.restarts)
        }
        return nil
    }

    /// Features whose cores nobody needs for a while: those that rest.
    func restingNow(_ now: Instant) -> Set<FeatureID> {
        Set(
            records.filter { _, record in
                record.life.state == .backingOff
                    && record.deadline.map { $0 - now > .milliseconds(500) } ?? true
            }.keys)
    }

    /// The policy as it is in effect: after a change of a breaker or a rollout.
    mutating func renewPolicy(_ now: Instant) {
        settleRollouts(now)
        let old = policy
        var new = rollouts.applied(to: given)
        for index in new.features.indices {
            let feature = new.features[index]
            guard records[feature.id]?.breaker.isOnTrial ?? false else { continue }
            new.features[index] = feature.onTrial(percent: feature.breaker.halfOpenBudgetPercent)
        }
        guard new != old else { return }
        health.adopt(new, insteadOf: old)
        planner = Planner(machine: machine, policy: new)
        load.adopt(new)
        mustPlan = true
        reconcileRecords(since: old, now)
    }

    /// Whether there is a plugin to ask and to tell.
    func isPlugin(_ feature: FeatureID) -> Bool {
        if case .plugin = policy[feature]?.source { true } else { false }
    }
}

// Events of breakers.
extension Supervisor {
    @discardableResult
    mutating func handle(
        _ event: Breaker.Event, of feature: FeatureID, _ now: Instant
    ) -> Breaker.Change {
        guard var breaker = records[feature]?.breaker, let rules = rules(of: feature) else {
            return .nothing
        }
        let wasOnTrial = breaker.isOnTrial
        let change = breaker.handle(event, rules, now: now)
        records[feature]?.breaker = breaker
        tell(change, after: event, of: feature, breaker, rules.policy)
        if change != .nothing { mustPlan = true }
        if breaker.isOnTrial != wasOnTrial { renewPolicy(now) }
        return change
    }

    func rules(of feature: FeatureID) -> Breaker.Rules? {
        guard let policy = given[feature]?.breaker ?? self.policy[feature]?.breaker else {
            return nil
        }
        let open = records.count { name, record in
            // One that nobody wants to run is kept from nothing.
            guard name != feature, record.isKeptOpen else { return false }
            return record.breaker.state != .held(.byHand)
        }
        let most = max(1, given.features.count * given.supervision.mostOpenPercent / 100)
        return Breaker.Rules(
            policy: policy, mayOpen: open < most, seed: Fingerprint(feature.name).value)
    }

    private mutating func tell(
        _ change: Breaker.Change, after event: Breaker.Event, of feature: FeatureID,
        _ breaker: Breaker, _ policy: BreakerPolicy
    ) {
        let cause = breaker.cause.map { "\($0.kind.words): \($0.because)" } ?? "by hand"
        switch change {
        case .nothing, .counted: break
        case .opened(let pause):
            let time = QuantityText.duration(pause)
            if breaker.isEnforced {
                note(
                    .opened, feature,
                    "its breaker opens for \(time) (\(cause)); others may use its cores meanwhile")
            } else {
                let why =
                    policy.mode == .observe
                    ? "it only observes"
                    : "as many features are open as may be (\(given.supervision.mostOpenPercent) %)"
                note(.detected, feature, "its breaker would open for \(time) (\(cause)); \(why)")
            }
        case .quarantined:
            note(
                .opened, feature,
                "is quarantined (\(cause)); it stays stopped until somebody resets its breaker")
        case .probing where breaker.isEnforced:
            note(
                .probing, feature,
                "is tried again with \(policy.halfOpenBudgetPercent) % of its cores: "
                    + "\(policy.probes) good probes close its breaker")
        case .probing: note(.detected, feature, "its breaker would be half open now")
        case .closed where event == .reset:
            note(.closed, feature, "its breaker is closed by hand")
        case .closed: note(.closed, feature, "its breaker is closed: it works again")
        case .held: note(.opened, feature, "its breaker is held open by hand")
        }
    }
}

extension HealthWord {
    /// What a plugin that fails says, with its reason where it gives one.
    fileprivate static func failure(_ because: String) -> String {
        because.isEmpty ? "says that it is failing" : "says that it is failing: \(because)"
    }
}

extension Supervisor.Record {
    /// What a person is told that it does: what its breaker makes of it where that does anything,
    /// or else its own state.
    package var word: String {
        if isDisabled, !life.hasProcess { return "disabled" }
        guard breaker.isEnforced else { return life.state.word }
        switch breaker.state {
        case .open where !life.hasProcess: return "open"
        case .held(.byHand) where !life.hasProcess: return "held"
        case .held(.quarantine) where !life.hasProcess: return "quarantined"
        case .halfOpen where life.state == .running: return "half open"
        case .open, .held, .halfOpen, .closed: return life.state.word
        }
    }

    /// Whether its breaker is what keeps it from running.
    var isKeptOpen: Bool { breaker.isOpen && life.takesPart && !isDisabled }
}
