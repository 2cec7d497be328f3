// Values whose JSON is shorter than their parts would be.

extension IndexSet: Codable {
    /// Reads the kernel's list form, `0-3,8`.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let set = IndexSet(text) else {
            throw CodingProblem("\"\(text)\" is no list of numbers such as 0-3,8")
        }
        self = set
    }

    /// Writes the kernel's list form, `0-3,8`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension JSON: Codable {
    /// Only `JSONDecoding` can read JSON as it stands.
    public init(from decoder: any Decoder) throws {
        throw CodingProblem("JSON inside of a value is read by JSONDecoding only")
    }

    /// Only `JSONEncoding` can write JSON as it stands.
    public func encode(to encoder: any Encoder) throws {
        throw CodingProblem("JSON inside of a value is written by JSONEncoding only")
    }
}

/// `[4000,0,null]`: one value for each class, most capable first.
extension PerClass: Encodable where Value: Encodable {
    @usableFromInline
    package func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        for coreClass in CoreClass.allCases { try list.encode(self[coreClass]) }
    }
}

extension PerClass: Decodable where Value: Decodable {
    @usableFromInline
    package init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        self.init(repeating: try list.decode(Value.self))
        efficiency = try list.decode(Value.self)
        lowPower = try list.decode(Value.self)
    }
}

/// Nanoseconds.
extension Instant: Codable {
    package init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }
}

/// The name; a dictionary by feature is an object.
extension FeatureID: Codable, CodingKeyRepresentable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let id = FeatureID(text) else {
            throw CodingProblem("\"\(text)\" is no name of a feature")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }

    package var codingKey: any CodingKey { PlaceKey(stringValue: name) }

    package init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

extension ServiceLevel: CodingKeyRepresentable {}
extension CoreClass: CodingKeyRepresentable {}
extension HugePageSize: CodingKeyRepresentable {}
