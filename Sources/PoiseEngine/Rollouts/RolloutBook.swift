import PoiseModel

/// What the operator may ask of rollouts.
package enum RolloutCommand: Sendable, Equatable, Codable {
    /// Roll a version of a plugin out.
    case begin(plugin: String, version: String)
    /// Back to the version before.
    case rollBack(plugin: String)
}

/// The rollouts that are under way, and the versions that are in force.
package struct RolloutBook: Sendable, Codable {
    /// When they are to be looked at even if nothing happens.
    var nextDeadline: Instant? { nil }

    package init() {}

    /// The policy with both sides of each rollout as features of their own.
    func applied(to policy: Policy) -> Policy { policy }
}
