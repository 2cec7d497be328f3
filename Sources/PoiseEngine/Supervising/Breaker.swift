import PoiseModel

/// The circuit breaker of one feature.
package struct Breaker: Sendable, Equatable, Codable {
    package init() {}

    /// Whether it keeps its feature from running.
    package var isOpen: Bool { false }
    /// Whether its feature is being tried on a smaller budget.
    package var isHalfOpen: Bool { false }
}
