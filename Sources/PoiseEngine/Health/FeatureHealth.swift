package import PoiseModel

/// How one feature is, and why.
package struct FeatureHealth: Sendable, Equatable {
    /// One dependency or check, and what is known of it.
    package struct Line: Sendable, Equatable {
        package enum Verdict: String, Sendable { case passes, fails, unknown }

        package var check: HealthPolicy.Check
        package var isDependency: Bool
        package var verdict: Verdict
        /// Why it fails; nil when it does not.
        package var because: String?
        /// Since when it passes or fails; nil when that is not known.
        package var since: Instant?
        /// In a row.
        package var failures: Int
    }

    package var feature: FeatureID
    /// Whether it is to run now; what the operator stopped or disabled, what ended by itself in
    /// order and what the service level keeps out is not.
    package var isWanted: Bool
    /// Its process is there, and is not known to have stopped answering.
    package var isLive: Bool
    /// It does its work, and has what it needs for that.
    package var isReady: Bool
    /// Something about it is not as it should be, which does not keep it from being ready.
    package var isDegraded: Bool
    /// Why it is not ready; empty when it is.
    package var unreadyBecause: [String]
    /// Why it is degraded; empty when it is not.
    package var degradedBecause: [String]
    package var lines: [Line]
}

/// How the whole machine is: all features that are to run.
package struct MachineHealth: Sendable, Equatable {
    /// All features that are to run are ready.
    package var isReady: Bool
    package var isDegraded: Bool
    /// Why it is not ready or degraded, one text a cause.
    package var because: [String]
    /// In the order of their names.
    package var features: [FeatureHealth]
}
