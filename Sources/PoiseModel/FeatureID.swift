/// The name of a feature: 1 to 64 of `a-z A-Z 0-9 - _ .`, beginning with a letter or digit, so that
/// it can be a folder's, a unit's or a cgroup's name as it stands.
package struct FeatureID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let name: String

    /// Nil when `name` is not of the form above.
    package init?(_ name: String) {
        let isFirst: (UInt8) -> Bool = { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard let first = name.utf8.first, isFirst(first), name.utf8.count <= 64,
            name.utf8.allSatisfy({ isFirst($0) || $0 == 45 || $0 == 46 || $0 == 95 })
        else { return nil }
        self.name = name
    }

    package var description: String { name }

    package static func < (left: FeatureID, right: FeatureID) -> Bool { left.name < right.name }
}

/// How much of the service is kept up; a feature runs at levels at or above its own.
@frozen
public enum ServiceLevel: String, CaseIterable, Sendable, Hashable, Comparable, Codable {
    /// Only what keeps the machine alive and reachable.
    case emergency
    /// What others cannot do without.
    case essential
    /// All but what can wait.
    case reduced
    /// Everything runs.
    case full

    /// Orders from the least to the most that runs.
    public static func < (left: ServiceLevel, right: ServiceLevel) -> Bool {
        left.rank < right.rank
    }

    /// 0 for emergency to 3 for full.
    @inlinable
    public var rank: Int {
        switch self {
        case .emergency: 0
        case .essential: 1
        case .reduced: 2
        case .full: 3
        }
    }
}
