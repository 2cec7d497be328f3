package import PoiseModel

// Two versions of a plugin side by side.
extension Supervisor {
    /// A policy as it would be in effect.
    package func inEffect(_ policy: Policy) -> Policy { rollouts.applied(to: policy) }

    /// Goes on with what an earlier daemon kept; before the first turn.
    package mutating func resume(_ book: RolloutBook, isSameBoot: Bool, now: Instant) {
        rollouts = book
        rollouts.restart(isSameBoot: isSameBoot, now: now)
        renewPolicy(now)
    }

    /// Why a command cannot be followed; nil when it can.
    package func refusal(of command: RolloutCommand) -> String? {
        if isShuttingDown { return "poised is stopping" }
        switch command {
        case .begin(let plugin, let version, let settings):
            if let mistake = settings.mistake { return mistake }
            if let rollout = rollouts.active[plugin] {
                return "\(plugin) is being rolled out already, to \(rollout.to) "
                    + "(poise plugin rollback \(plugin) stops that)"
            }
            if rollouts.version(of: plugin) == version {
                return "\(plugin) is in version \(version) already"
            }
            return refusal(ofUsersOf: plugin)
        case .rollBack(let plugin):
            if let rollout = rollouts.active[plugin] {
                guard case .returning = rollout.stage else { return nil }
                return "\(plugin) is going back already"
            }
            guard rollouts.inForce[plugin] != nil else {
                return "\(plugin) has had no rollout: there is no version before"
            }
            return refusal(ofUsersOf: plugin)
        }
    }

    private func refusal(ofUsersOf plugin: String) -> String? {
        let users = given.features.filter { $0.source == .plugin(plugin) }
        guard !users.isEmpty else {
            let named = Set(
                given.features.compactMap { feature -> String? in
                    if case .plugin(let name) = feature.source { name } else { nil }
                })
            let list = named.isEmpty ? "none" : named.sorted().joined(separator: ", ")
            return "no feature of the policy runs the plugin \(plugin) without a version "
                + "(it names: \(list))"
        }
        for user in users {
            guard let canary = Rollout.canary(of: user.id) else {
                return "the name \(user.id) is too long: its canary would have .canary at "
                    + "its end, and a name has at most 64 letters"
            }
            if given[canary] != nil {
                return "there is a feature \(canary) already, which the canary of \(user.id) "
                    + "would be"
            }
        }
        guard users.contains(where: { records[$0.id]?.life.state == .running }) else {
            let list = users.map(\.id.name).joined(separator: ", ")
            return "nothing that uses \(plugin) runs, so that nothing can be compared "
                + "(poise feature start \(list))"
        }
        return nil
    }

    mutating func take(_ command: RolloutCommand, _ now: Instant) {
        if let refusal = refusal(of: command) { return note(.rollout, nil, refusal) }
        switch command {
        case .begin(let plugin, let version, let settings):
            begin(plugin, version, settings, compares: true, now)
        case .rollBack(let plugin):
            if rollouts.active[plugin] != nil {
                return goBack(plugin, because: "the operator wants it", now)
            }
            guard let inForce = rollouts.inForce[plugin] else { return }
            var settings = RolloutSettings()
            settings.steps = RolloutSettings.atOnce
            settings.stepFor = .seconds(5)
            begin(plugin, inForce.before, settings, compares: false, now)
        }
    }

    private mutating func begin(
        _ plugin: String, _ version: PluginVersion, _ settings: RolloutSettings, compares: Bool,
        _ now: Instant
    ) {
        var sides: [Rollout.Side] = []
        for feature in given.features where feature.source == .plugin(plugin) {
            guard records[feature.id]?.life.state == .running,
                let canary = Rollout.canary(of: feature.id)
            else { continue }
            var side = Rollout.Side(feature: feature.id, canary: canary)
            side.bytesInUse = load.features[feature.id]?.reading.memoryBytes
            // One of an earlier rollout may still be ending: what it did is not this one's fault.
            records[canary]?.breaker = Breaker()
            records[canary]?.lastProblem = nil
            sides.append(side)
        }
        let rollout = Rollout(
            plugin: plugin, from: rollouts.version(of: plugin), to: version, settings: settings,
            compares: compares, sides: sides, since: now)
        rollouts.active[plugin] = rollout
        let names = sides.map(\.feature.name).joined(separator: ", ")
        let steps = settings.steps.map(String.init).joined(separator: ", ")
        tell(
            rollout,
            "begins for \(names): \(steps) %, \(QuantityText.duration(settings.stepFor)) each")
        renewPolicy(now)
    }

    /// Takes one look at the load.
    mutating func takeForRollouts(_ turn: LoadTurn, _ now: Instant) {
        for plugin in rollouts.active.keys.sorted() {
            rollouts.active[plugin]?.take(turn, now)
        }
    }

    mutating func tell(_ rollout: Rollout, _ text: String) {
        note(
            .rollout, rollout.sides.count == 1 ? rollout.sides[0].feature : nil,
            "\(rollout.plugin) \(rollout.from) → \(rollout.to): \(text)")
    }
}

// Records follow the policy in effect.
extension Supervisor {
    /// After the policy in effect has changed: new names get a record, those that are gone end, and
    /// what runs something else now is started anew.
    mutating func reconcileRecords(since old: Policy, _ now: Instant) {
        for feature in records.keys.sorted() where policy[feature] == nil {
            move(feature, .unwanted, now)
        }
        guard !isShuttingDown else { return }
        for feature in policy.features {
            guard let record = records[feature.id] else {
                add(feature, now: now)
                mustPlan = true
                continue
            }
            guard let before = old[feature.id] else {
                // It was gone, and may still be ending.
                records[feature.id]?.isDisabled = !feature.enabled
                if feature.enabled { move(feature.id, .wanted, now) }
                continue
            }
            let isOther = before.source != feature.source || before.config != feature.config
            if isOther { startAnew(feature.id, record, byOperator: false, now) }
        }
    }
}

extension Supervisor {
    /// What the operator gave a feature, or the feature that a canary belongs to.
    package func given(for feature: FeatureID) -> FeaturePolicy? {
        if let policy = given[feature] { return policy }
        let sides = rollouts.active.values.flatMap(\.sides)
        return sides.first { $0.canary == feature }.flatMap { given[$0.feature] }
    }
}
