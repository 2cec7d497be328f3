/// `text` for a message: on one line, without what a terminal would obey, and not too long.
func printable(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars.prefix(60) {
        let isControl = scalar.properties.generalCategory == .control
        let isFormat = scalar.properties.generalCategory == .format
        out += isControl || isFormat ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return out + (text.unicodeScalars.dropFirst(60).isEmpty ? "" : "…")
}

/// `text` in single quotes for a message.
func quoted(_ text: String) -> String { "'\(printable(text))'" }
