/// Questions about the bytes of a file before and beside their reading as YAML.
enum SourceText {
    /// The first thing in `bytes` that no YAML text has: broken UTF-8 or a control character.
    ///
    /// libyaml would find it too, but tells neither line nor column.
    static func firstFault(in bytes: [UInt8]) -> (mark: Mark, text: String)? {
        var mark = Mark.start
        var offset = 0
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.decode(&iterator) {
            case .emptyInput: return nil
            case .error:
                let hex = String(bytes[offset], radix: 16, uppercase: true)
                return (mark, "the byte 0x\(hex) is not UTF-8 (a policy is a text in UTF-8)")
            case .scalarValue(let scalar):
                if let text = fault(scalar) { return (mark, text) }
                offset += UTF8.width(scalar)
                if scalar == "\n" {
                    mark = Mark(line: mark.line + 1, column: 1)
                } else {
                    mark.column += 1
                }
            }
        }
    }

    /// What is wrong with a character by YAML's list of printable ones (YAML 1.2, `c-printable`).
    private static func fault(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0: "a NUL byte: this is not a text (a policy is a text in UTF-8)"
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD: nil
        case 0x10000...: nil
        default: "the control character \(scalar.escaped(asASCII: true)) cannot be in a policy"
        }
    }

    /// Whether the white space at the beginning of a line (from 1) has a tab in it.
    static func tabIndents(line: Int, of bytes: [UInt8]) -> Bool {
        let lines = bytes.split(
            separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        guard line >= 1, line <= lines.count else { return false }
        let indent = lines[line - 1].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return indent.contains(UInt8(ascii: "\t"))
    }
}
