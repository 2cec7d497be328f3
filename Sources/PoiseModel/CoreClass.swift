/// What kind of core a policy asks for; derived from hwloc's CPU kinds, never from a vendor's name.
@frozen
public enum CoreClass: String, CaseIterable, Sendable, Hashable, Comparable, Codable {
    /// The most capable cores of the machine; all cores of a machine with one kind.
    case performance
    /// Smaller cores that give more work for the energy.
    case efficiency
    /// Cores made to let the rest of the machine sleep (Intel's LP E-cores).
    case lowPower

    /// 0 for performance, 1 for efficiency, 2 for lowPower.
    @inlinable
    public var rank: Int {
        switch self {
        case .performance: 0
        case .efficiency: 1
        case .lowPower: 2
        }
    }

    /// Orders from most to least capable.
    public static func < (left: CoreClass, right: CoreClass) -> Bool { left.rank < right.rank }
}

/// One value for each core class.
@frozen
@usableFromInline
package struct PerClass<Value> {
    @usableFromInline package var performance: Value
    @usableFromInline package var efficiency: Value
    @usableFromInline package var lowPower: Value

    @inlinable
    package init(repeating value: Value) {
        performance = value
        efficiency = value
        lowPower = value
    }

    @inlinable
    package subscript(coreClass: CoreClass) -> Value {
        get {
            switch coreClass {
            case .performance: performance
            case .efficiency: efficiency
            case .lowPower: lowPower
            }
        }
        set {
            switch coreClass {
            case .performance: performance = newValue
            case .efficiency: efficiency = newValue
            case .lowPower: lowPower = newValue
            }
        }
    }
}

extension PerClass: Sendable where Value: Sendable {}
extension PerClass: Equatable where Value: Equatable {}
extension PerClass: Hashable where Value: Hashable {}

extension PerClass where Value == Int {
    @inlinable
    package static var zero: PerClass { PerClass(repeating: 0) }
    @inlinable
    package var total: Int { performance + efficiency + lowPower }
}
