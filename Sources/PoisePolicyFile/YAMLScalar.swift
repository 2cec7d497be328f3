/// A scalar as it was written.
struct YAMLScalar: Hashable {
    let text: String
    /// Written without quotes and not as a block, so that its form decides its type.
    let isPlain: Bool

    /// What a scalar is by the core schema of YAML 1.2 (chapter 10.3).
    enum Value: Equatable {
        case null
        case bool(Bool)
        case integer(Int)
        /// Also integers that do not fit 64 bits; infinite and NaN where written so.
        case number(Double)
        case text(String)
    }

    var value: Value {
        guard isPlain else { return .text(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        default: return number ?? .text(text)
        }
    }

    /// Whether it is a word that YAML 1.1 took for true or false and 1.2 takes for a text.
    var isOldBoolean: Bool {
        isPlain && ["yes", "no", "on", "off"].contains(text.lowercased())
    }

    var kind: String {
        switch value {
        case .null: "nothing"
        case .bool: "the truth value \(text)"
        case .integer, .number: "the number \(printable(text))"
        case .text: "the text \(quoted(text))"
        }
    }

    private var number: Value? {
        let bytes = Array(text.utf8)
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            guard let first = digits.utf8.first, first != plus, first != minus,
                let value = Int(digits, radix: radix)
            else { return nil }
            return .integer(value)
        }
        let unsigned = bytes.first == plus || bytes.first == minus ? bytes.dropFirst() : bytes[...]
        if [".inf", ".Inf", ".INF"].contains(String(decoding: unsigned, as: UTF8.self)) {
            return .number(bytes.first == minus ? -.infinity : .infinity)
        }
        guard Self.isDecimal(unsigned) else { return nil }
        if let value = Int(text) { return .integer(value) }
        // Swift's own reader wants a digit on both sides of the point.
        return Double(Self.padded(text)).map(Value.number)
    }

    /// Whether the bytes are `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
    private static func isDecimal(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        let whole = dropDigits(&rest)
        var fraction = 0
        if rest.first == point {
            rest.removeFirst()
            fraction = dropDigits(&rest)
        }
        guard whole + fraction > 0 else { return false }
        guard let letter = rest.popFirst() else { return true }
        guard letter | 0x20 == UInt8(ascii: "e") else { return false }
        if rest.first == plus || rest.first == minus { rest.removeFirst() }
        return dropDigits(&rest) > 0 && rest.isEmpty
    }

    private static func dropDigits(_ bytes: inout ArraySlice<UInt8>) -> Int {
        let digits = bytes.prefix { (48...57).contains($0) }.count
        bytes.removeFirst(digits)
        return digits
    }

    private static func padded(_ text: String) -> String {
        var out = ""
        var previousIsDigit = false
        for byte in text.utf8 {
            let isDigit = (48...57).contains(byte)
            if byte == point && !previousIsDigit { out += "0" }
            if byte | 0x20 == UInt8(ascii: "e") && !previousIsDigit { out += "0" }
            out.unicodeScalars.append(Unicode.Scalar(byte))
            previousIsDigit = isDigit
        }
        return previousIsDigit ? out : out + "0"
    }
}

private let plus = UInt8(ascii: "+")
private let minus = UInt8(ascii: "-")
private let point = UInt8(ascii: ".")
