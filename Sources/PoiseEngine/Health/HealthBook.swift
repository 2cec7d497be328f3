import PoiseModel

/// What is known of the checks of features.
package struct HealthBook: Sendable, Codable {
    package init() {}
}
