/// Measures and cuts text by the columns that it takes on a terminal.
enum DisplayWidth {
    /// Columns of `text`: colours take none, East Asian wide characters take two.
    static func of(_ text: String) -> Int {
        var columns = 0
        var isEscape = false
        for scalar in text.unicodeScalars {
            if isEscape {
                isEscape = scalar != "m"
            } else if scalar == "\u{1B}" {
                isEscape = true
            } else {
                columns += columnsOf(scalar)
            }
        }
        return columns
    }

    private static func columnsOf(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// `text` with spaces after it up to `width` columns.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - of(text)))
    }

    /// `text` in at most `width` columns, with a sign for what was cut off.
    static func cut(_ text: String, to width: Int, _ glyphs: Glyphs) -> String {
        guard of(text) > width else { return text }
        var kept = ""
        for character in text {
            if of(kept) + of(String(character)) > width - of(glyphs.more) { break }
            kept.append(character)
        }
        return kept + glyphs.more
    }

    /// `text` in lines of at most `width` columns, broken after spaces and commas; a longer word
    /// stays whole. Text must not be coloured yet.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words(of: text) {
            if !line.isEmpty, of(line) + of(trimmed(word)) > width {
                lines.append(trimmed(line))
                line = ""
            }
            line += word
        }
        lines.append(trimmed(line))
        return lines
    }

    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for character in text {
            word.append(character)
            guard character == " " || character == "," else { continue }
            words.append(word)
            word = ""
        }
        return word.isEmpty ? words : words + [word]
    }

    private static func trimmed(_ text: String) -> String {
        var end = text[...]
        while end.last == " " { end.removeLast() }
        return String(end)
    }
}
