enum JSONText {
    /// Appends what an escaped JSON text says, as UTF-8; false when an escape is wrong.
    static func unescape(_ bytes: Bytes, _ range: Range<Int>, into out: inout [UInt8]) -> Bool {
        var position = range.lowerBound
        let end = range.upperBound
        while position < end {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                continue
            }
            guard position < end else { return false }
            let escape = bytes[position]
            position += 1
            switch escape {
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(escape)
            case UInt8(ascii: "u"):
                guard let scalar = scalar(bytes, &position, end) else { return false }
                out.append(contentsOf: Array(String(scalar).utf8))
            default: return false
            }
        }
        return true
    }

    /// The scalar of `\uXXXX`, or of two of them that make a surrogate pair.
    private static func scalar(_ bytes: Bytes, _ position: inout Int, _ end: Int) -> Unicode.Scalar?
    {
        guard let high = hex(bytes, &position, end) else { return nil }
        guard (0xd800..<0xdc00).contains(high) else { return Unicode.Scalar(high) }
        guard position + 2 <= end, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return nil }
        position += 2
        guard let low = hex(bytes, &position, end), (0xdc00..<0xe000).contains(low) else {
            return nil
        }
        return Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
    }

    private static func hex(_ bytes: Bytes, _ position: inout Int, _ end: Int) -> UInt32? {
        guard position + 4 <= end else { return nil }
        var value: UInt32 = 0
        for index in position..<position + 4 {
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                return nil
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    /// Appends a text as a JSON string with its quotes.
    static func quote(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                out.append(contentsOf: Array("\\u00".utf8))
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
