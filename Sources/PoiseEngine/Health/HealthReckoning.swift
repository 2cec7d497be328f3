import PoiseModel

/// Reckons the health of features, each once, dependencies first.
struct HealthReckoning {
    private let engine: Supervisor
    private let policies: [FeatureID: FeaturePolicy]
    /// Why features are not ready; empty for those that are.
    private var known: [FeatureID: [String]] = [:]
    /// Features that are being reckoned, so that a circle (which no policy file can have) ends.
    private var open: Set<FeatureID> = []

    init(_ engine: Supervisor) {
        self.engine = engine
        policies = Dictionary(engine.policy.features.map { ($0.id, $0) }) { first, _ in first }
    }

    /// Why a feature is not ready: empty when it is.
    mutating func unreadyBecause(_ feature: FeatureID) -> [String] {
        if let known = known[feature] { return known }
        guard open.insert(feature).inserted else { return ["it depends on itself"] }
        defer { open.remove(feature) }
        let reasons = ownReasons(feature) ?? checkReasons(feature)
        known[feature] = reasons
        return reasons
    }

    /// Why it does no work, whatever its checks say; nil when it does.
    private func ownReasons(_ feature: FeatureID) -> [String]? {
        guard let record = engine.records[feature], let policy = policies[feature] else {
            return ["the policy does not name it"]
        }
        if record.isDisabled { return ["it is disabled"] }
        let problem = record.lastProblem.map { ": \($0)" } ?? ""
        if record.breaker.isOpen { return ["its breaker is open\(problem)"] }
        guard record.life.state == .running else {
            if let why = engine.keptOutByLevel(policy) { return [why] }
            if let kept = record.keptOut { return ["it is kept out: \(kept.because)"] }
            let hasFailed = [.backingOff, .failed].contains(record.life.state)
            let verb = record.life.state == .failed ? "it has" : "it is"
            return ["\(verb) \(record.life.state.word)\(hasFailed ? problem : "")"]
        }
        if case .failing(let text) = record.healthWord { return ["it says that it fails: \(text)"] }
        return nil
    }

    private mutating func checkReasons(_ feature: FeatureID) -> [String] {
        lines(of: feature).filter { $0.check.isCritical && $0.verdict != .passes }
            .map(\.words)
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
        let finding = engine.health[feature, check.name]
        var line = FeatureHealth.Line(
            check: check, isDependency: isDependency, verdict: .unknown, because: nil,
            since: finding?.since, failures: finding?.failures ?? 0)
        var outcome = finding?.outcome
        if case .feature = check.target { outcome = self.outcome(of: check.target) }
        switch outcome {
        case nil: break
        case .passed: line.verdict = .passes
        case .failed(let text):
            line.verdict = .fails
            line.because = text
        }
        return line
    }

    /// Whether the feature that another depends on is ready; nil for any other target.
    mutating func outcome(of target: HealthPolicy.Target) -> CheckOutcome? {
        guard case .feature(let other) = target else { return nil }
        let reasons = unreadyBecause(other)
        guard let first = reasons.first else { return .passed }
        return .failed(CheckOutcome.short(first))
    }

    mutating func health(of feature: FeatureID) -> FeatureHealth {
        let reasons = unreadyBecause(feature)
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
        case .unknown: return "\(name) has not been checked yet"
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
