/// What a plugin says of its own health.
package enum HealthWord: Sendable, Equatable, Codable {
    case good
    /// It works with less than it should have, and what that is.
    case degraded(String)
    /// It does not do its work, and why.
    case failing(String)

    /// `degraded: no database`.
    package var words: String {
        switch self {
        case .good: "good"
        case .degraded(let why): "degraded: \(why)"
        case .failing(let why): "failing: \(why)"
        }
    }
}
