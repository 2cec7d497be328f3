import PoiseModel

/// Reckons the health of features, each once, dependencies first.
struct HealthReckoning {
    /// Why a feature is not ready; without reasons it is.
    private struct Verdict {
        var reasons: [String] = []
        /// Whether it may only not be known yet: it starts, or has not been checked.
        var isPending = false
    }

    private let engine: Supervisor
    private let policies: [FeatureID: FeaturePolicy]
    private var known: [FeatureID: Verdict] = [:]
    /// Features that are being reckoned, so that a circle (which no policy file can have) ends.
    private var open: Set<FeatureID> = []

    init(_ engine: Supervisor) {
        self.engine = engine
        policies = Dictionary(engine.policy.features.map { ($0.id, $0) }) { first, _ in first }
    }

    private mutating func verdict(_ feature: FeatureID) -> Verdict {
        if let known = known[feature] { return known }
        guard open.insert(feature).inserted else {
            return Verdict(reasons: ["it depends on itself"])
        }
        defer { open.remove(feature) }
        let verdict = ownVerdict(feature) ?? verdictOfChecks(feature)
        known[feature] = verdict
        return verdict
    }

    /// Why it does no work, whatever its checks say; nil when it does.
    private func ownVerdict(_ feature: FeatureID) -> Verdict? {
        guard let record = engine.records[feature], let policy = policies[feature] else {
            return Verdict(reasons: ["the policy does not name it"])
        }
        if record.isDisabled { return Verdict(reasons: ["it is disabled"]) }
        let problem = record.lastProblem.map { ": \($0)" } ?? ""
        if record.breaker.isOpen { return Verdict(reasons: ["it \(record.breaker.rest)"]) }
        let state = record.life.state
        guard state == .running else {
            if let why = engine.keptOutByLevel(policy) { return Verdict(reasons: [why]) }
            if let kept = record.keptOut {
                return Verdict(reasons: ["it is kept out: \(kept.because)"])
            }
            let hasFailed = [.backingOff, .failed].contains(state)
            let verb = state == .failed ? "it has" : "it is"
            return Verdict(
                reasons: ["\(verb) \(state.word)\(hasFailed ? problem : "")"],
                isPending: state == .starting || state == .waiting)
        }
        guard case .failing(let text) = record.healthWord else { return nil }
        return Verdict(reasons: ["it says that it fails: \(text)"])
    }

    private mutating func verdictOfChecks(_ feature: FeatureID) -> Verdict {
        let bad = lines(of: feature).filter { $0.check.isCritical && $0.verdict != .passes }
        return Verdict(
            reasons: bad.map(\.words), isPending: bad.allSatisfy { $0.verdict == .unknown })
    }

    /// What is known of its dependencies and checks, in the policy's order.
    mutating func lines(of feature: FeatureID) -> [FeatureHealth.Line] {
        guard let health = policies[feature]?.health else { return [] }
        var lines: [FeatureHealth.Line] = []
        for check in health.dependencies { lines.append(line(check, of: feature, true)) }
        for check in health.checks { lines.append(line(check, of: feature, false)) }
        return lines
    }

    private mutating func line(
        _ check: HealthPolicy.Check, of feature: FeatureID, _ isDependency: Bool
    ) -> FeatureHealth.Line {
        var line = FeatureHealth.Line(
            check: check, isDependency: isDependency, verdict: .unknown, because: nil,
            since: nil, failures: 0)
        var outcome = engine.health[feature, check.name]?.outcome
        if case .feature(let other) = check.target {
            outcome = self.outcome(of: check.target)
            line.because = verdict(other).reasons.first.map(CheckOutcome.short)
        }
        guard let outcome else { return line }
        line.since = engine.health[feature, check.name]?.since
        line.failures = engine.health[feature, check.name]?.failures ?? 0
        switch outcome {
        case .passed: line.verdict = .passes
        case .failed(let text):
            line.verdict = .fails
            line.because = text
        }
        return line
    }

    /// Whether the feature that another depends on is ready; nil while that is not known, and for
    /// any other target.
    mutating func outcome(of target: HealthPolicy.Target) -> CheckOutcome? {
        guard case .feature(let other) = target else { return nil }
        let verdict = verdict(other)
        guard let first = verdict.reasons.first else { return .passed }
        return verdict.isPending ? nil : .failed(CheckOutcome.short(first))
    }

    mutating func health(of feature: FeatureID) -> FeatureHealth {
        let reasons = verdict(feature).reasons
        let lines = lines(of: feature)
        let life = engine.records[feature]?.life
        let degraded = degradedBecause(feature, lines)
        return FeatureHealth(
            feature: feature, isWanted: isWanted(feature),
            // One that is killed because it did not answer is as good as gone.
            isLive: life.map { $0.hasProcess && $0.state != .stopping(.failure) } ?? false,
            isReady: reasons.isEmpty, isDegraded: !degraded.isEmpty, unreadyBecause: reasons,
            degradedBecause: degraded, lines: lines)
    }

    private func isWanted(_ feature: FeatureID) -> Bool {
        guard let record = engine.records[feature], let policy = policies[feature],
            !record.isDisabled, engine.keptOutByLevel(policy) == nil
        else { return false }
        return record.life.state != .stopped && record.life.state != .stopping(.rest)
    }

    private func degradedBecause(
        _ feature: FeatureID, _ lines: [FeatureHealth.Line]
    ) -> [String] {
        guard let record = engine.records[feature], record.life.state == .running else { return [] }
        var reasons = lines.filter { !$0.check.isCritical && $0.verdict == .fails }
            .map(\.words)
        if case .degraded(let text) = record.healthWord {
            reasons.append("it says that it is degraded: \(text)")
        }
        if record.breaker.isHalfOpen {
            reasons.append("its breaker is half open: it is tried on a smaller budget")
        }
        for unmet in record.allocation?.unmet ?? [] where isBelowMinimum(unmet, feature) {
            let got = unmet.resource.words(unmet.got)
            reasons.append("it runs with less than its minimum: \(got) (\(unmet.because))")
        }
        return reasons
    }

    private func isBelowMinimum(_ unmet: Unmet, _ feature: FeatureID) -> Bool {
        guard let policy = policies[feature] else { return false }
        switch unmet.resource {
        case .cores(let coreClass): return unmet.got < policy.cores[coreClass]?.min ?? 0
        case .memory: return unmet.got < policy.memory.min
        case .gpu, .npu: return false
        }
    }
}

extension FeatureHealth.Line {
    /// `its dependency db (tcp 127.0.0.1:5432) fails: connection refused`.
    package var words: String {
        let name = "its \(isDependency ? "dependency" : "check") \(check.name) (\(check.target))"
        let isFeature = if case .feature = check.target { true } else { false }
        switch verdict {
        case .unknown:
            return because.map { "\(name) is not ready yet: \($0)" }
                ?? "\(name) has not been checked yet"
        case .passes: return "\(name) \(isFeature ? "is ready" : "passes")"
        case .fails:
            let verb = isFeature ? "is not ready" : "fails"
            return "\(name) \(verb)" + (because.map { ": \($0)" } ?? "")
        }
    }
}

extension CheckOutcome {
    /// No reason is longer: a chain of features that wait for each other would be.
    private static let longest = 300

    /// A text of a reason, cut where it is too long.
    package static func short(_ text: String) -> String {
        let cut = text.prefix(longest)
        return cut.endIndex == text.endIndex ? text : cut + "…"
    }
}
