/// Texts that a plugin wrote and a person may see on a terminal.
package enum HostMessageText {
    /// At most `longest` bytes of UTF-8 of a text, up to its first zero byte.
    ///
    /// What is no UTF-8 and what would steer a terminal becomes U+FFFD, which may be longer than
    /// what was there, so the length is measured after that.
    package static func tame(_ bytes: some Sequence<UInt8>, longest: Int) -> String {
        var text = String.UnicodeScalarView()
        var length = 0
        let decoded = String(decoding: Array(bytes.prefix { $0 != 0 }), as: UTF8.self)
        for scalar in decoded.unicodeScalars {
            let tamed = steersTerminal(scalar) ? "\u{FFFD}" : scalar
            length += UTF8.width(tamed)
            guard length <= longest else { break }
            text.append(tamed)
        }
        return String(text)
    }

    /// The text with U+FFFD in place of all that would steer a terminal.
    package static func tame(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: steersTerminal) else { return text }
        var tamed = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            tamed.append(steersTerminal(scalar) ? "\u{FFFD}" : scalar)
        }
        return String(tamed)
    }

    /// Whether a name is made of letters, digits and `_ . : -`.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    // Tabs and line ends are harmless; the rest of C0, DEL and C1 are not.
    private static func steersTerminal(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0: true
        default: false
        }
    }
}
