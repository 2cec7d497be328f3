package import PoiseModel

/// The rollouts that are under way, and the versions that are in force.
///
/// All of it is to be kept for the next daemon (`Supervisor.resume(_:isSameBoot:now:)`).
package struct RolloutBook: Sendable, Codable {
    /// What runs where a policy names a plugin without a version.
    package struct InForce: Sendable, Equatable, Codable {
        package var version: PluginVersion
        package var before: PluginVersion
    }

    /// So many plugins and outcomes are remembered.
    private static let most = 64

    /// By the plugin's name; at most one of each.
    package internal(set) var active: [String: Rollout] = [:]
    /// By the plugin's name; the plain version where there is none.
    package private(set) var inForce: [String: InForce] = [:]
    /// How the last rollout of each plugin ended.
    package private(set) var outcomes: [String: RolloutOutcome] = [:]

    package init() {}

    /// When they are to be looked at even if nothing happens.
    var nextDeadline: Instant? { active.values.map(\.due).min() }

    package func version(of plugin: String) -> PluginVersion { inForce[plugin]?.version ?? .plain }

    /// The policy with both sides of each rollout as features of their own, and with plugins in
    /// the versions that are in force.
    package func applied(to policy: Policy) -> Policy {
        guard !active.isEmpty || !inForce.isEmpty else { return policy }
        var features: [FeaturePolicy] = []
        for var feature in policy.features {
            guard case .plugin(let plugin) = feature.source else {
                features.append(feature)
                continue
            }
            guard let rollout = active[plugin],
                let side = rollout.sides.first(where: { $0.feature == feature.id })
            else {
                feature.source = .plugin(version(of: plugin).source(of: plugin))
                features.append(feature)
                continue
            }
            var (old, new) = feature.parts(share: rollout.share, bytesInUse: side.bytesInUse)
            old.source = .plugin(rollout.versionOfFeatures.source(of: plugin))
            new.id = side.canary
            // Its feature runs, whatever the policy begins with.
            new.enabled = true
            new.source = .plugin(rollout.to.source(of: plugin))
            features += [old, new]
        }
        var applied = policy
        applied.features = features.sorted { $0.id < $1.id }
        return applied
    }

    mutating func end(
        _ rollout: Rollout, _ result: RolloutOutcome.Result, because: String, _ now: Instant
    ) {
        active[rollout.plugin] = nil
        outcomes[rollout.plugin] = RolloutOutcome(
            plugin: rollout.plugin, from: rollout.from, to: rollout.to, result: result,
            because: because, results: rollout.results, at: now)
        if result == .finished {
            inForce[rollout.plugin] = InForce(version: rollout.to, before: rollout.from)
        }
        while outcomes.count > RolloutBook.most,
            let oldest = outcomes.values.min(by: { ($0.order, $0.plugin) < ($1.order, $1.plugin) })
        {
            outcomes[oldest.plugin] = nil
        }
    }

    /// What the next daemon is to know: all but what was seen in the step under way.
    package var kept: RolloutBook {
        var kept = self
        for plugin in active.keys { kept.active[plugin]?.forgetWindows() }
        return kept
    }

    /// The clock has gone on without us, or is another one: stages begin anew.
    mutating func restart(isSameBoot: Bool, now: Instant) {
        for plugin in active.keys.sorted() {
            guard let stage = active[plugin]?.stage else { continue }
            active[plugin]?.enter(stage, now)
        }
        guard !isSameBoot else { return }
        for plugin in outcomes.keys { outcomes[plugin]?.at = nil }
    }
}

extension RolloutBook: SelfChecking {
    package var contradiction: String? {
        for (plugin, rollout) in active where plugin != rollout.plugin {
            return "a rollout of \(rollout.plugin) is under \(plugin)"
        }
        return active.keys.allSatisfy { FeatureID($0) != nil } ? nil : "names what is no plugin"
    }
}
