import PoiseModel

// How rollouts go on, and go back.
extension Supervisor {
    /// Goes on with, or back from, rollouts; at the end of each turn.
    mutating func followRollouts(_ now: Instant) {
        guard !isShuttingDown else { return }
        for plugin in rollouts.active.keys.sorted() { follow(plugin, now) }
    }

    /// Drops what the policy does not have any more; before the policy in effect is made.
    mutating func settleRollouts(_ now: Instant) {
        for plugin in rollouts.active.keys.sorted() {
            guard let rollout = rollouts.active[plugin] else { continue }
            let gone = rollout.sides.filter { side in
                given[side.feature]?.source != .plugin(plugin) || given[side.canary] != nil
            }
            drop(gone, of: rollout, "the policy does not have it run this any more", now)
        }
    }

    private mutating func drop(
        _ gone: [Rollout.Side], of rollout: Rollout, _ because: String, _ now: Instant
    ) {
        guard !gone.isEmpty else { return }
        var rest = rollout
        rest.sides.removeAll { side in gone.contains { $0.feature == side.feature } }
        rollouts.active[rollout.plugin] = rest
        let names = gone.map(\.feature.name).joined(separator: ", ")
        guard rest.sides.isEmpty else {
            return tell(rest, "goes on without \(names): \(because)")
        }
        tell(rest, "ends: \(names): \(because)")
        rollouts.end(rollout, .ended, because: "\(names): \(because)", now)
    }

    private mutating func follow(_ plugin: String, _ now: Instant) {
        guard let before = rollouts.active[plugin] else { return }
        let stopped = before.sides.filter { side in
            switch records[side.feature]?.life.state {
            case .stopped, .stopping(.rest), nil: true
            case .waiting, .starting, .running, .stopping, .backingOff, .failed: false
            }
        }
        drop(stopped, of: before, "it was stopped", now)
        guard let rollout = rollouts.active[plugin] else { return renewPolicy(now) }
        if rollout.sides.count != before.sides.count { renewPolicy(now) }
        let failures = rollout.sides.compactMap { failure(of: $0.canary) }
        if let because = failures.first {
            return canaryFailed(rollout, because, now)
        }
        switch rollout.stage {
        case .preparing: prepare(rollout, now)
        case .step(let index): step(rollout, index, now)
        case .takingOver: takeOver(rollout, now)
        case .returning(let because): comeBack(rollout, because, now)
        }
    }

    /// Why a feature cannot be taken to work; nil while it does, or is about to.
    private func failure(of feature: FeatureID) -> String? {
        guard let record = records[feature] else { return nil }
        let problem = record.lastProblem.map { ": \($0)" } ?? ""
        if record.breaker.isOpen { return "the breaker of \(feature) opened\(problem)" }
        switch record.life.state {
        case .waiting, .starting, .running, .stopping(.startAgain): return nil
        case .backingOff, .failed, .stopping(.failure), .stopping(.pause):
            return "\(feature) failed\(problem)"
        case .stopped, .stopping(.rest): return "\(feature) was stopped"
        }
    }

    private func isReady(_ side: Rollout.Side) -> Bool {
        side.isHeard && records[side.canary]?.life.state == .running
    }

    private func doesRun(_ side: Rollout.Side) -> Bool {
        records[side.feature]?.life.state == .running
    }

    /// Why a canary does not run yet.
    private func obstacle(_ rollout: Rollout) -> String {
        let waits = rollout.sides.first { !isReady($0) }
        let kept = waits.flatMap { records[$0.canary]?.keptOut?.because }
        let name = waits?.canary.name ?? "it"
        let time = QuantityText.duration(rollout.settings.readyWithin)
        return "\(name) did not run within \(time)" + (kept.map { ": \($0)" } ?? "")
    }
}

// Stages.
extension Supervisor {
    private mutating func prepare(_ rollout: Rollout, _ now: Instant) {
        guard rollout.sides.allSatisfy(isReady) else {
            if rollout.due <= now { goBack(rollout.plugin, because: obstacle(rollout), now) }
            return
        }
        // When the new version has all at once, the old one is to be known by then.
        let isKnown =
            rollout.settings.steps.first != 100 || !rollout.compares || rollout.due <= now
            || rollout.sides.allSatisfy { $0.old.readings >= 2 * RolloutFigures.least }
            || now - rollout.since >= rollout.settings.stepFor
        if isKnown { enter(.step(0), rollout, now) }
    }

