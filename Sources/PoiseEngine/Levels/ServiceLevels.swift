package import PoiseModel

/// At which service level the machine is, and why.
///
/// The load moves `byLoad`: down to the strictest level of which a trigger was reached for
/// `enteredAfter`, up by one step when all triggers of the level were calm (below four fifths) for
/// `leftAfter`. What the operator sets wins until it is taken back. Features that the new level
/// does not name are told at once and stopped after `grace`.
package struct ServiceLevels: Sendable, Codable {
    /// What runs now.
    package var level: ServiceLevel { byHand ?? byLoad }
    /// Set by the operator; nil lets the load decide.
    package private(set) var byHand: ServiceLevel?
    /// What the load alone asks for.
    package private(set) var byLoad = ServiceLevel.full
    /// What brought `byLoad` about.
    package private(set) var loadBecause = ""
    /// When the level changed last; nil when it never has.
    package private(set) var since: Instant?
    /// Features that run are held to this level: it follows `level` down after the grace.
    private(set) var enforced = ServiceLevel.full
    /// What plugins were told last.
    private(set) var told: [FeatureID: ServiceLevel] = [:]

    private var cpu = PressureAverage()
    private var memory = PressureAverage()
    private var temperature: Temperature?
    private var openBreakers = 0
    /// Since when a trigger of the level has been reached.
    private var reached: [ServiceLevel: Instant] = [:]
    /// Since when all triggers of `byLoad` have been calm.
    private var calmSince: Instant?
    private var enforceAt: Instant?

    private struct Temperature: Codable {
        var celsius: Int
        var at: Instant
    }

    package static let enteredAfter = Duration.seconds(5)
    package static let leftAfter = Duration.seconds(30)
    /// Between telling features of a level at which they do not run, and stopping them.
    package static let grace = Duration.seconds(2)
    /// A temperature that was not read again for this long is not known any more.
    private static let temperatureLasts = Duration.seconds(10)

    package init() {}

    /// What happened to the level.
    struct Change: Equatable {
        var before: ServiceLevel
        var after: ServiceLevel
        var because: String
    }

    /// When it is to be looked at even if nothing happens.
    var nextDeadline: Instant? {
        var moments = reached.filter { $0.key < byLoad }.values.map { $0 + Self.enteredAfter }
        if byLoad != .full, let calmSince { moments.append(calmSince + Self.leftAfter) }
        if let enforceAt { moments.append(enforceAt) }
        return moments.min()
    }

    /// The policy's triggers as they stand now, the mildest level first.
    package func gauges(_ policy: Policy) -> [LevelGauge] {
        [ServiceLevel.reduced, .essential, .emergency].flatMap { level in
            LevelGauge.Kind.allCases.compactMap { kind in
                policy.levels[level]?.threshold(kind).map {
                    LevelGauge(level: level, kind: kind, value: value(kind), threshold: $0)
                }
            }
        }
    }

    /// Since when the level's trigger has been reached; nil when it is not.
    package func reachedSince(_ level: ServiceLevel) -> Instant? { reached[level] }

    private func value(_ kind: LevelGauge.Kind) -> Int? {
        switch kind {
        case .cpuPressure: cpu.percent
        case .memoryPressure: memory.percent
        case .openBreakers: openBreakers
        case .temperature: temperature?.celsius
        }
    }
}

extension ServiceLevels {
    /// One look at the whole machine.
    mutating func take(_ machine: MachineLoad, now: Instant) {
        if let pressure = machine.cpuPressurePerMille {
            cpu.take(perMille: pressure, now: now)
        }
        if let pressure = machine.memoryPressurePerMille {
            memory.take(perMille: pressure, now: now)
        }
        if let reading = machine.temperatureMillicelsius {
            // Rounded down, also below zero.
            let celsius = (reading - (reading < 0 ? 999 : 0)) / 1000
            temperature = Temperature(celsius: celsius, at: now)
        }
    }

    /// Follows the load; gives what changed.
    mutating func follow(_ policy: Policy, openBreakers count: Int, now: Instant) -> Change? {
        openBreakers = count
        if let at = temperature?.at, now - at > Self.temperatureLasts { temperature = nil }
        let gauges = gauges(policy)
        for level in ServiceLevel.allCases {
            let isReached = gauges.contains { $0.level == level && $0.isReached }
            reached[level] = isReached ? reached[level] ?? now : nil
        }
        let before = level
        if !enter(gauges, now) { leave(gauges, now) }
        guard level != before else { return nil }
        return moved(from: before, loadBecause, now)
    }

    /// The strictest level whose trigger has lasted.
    private mutating func enter(_ gauges: [LevelGauge], _ now: Instant) -> Bool {
        for target in ServiceLevel.allCases where target < byLoad {
            guard let since = reached[target], now - since >= Self.enteredAfter,
                let gauge = gauges.first(where: { $0.level == target && $0.isReached })
            else { continue }
            byLoad = target
            loadBecause = gauge.words(for: now - since)
            calmSince = nil
            return true
        }
        return false
    }

    private mutating func leave(_ gauges: [LevelGauge], _ now: Instant) {
        guard byLoad != .full, gauges.allSatisfy({ $0.level != byLoad || $0.isCalm }) else {
            calmSince = nil
            return
        }
        let since = calmSince ?? now
        calmSince = since
        guard now - since >= Self.leftAfter, let next = byLoad.milder else { return }
        let words = gauges.filter { $0.level == byLoad }.map { gauge in
            "\(gauge.kind.words) \(gauge.value.map(gauge.kind.text) ?? "unknown")"
        }
        let reason = words.isEmpty ? "nothing asks for it" : words.joined(separator: ", ")
        loadBecause = "\(reason) for \(QuantityText.duration(now - since))"
        byLoad = next
        calmSince = now
    }

    /// The operator sets the level; nil lets the load decide again.
    mutating func set(_ new: ServiceLevel?, now: Instant) -> Change? {
        let before = level
        byHand = new
        guard level != before else { return nil }
        let why = byLoad == .full || new != nil ? "" : ": \(loadBecause)"
        return moved(from: before, new == nil ? "by the load again\(why)" : "by hand", now)
    }

    private mutating func moved(
        from before: ServiceLevel, _ because: String, _ now: Instant
    ) -> Change {
        since = now
        if level < enforced {
            enforceAt = enforceAt ?? now + Self.grace
        } else {
            enforceAt = nil
            enforced = level
        }
        return Change(before: before, after: level, because: because)
    }

    /// Whether the grace of features that are to be stopped is over now.
    mutating func endGrace(now: Instant) -> Bool {
        guard let due = enforceAt, due <= now else { return false }
        enforceAt = nil
        enforced = level
        return true
    }

    /// Whether a plugin is still to hear of the level; it counts as told then.
    mutating func mustTell(_ feature: FeatureID, isRunning: Bool) -> Bool {
        guard isRunning else {
            told[feature] = nil
            return false
        }
        // Who has just started takes the machine to be at its full level.
        guard told[feature] ?? .full != level else { return false }
        told[feature] = level
        return true
    }

    /// Drops what is kept of features that are gone.
    mutating func forget(except features: Set<FeatureID>) {
        guard told.keys.contains(where: { !features.contains($0) }) else { return }
        told = told.filter { features.contains($0.key) }
    }
}

extension ServiceLevel {
    /// One step towards full; nil for full.
    package var milder: ServiceLevel? {
        ServiceLevel.allCases.first { $0 > self }
    }
}
