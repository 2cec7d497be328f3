/// Why a value could not be made of JSON, or JSON of a value, and where in it.
package struct CodingProblem: Error, Equatable, CustomStringConvertible {
    /// `plan.features[2].exclusive`; empty for the whole value.
    package var path: String
    package var text: String

    package init(path: String = "", _ text: String) {
        self.path = path
        self.text = text
    }

    /// `plan.features[2].exclusive: "0-x" is no list of CPUs`.
    package var description: String { path.isEmpty ? text : "\(path): \(text)" }

    /// The same problem, seen from one key further out.
    func inside(_ key: String) -> CodingProblem {
        let isJoined = path.isEmpty || path.hasPrefix("[")
        return CodingProblem(path: isJoined ? key + path : "\(key).\(path)", text)
    }

    /// The same problem, seen from the list whose element has it.
    func inside(_ index: Int) -> CodingProblem { inside("[\(index)]") }

    /// What the standard library's coding says, in one form.
    static func of(_ error: any Error) -> CodingProblem {
        switch error {
        case let problem as CodingProblem: return problem
        case DecodingError.keyNotFound(let key, _):
            return CodingProblem("has no \(key.stringValue)")
        case DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            return CodingProblem(context.debugDescription)
        case EncodingError.invalidValue(_, let context):
            return CodingProblem(context.debugDescription)
        default: return CodingProblem("\(error)")
        }
    }
}

/// A key of an object or the place in a list, where `Codable` wants one made up.
struct PlaceKey: CodingKey {
    var stringValue: String
    var intValue: Int?

    init(stringValue: String) { self.stringValue = stringValue }

    init(intValue: Int) {
        stringValue = "\(intValue)"
        self.intValue = intValue
    }
}

/// A value that can tell when its parts do not fit together.
///
/// What was decoded is asked before it is used, so that a damaged or invented file is an error and
/// never a crash somewhere behind.
package protocol SelfChecking {
    /// What in it cannot be; nil when all is well.
    var contradiction: String? { get }
}
