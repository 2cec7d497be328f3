package import PoiseModel

// Service levels: which features run at all.
extension Supervisor {
    /// The operator sets the level; nil lets the load decide again.
    mutating func setLevel(_ level: ServiceLevel?, _ now: Instant) {
        let before = levels.byHand
        if let change = levels.set(level, now: now) {
            announce(change)
        } else if levels.byHand != before {
            let words = level.map { "stays \($0.rawValue), by hand from now on" }
            note(.level, nil, words ?? "follows the load again: \(levels.level.rawValue)")
        }
    }

    /// Moves from level to level, at the end of each turn.
    mutating func followLevels(_ now: Instant) {
        guard !isShuttingDown else { return }
        let open = records.values.count(where: \.isKeptOpen)
        if let change = levels.follow(policy, openBreakers: open, now: now) { announce(change) }
        if levels.endGrace(now: now) { mustPlan = true }
        for feature in records.keys.sorted() {
            let isRunning = records[feature]?.life.state == .running && isPlugin(feature)
            if levels.mustTell(feature, isRunning: isRunning) {
                directives.append(.serviceLevel(feature, levels.level))
            }
        }
        levels.forget(except: Set(records.keys))
    }

    /// Why a feature may not run at the level of now; nil when it may.
    ///
    /// One that runs has a moment to finish; one that does not is not started.
    package func keptOutByLevel(_ feature: FeaturePolicy) -> String? {
        let hasProcess = records[feature.id]?.life.hasProcess ?? false
        let level = hasProcess ? levels.enforced : levels.level
        guard level < feature.level else { return nil }
        let from = feature.level == .full ? "at full only" : "from \(feature.level.rawValue) on"
        return "the machine is at the service level \(level.rawValue), and it runs \(from)"
    }

    /// Features that the level keeps out.
    package var belowLevel: Set<FeatureID> {
        Set(policy.features.filter { keptOutByLevel($0) != nil }.map(\.id))
    }

    /// The features of `running` that the level keeps out, for the plan.
    func keptOutByLevel(of running: Set<FeatureID>) -> [KeptOut] {
        policy.features.filter { running.contains($0.id) }.compactMap { feature in
            keptOutByLevel(feature).map {
                KeptOut(
                    feature: feature.id, priority: feature.priority, level: feature.level,
                    unmet: [], because: $0)
            }
        }
    }

    private mutating func announce(_ change: ServiceLevels.Change) {
        let runs = { (feature: FeaturePolicy, level: ServiceLevel) in level >= feature.level }
        let taking = policy.features.filter { records[$0.id]?.life.takesPart ?? false }
        var text = "\(change.before.rawValue) → \(change.after.rawValue): \(change.because)"
        let stops = taking.filter { runs($0, change.before) && !runs($0, change.after) }
        let starts = taking.filter { !runs($0, change.before) && runs($0, change.after) }
        if !stops.isEmpty { text += "; stops: \(stops.map(\.id.name).joined(separator: ", "))" }
        if !starts.isEmpty { text += "; starts: \(starts.map(\.id.name).joined(separator: ", "))" }
        note(.level, nil, text)
        // Who is not running yet is kept out, or may come back, at once.
        mustPlan = true
    }
}