    private mutating func step(_ rollout: Rollout, _ index: Int, _ now: Instant) {
        let isReady = rollout.sides.allSatisfy(isReady)
        if !isReady, rollout.due <= now {
            guard !rollout.isLate else {
                return goBack(rollout.plugin, because: obstacle(rollout), now)
            }
            rollouts.active[rollout.plugin]?.isLate = true
        }
        let isOver = isReady && rollout.since + rollout.settings.stepFor <= now
        // Half a step is the least that a version is judged by.
        let half = Duration.nanoseconds(rollout.settings.stepFor.wholeNanoseconds / 2)
        guard isOver || now - rollout.since >= half else { return }
        let results = rollout.comparisons()
        if rollout.compares, let worse = results.first(where: \.verdict.isWorse) {
            rollouts.active[rollout.plugin]?.results += results
            let words = worse.verdict.words(old: worse.old, new: worse.new)
            return goBack(
                rollout.plugin, because: "\(worse.feature)'s new version is worse: \(words)", now)
        }
        guard isOver else { return }
        rollouts.active[rollout.plugin]?.results += results
        if rollout.compares { tellOutcome(of: rollout, results) }
        guard let judged = rollouts.active[rollout.plugin] else { return }
        let isLast = index + 1 == rollout.settings.steps.count
        enter(isLast ? .takingOver : .step(index + 1), judged, now)
    }

    private mutating func tellOutcome(of rollout: Rollout, _ results: [Rollout.StepResult]) {
        if results.allSatisfy(\.verdict.isBlind) {
            let isIdle = results.contains { $0.new.didNothing }
            tell(
                rollout,
                "nothing is known to compare at \(rollout.share) %"
                    + (isIdle ? ", for the canary had nothing to do" : "")
                    + "; only failures count")
        }
    }

    /// The features start anew with the new version while its canaries serve.
    private mutating func takeOver(_ rollout: Rollout, _ now: Instant) {
        for side in rollout.sides {
            if let because = failure(of: side.feature) {
                return goBack(rollout.plugin, because: because, now)
            }
        }
        if rollout.sides.allSatisfy(doesRun) {
            tell(rollout, "finished: version \(rollout.to) is in force")
            let because = "it was not worse in any step"
            let words = rollout.compares ? because : "the operator wanted it"
            rollouts.end(rollout, .finished, because: words, now)
            renewPolicy(now)
        } else if rollout.due <= now {
            let names = rollout.sides.filter { !doesRun($0) }.map(\.feature.name)
            goBack(
                rollout.plugin,
                because: "\(names.joined(separator: ", ")) did not start anew in time", now)
        }
    }

    private mutating func comeBack(_ rollout: Rollout, _ because: String, _ now: Instant) {
        guard rollout.sides.allSatisfy(doesRun) || rollout.due <= now else { return }
        finishReturn(of: rollout, because, now)
    }

    private mutating func finishReturn(
        of rollout: Rollout, _ because: String, _ now: Instant
    ) {
        tell(rollout, "is back at version \(rollout.from)")
        rollouts.end(rollout, .rolledBack, because: because, now)
        renewPolicy(now)
    }

    private mutating func canaryFailed(
        _ rollout: Rollout, _ because: String, _ now: Instant
    ) {
        if case .returning(let first) = rollout.stage {
            // Nobody waits for a canary that does not serve any more.
            finishReturn(of: rollout, first, now)
        } else {
            goBack(rollout.plugin, because: because, now)
        }
    }

    /// Back to the version before: at once where the features still run it.
    mutating func goBack(_ plugin: String, because: String, _ now: Instant) {
        guard let rollout = rollouts.active[plugin] else { return }
        tell(rollout, "goes back: \(because)")
        guard rollout.stage == .takingOver else {
            rollouts.end(rollout, .rolledBack, because: because, now)
            return renewPolicy(now)
        }
        enter(.returning(because: because), rollout, now)
    }

    private mutating func enter(_ stage: Rollout.Stage, _ rollout: Rollout, _ now: Instant) {
        var next = rollout
        for index in next.sides.indices {
            let side = next.sides[index]
            if next.share < 100, doesRun(side) {
                next.sides[index].reference = side.old.filled(from: side.reference)
                next.sides[index].bytesInUse = load.features[side.feature]?.reading.memoryBytes
            }
        }
        next.enter(stage, now)
        rollouts.active[rollout.plugin] = next
        switch stage {
        case .preparing, .returning: break
        case .step: tell(next, "the new version has \(next.share) %")
        case .takingOver: tell(next, "features start anew with it while their canaries serve")
        }
        renewPolicy(now)
    }
}
