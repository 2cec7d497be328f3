import PoiseModel

// Service levels: which features run at all.
extension Supervisor {
    /// The operator sets the level; nil lets the load decide again.
    mutating func setLevel(_ level: ServiceLevel?, _ now: Instant) {}

    /// Moves from level to level, at the end of each turn.
    mutating func followLevels(_ now: Instant) {}

    /// Why a feature may not run at the level of now; nil when it may.
    func keptOutByLevel(_ feature: FeaturePolicy) -> String? { nil }
}
