/// Makes JSON of any `Encodable` value: the same value always gives the same text.
///
/// Members stand in the order of their keys, whatever order a dictionary has in this process, and
/// the elements of a `Set` in the order of their texts. Integers stay integers; a `Duration` is its
/// nanoseconds. `JSONDecoding` reads it back to the bit.
package enum JSONEncoding {
    /// - Throws: where and why the value has no JSON form: a dictionary whose keys are neither
    ///   texts nor `CodingKeyRepresentable` (it would have no order), a number above `Int.max`.
    package static func encode(_ value: some Encodable) throws(CodingProblem) -> JSON {
        do {
            return try json(value)
        } catch {
            throw CodingProblem.of(error)
        }
    }

    fileprivate static func json<Value: Encodable>(_ value: Value) throws -> JSON {
        if let simple = try simple(value) { return simple }
        let node = Node()
        try value.encode(to: node)
        let made = node.finished
        if case .array(let elements) = made, value is any Unordered {
            guard value is any UnorderedSet else {
                throw CodingProblem("a dictionary by \(Value.self) has no order in JSON")
            }
            return .array(elements.map { ($0.description, $0) }.sorted { $0.0 < $1.0 }.map(\.1))
        }
        return made
    }

    /// Types that are looked up by identity, because a cast is dearer than all of these.
    private static func simple<Value>(_ value: Value) throws -> JSON? {
        let type = ObjectIdentifier(Value.self)
        if type == Known.int { return (value as? Int).map(JSON.integer) }
        if type == Known.string { return (value as? String).map(JSON.string) }
        if type == Known.bool { return (value as? Bool).map(JSON.bool) }
        if type == Known.duration { return (value as? Duration).map(json(of:)) }
        if type == Known.json { return value as? JSON }
        if type == Known.list { return (value as? [Int]).map { .array($0.map(JSON.integer)) } }
        if type == Known.double || type == Known.float {
            return (value as? any BinaryFloatingPoint).map { json(of: Double($0)) }
        }
        guard Known.integers.contains(type), let integer = value as? any BinaryInteger
        else { return nil }
        guard let small = Int(exactly: integer) else {
            throw CodingProblem("\(integer) does not fit 64 bits with a sign")
        }
        return .integer(small)
    }

    /// JSON has no word for what is not finite.
    private static func json(of value: Double) -> JSON {
        value.isFinite ? .number(value) : .string("\(value)")
    }

    /// Nanoseconds, or seconds and attoseconds where nanoseconds do not say all.
    private static func json(of value: Duration) -> JSON {
        let (seconds, attoseconds) = value.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, more) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        if !overflow, !more, attoseconds % 1_000_000_000 == 0 { return .integer(Int(sum)) }
        return .array([.integer(Int(seconds)), .integer(Int(attoseconds))])
    }
}

/// Types that are coded without asking them.
enum Known {
    static let int = ObjectIdentifier(Int.self)
    static let string = ObjectIdentifier(String.self)
    static let bool = ObjectIdentifier(Bool.self)
    static let duration = ObjectIdentifier(Duration.self)
    static let json = ObjectIdentifier(JSON.self)
    static let list = ObjectIdentifier([Int].self)
    static let double = ObjectIdentifier(Double.self)
    static let float = ObjectIdentifier(Float.self)
    static let integers = [
        ObjectIdentifier(Int64.self), ObjectIdentifier(UInt64.self), ObjectIdentifier(Int32.self),
        ObjectIdentifier(UInt32.self), ObjectIdentifier(Int16.self), ObjectIdentifier(UInt16.self),
        ObjectIdentifier(Int8.self), ObjectIdentifier(UInt8.self), ObjectIdentifier(UInt.self),
    ]
}

/// Collections that give their elements in another order in each process.
private protocol Unordered {}
private protocol UnorderedSet: Unordered {}
extension Dictionary: Unordered {}
extension Set: UnorderedSet {}

/// One value on its way: what it has written so far.
private final class Node: Encoder {
    private enum Shape { case nothing, single, list, object }

    private var shape = Shape.nothing
    private var single = JSON.null
    fileprivate var members: [JSON.Member] = []
    fileprivate var elements: [JSON] = []
    /// Containers inside this one that are still written to, and their places.
    private var open: [(place: Int, node: Node)] = []

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        shape = .object
        return KeyedEncodingContainer(Keyed(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        shape = .list
        return Listed(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(node: self) }

    func set(_ value: JSON) {
        shape = .single
        single = value
    }

    /// A container in the place that was just made.
    func inner(at place: Int) -> Node {
        let node = Node()
        open.append((place, node))
        return node
    }

    /// The whole, with what was written into its inner containers.
    var finished: JSON {
        for (place, node) in open {
            if shape == .list {
                elements[place] = node.finished
            } else {
                members[place].value = node.finished
            }
        }
        switch shape {
        case .single: return single
        case .list: return .array(elements)
        case .nothing, .object: return .object(members.sorted { $0.key < $1.key })
        }
    }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: Node

    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) { node.members.append(.init(key.stringValue, .null)) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        do {
            node.members.append(.init(key.stringValue, try JSONEncoding.json(value)))
        } catch {
            throw CodingProblem.of(error).inside(key.stringValue)
        }
    }

    private func inner(_ key: String) -> Node {
        node.members.append(.init(key, .null))
        return node.inner(at: node.members.count - 1)
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Inner> { inner(key.stringValue).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        inner(key.stringValue).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { inner("super") }
    func superEncoder(forKey key: Key) -> any Encoder { inner(key.stringValue) }
}

private struct Listed: UnkeyedEncodingContainer {
    let node: Node

    var codingPath: [any CodingKey] { [] }
    var count: Int { node.elements.count }

    func encodeNil() { node.elements.append(.null) }

    func encode<Value: Encodable>(_ value: Value) throws {
        do {
            node.elements.append(try JSONEncoding.json(value))
        } catch {
            throw CodingProblem.of(error).inside(count)
        }
    }

    private func inner() -> Node {
        node.elements.append(.null)
        return node.inner(at: count - 1)
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type
    ) -> KeyedEncodingContainer<Inner> { inner().container(keyedBy: type) }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { inner().unkeyedContainer() }
    func superEncoder() -> any Encoder { inner() }
}

private struct Single: SingleValueEncodingContainer {
    let node: Node

    var codingPath: [any CodingKey] { [] }

    func encodeNil() { node.set(.null) }
    func encode<Value: Encodable>(_ value: Value) throws { node.set(try JSONEncoding.json(value)) }
}
