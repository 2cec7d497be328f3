internal import CJansson
public import PoiseModel

/// A text that is no JSON: where, and why.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// From 1; 0 when the place is not known.
    public var line: Int
    /// From 1.
    public var column: Int
    /// What is wrong.
    public var text: String

    package init(line: Int, column: Int, text: String) {
        self.line = line
        self.column = column
        self.text = text
    }

    /// `2:17: '}' expected near end of file`.
    public var description: String { "\(line):\(column): \(text)" }
}

extension JSON {
    /// No JSON text that is read is longer, in bytes.
    public static var longestText: Int { 16 << 20 }
    /// Arrays and objects may not lie deeper than this in each other.
    public static var deepestNesting: Int { 64 }

    /// Reads a JSON text (RFC 8259) strictly: duplicate keys and anything behind the value are
    /// refused, integers have to fit 64 bits.
    public static func parse(_ text: String) throws(JSONError) -> JSON {
        try parse(Array(text.utf8))
    }

    /// Reads a JSON text from its UTF-8 bytes; see `parse(_: String)`.
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
        guard bytes.count <= longestText else {
            throw JSONError(line: 0, column: 0, text: "longer than \(longestText) bytes")
        }
        try checkNesting(bytes)
        var error = json_error_t()
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
        let parsed = bytes.withUnsafeBytes {
            json_loadb($0.baseAddress, $0.count, flags, &error)
        }
        guard let parsed else {
            let text = withUnsafeBytes(of: error.text) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw JSONError(line: Int(error.line), column: Int(error.column), text: text)
        }
        defer { json_decref(parsed) }
        return value(of: parsed)
    }

    /// Counts brackets outside of texts, so that the recursion below stays shallow.
    private static func checkNesting(_ bytes: [UInt8]) throws(JSONError) {
        var (depth, line, column) = (0, 1, 0)
        var (inText, escaped) = (false, false)
        for byte in bytes {
            column += 1
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 0) }
            if inText {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inText = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            guard depth <= deepestNesting else {
                throw JSONError(
                    line: line, column: column, text: "nested deeper than \(deepestNesting)")
            }
        }
    }

    private static func value(of node: UnsafeMutablePointer<json_t>) -> JSON {
        switch node.pointee.type {
        case JSON_OBJECT: return .object(members(of: node))
        case JSON_ARRAY:
            let count = json_array_size(node)
            return .array((0..<count).map { json_array_get(node, $0).map(value) ?? .null })
        case JSON_STRING:
            let bytes = UnsafeRawBufferPointer(
                start: json_string_value(node), count: json_string_length(node))
            return .string(String(decoding: bytes, as: UTF8.self))
        case JSON_INTEGER: return .integer(Int(json_integer_value(node)))
        case JSON_REAL: return .number(json_real_value(node))
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        default: return .null
        }
    }

    private static func members(of node: UnsafeMutablePointer<json_t>) -> [Member] {
        var members: [Member] = []
        members.reserveCapacity(json_object_size(node))
        var position = json_object_iter(node)
        while let here = position {
            let key = json_object_iter_key(here).map { String(cString: $0) } ?? ""
            members.append(Member(key, json_object_iter_value(here).map(value) ?? .null))
            position = json_object_iter_next(node, here)
        }
        return members
    }
}
