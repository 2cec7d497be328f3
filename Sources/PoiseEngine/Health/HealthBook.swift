package import PoiseModel

/// What is known of the checks of features that run; what is not here has not been checked yet.
package struct HealthBook: Sendable, Equatable, Codable {
    /// The last outcome of one check.
    package struct Finding: Sendable, Equatable, Codable {
        package var outcome: CheckOutcome
        /// Since when it passes, or fails.
        package var since: Instant
        /// In a row; 0 when it passes.
        package var failures: Int
    }

    private var findings: [FeatureID: [String: Finding]] = [:]

    package init() {}

    package subscript(feature: FeatureID, check: String) -> Finding? {
        findings[feature]?[check]
    }

    /// Whether a check passed last; one that was never made did not.
    package func passes(_ feature: FeatureID, _ check: String) -> Bool {
        self[feature, check]?.outcome == .passed
    }

    /// What a new outcome changes.
    enum Change: Equatable {
        case nothing
        /// It passes for the first time.
        case first
        case fails
        case passesAgain(after: Int)
    }

    mutating func take(
        _ outcome: CheckOutcome, _ feature: FeatureID, _ check: String, _ now: Instant
    ) -> Change {
        let before = findings[feature]?[check]
        let failed = outcome != .passed
        let isSame = before.map { ($0.outcome != .passed) == failed } ?? false
        let failures = failed ? min((before?.failures ?? 0) + 1, HealthBook.mostFailures) : 0
        let since = isSame ? before?.since ?? now : now
        findings[feature, default: [:]][check] = Finding(
            outcome: outcome, since: since, failures: failures)
        guard !isSame else { return .nothing }
        if failed { return .fails }
        return before.map { .passesAgain(after: $0.failures) } ?? .first
    }

    /// Nothing is known any more of a feature that has ended.
    mutating func forget(_ feature: FeatureID) { findings[feature] = nil }

    /// What was found by checks that are others now, or in no policy any more, says nothing.
    mutating func adopt(_ new: Policy, insteadOf old: Policy) {
        for feature in findings.keys.sorted() where new[feature]?.health != old[feature]?.health {
            forget(feature)
        }
    }

    /// More are not counted.
    private static let mostFailures = 1 << 30
}

extension HealthBook.Finding: SelfChecking {
    package var contradiction: String? {
        (0...1 << 30).contains(failures) ? nil : "counts what cannot be"
    }
}
