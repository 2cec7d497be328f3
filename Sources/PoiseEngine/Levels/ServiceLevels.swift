package import PoiseModel

/// At which service level the machine is, and why.
package struct ServiceLevels: Sendable, Codable {
    /// What runs now.
    package internal(set) var level = ServiceLevel.full
    /// Set by the operator; nil lets the load decide.
    package internal(set) var byHand: ServiceLevel?
    /// When it is to be looked at even if nothing happens.
    var nextDeadline: Instant? { nil }

    package init() {}
}
