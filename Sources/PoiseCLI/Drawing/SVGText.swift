import PoiseModel

/// The text of a drawing in SVG 1.1, element by element.
struct SVGText {
    private(set) var text = ""

    /// A number with at most two decimals.
    static func number(_ value: Double) -> String { QuantityText.decimal(value, digits: 2) }

    /// Text in which nothing is markup and nothing is a character that XML forbids.
    static func escaped(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": shown += "&lt;"
            case ">": shown += "&gt;"
            case "&": shown += "&amp;"
            case "\"": shown += "&quot;"
            default:
                let isForbidden =
                    scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF
                shown.unicodeScalars.append(isForbidden ? "\u{FFFD}" : scalar)
            }
        }
        return shown
    }

    mutating func raw(_ line: String) { text += line + "\n" }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ attributes: String
    ) {
        let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
        let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
        raw("<rect \(place) \(size) \(attributes)/>")
    }

    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ attributes: String
    ) {
        let from = "x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\""
        let to = "x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\""
        raw("<line \(from) \(to) \(attributes)/>")
    }

    mutating func words(_ x: Double, _ y: Double, _ words: String, _ attributes: String = "") {
        let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
        raw("<text \(place) \(attributes)>\(Self.escaped(words))</text>")
    }

    mutating func path(_ points: String, _ attributes: String) {
        raw("<path d=\"\(points)\" \(attributes)/>")
    }
}
