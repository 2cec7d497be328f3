import PoiseModel

// Two versions of a plugin side by side.
extension Supervisor {
    mutating func take(_ command: RolloutCommand, _ now: Instant) {}

    /// Goes on with, or back from, rollouts; at the end of each turn.
    mutating func followRollouts(_ now: Instant) {}
}
