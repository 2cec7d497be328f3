/// Makes a value of the JSON that `JSONEncoding` has written, or of JSON that somebody invented.
package enum JSONDecoding {
    /// Values that are `SelfChecking` are asked whether they can be.
    ///
    /// - Throws: the first place that does not fit, and why.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from json: JSON
    ) throws(CodingProblem) -> Value {
        do {
            return try value(type, json)
        } catch {
            throw CodingProblem.of(error)
        }
    }

    fileprivate static func value<Value: Decodable>(
        _ type: Value.Type, _ json: JSON
    ) throws -> Value {
        if let simple = try simple(type, json) { return simple }
        let made = try Value(from: Source(json: json))
        if let checked = made as? any SelfChecking, let text = checked.contradiction {
            throw CodingProblem(text)
        }
        return made
    }

    /// Nil when the type has to be asked itself.
    private static func simple<Value>(_ type: Value.Type, _ json: JSON) throws -> Value? {
        let type = ObjectIdentifier(Value.self)
        let made: (any Sendable)?
        let noun: String
        switch type {
        case Known.int: (made, noun) = (json.exact, "an integer")
        case Known.string: (made, noun) = (json.string, "a text")
        case Known.bool: (made, noun) = (json.bool, "true or false")
        case Known.duration: (made, noun) = (duration(json), "a duration in nanoseconds")
        case Known.json: (made, noun) = (json, "JSON")
        case Known.list: (made, noun) = (list(json), "a list of integers")
        case Known.double: (made, noun) = (double(json), "a number")
        case Known.float: (made, noun) = (double(json).map { Float($0) }, "a number")
        case _ where Known.integers.contains(type):
            (made, noun) = (integer(Value.self, json), "an integer that fits \(Value.self)")
        default: return nil
        }
        guard let value = made as? Value else {
            throw CodingProblem("\(Source(json: json).words) is not \(noun)")
        }
        return value
    }

    private static func integer(_ type: Any.Type, _ json: JSON) -> (any Sendable)? {
        func of<Number: BinaryInteger & Sendable>(_ type: Number.Type) -> (any Sendable)? {
            json.exact.flatMap { Number(exactly: $0) }
        }
        return (type as? any (BinaryInteger & Sendable).Type).flatMap { of($0) }
    }

    private static func list(_ json: JSON) -> [Int]? {
        guard let elements = json.array else { return nil }
        let integers = elements.compactMap(\.exact)
        return integers.count == elements.count ? integers : nil
    }

    private static func double(_ json: JSON) -> Double? {
        switch json {
        case .number(let value): value
        case .integer(let value): Double(exactly: value)
        case .string("inf"): .infinity
        case .string("-inf"): -.infinity
        case .string("nan"): .nan
        default: nil
        }
    }

    private static func duration(_ json: JSON) -> Duration? {
        // Far below what a sum of it and a moment could hold.
        if let nanoseconds = json.exact {
            return nanoseconds.magnitude < 1 << 61 ? .nanoseconds(nanoseconds) : nil
        }
        guard let parts = json.array, parts.count == 2, let seconds = parts[0].exact,
            let attoseconds = parts[1].exact, seconds.magnitude < 1 << 31
        else { return nil }
        return Duration(secondsComponent: Int64(seconds), attosecondsComponent: Int64(attoseconds))
    }
}

extension JSON {
    /// The integer as it stands; a number with a point is none.
    fileprivate var exact: Int? {
        if case .integer(let value) = self { value } else { nil }
    }
}

/// One value that is read.
private struct Source: Decoder {
    let json: JSON
    /// The key or place of a container that is read through its outer one.
    var place: String?

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let members = json.members else { throw CodingProblem("\(words) is not an object") }
        return KeyedDecodingContainer(Keyed(members, in: place))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let elements = json.array else { throw CodingProblem("\(words) is not a list") }
        return Listed(elements: elements, in: place)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(json: json) }

    /// The value as a message shows it.
    var words: String {
        switch json {
        case .object: return "an object"
        case .array: return "a list"
        default:
            let text = json.description
            return text.utf8.count <= 60 ? text : "\(text.prefix(60))…"
        }
    }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let members: [JSON.Member]
    /// Only for objects with many members, where looking through all of them is slower.
    private let places: [String: Int]?
    private let outer: String?

    init(_ members: [JSON.Member], in outer: String?) {
        self.members = members
        self.outer = outer
        guard members.count > 32 else {
            places = nil
            return
        }
        let pairs = members.enumerated().map { ($0.element.key, $0.offset) }
        places = Dictionary(pairs) { first, _ in first }
    }

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key) } }

    private func find(_ key: String) -> JSON? {
        if let places { return places[key].map { members[$0].value } }
        return members.first { $0.key == key }?.value
    }

    private func problem(_ error: any Error, _ key: Key) -> CodingProblem {
        let problem = CodingProblem.of(error).inside(key.stringValue)
        return outer.map { problem.inside($0) } ?? problem
    }

    private func present(_ key: Key) throws -> JSON {
        guard let value = find(key.stringValue) else {
            let problem = CodingProblem("has no \(key.stringValue)")
            throw outer.map { problem.inside($0) } ?? problem
        }
        return value
    }

    func contains(_ key: Key) -> Bool { find(key.stringValue) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try present(key) == .null }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let json = try present(key)
        do {
            return try JSONDecoding.value(type, json)
        } catch {
            throw problem(error, key)
        }
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let json = find(key.stringValue), json != .null else { return nil }
        do {
            return try JSONDecoding.value(type, json)
        } catch {
            throw problem(error, key)
        }
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Inner> {
        do {
            return try Source(json: try present(key), place: key.stringValue).container(
                keyedBy: type)
        } catch {
            throw problem(error, key)
        }
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        do {
            return try Source(json: try present(key), place: key.stringValue).unkeyedContainer()
        } catch {
            throw problem(error, key)
        }
    }

    func superDecoder() throws -> any Decoder { Source(json: find("super") ?? .null) }
    func superDecoder(forKey key: Key) throws -> any Decoder { Source(json: try present(key)) }
}

private struct Listed: UnkeyedDecodingContainer {
    let elements: [JSON]
    var currentIndex = 0
    private let outer: String?

    init(elements: [JSON], in outer: String?) {
        self.elements = elements
        self.outer = outer
    }

    var codingPath: [any CodingKey] { [] }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    /// Reads the next element; the place moves on only when that went well.
    private mutating func next<Value>(_ read: (JSON) throws -> Value) throws -> Value {
        guard !isAtEnd else { throw CodingProblem("ends after \(elements.count) elements") }
        do {
            let value = try read(elements[currentIndex])
            currentIndex += 1
            return value
        } catch {
            let problem = CodingProblem.of(error).inside(currentIndex)
            throw outer.map { problem.inside($0) } ?? problem
        }
    }

    mutating func decodeNil() -> Bool {
        guard !isAtEnd, elements[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try next { try JSONDecoding.value(type, $0) }
    }

    mutating func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type
    ) throws -> KeyedDecodingContainer<Inner> {
        let place = "[\(currentIndex)]"
        return try next { try Source(json: $0, place: place).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let place = "[\(currentIndex)]"
        return try next { try Source(json: $0, place: place).unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try next { Source(json: $0) } }
}

private struct Single: SingleValueDecodingContainer {
    let json: JSON

    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { json == .null }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoding.value(type, json)
    }
}
