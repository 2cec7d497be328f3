package import PoiseModel

/// Colours of a terminal (ECMA-48 SGR), or none.
package struct Paint: Sendable, Equatable {
    package static let none = Paint(isOn: false)
    package static let colours = Paint(isOn: true)

    private let isOn: Bool

    /// How a piece of text looks.
    package enum Style: Sendable, Equatable {
        case bold, dim, good, warning, bad
        case coreClass(CoreClass)
        /// The background of the owner with this number.
        case owner(Int)
        case reserved
    }

    package func callAsFunction(_ style: Style, _ text: String) -> String {
        guard isOn, !text.isEmpty else { return text }
        return "\u{1B}[\(style.code)m\(text)\u{1B}[0m"
    }
}

extension Paint.Style {
    /// Backgrounds of the 256-colour palette on which black is easy to read.
    private static let owners = [
        117, 156, 222, 217, 183, 159, 229, 181, 114, 209, 147, 186, 80, 175, 110, 150,
    ]

    fileprivate var code: String {
        switch self {
        case .bold: "1"
        case .dim: "2"
        case .good: "32"
        case .warning: "33"
        case .bad: "31"
        case .coreClass(.performance): "1;34"
        case .coreClass(.efficiency): "1;32"
        case .coreClass(.lowPower): "1;33"
        case .owner(let number): "30;48;5;\(Self.owners[number % Self.owners.count])"
        case .reserved: "97;48;5;240"
        }
    }
}

/// The characters that drawings and tables are made of.
package struct Glyphs: Sendable, Equatable {
    package static let unicode = Glyphs(isUnicode: true)
    package static let ascii = Glyphs(isUnicode: false)

    let isUnicode: Bool

    var horizontal: String { isUnicode ? "─" : "-" }
    var vertical: String { isUnicode ? "│" : "|" }
    var idle: String { isUnicode ? "·" : "." }
    var reserved: String { isUnicode ? "▒" : "#" }
    var unknown: String { isUnicode ? "–" : "-" }
    var separator: String { isUnicode ? " · " : ", " }
    var atMost: String { isUnicode ? "≤ " : "<= " }
    /// Stands for what was cut off.
    var more: String { isUnicode ? "…" : ".." }
    var arrow: String { isUnicode ? "→" : "->" }

    /// The corner or crossing that has arms in these directions.
    func joint(left: Bool, right: Bool, up: Bool, down: Bool) -> String {
        guard isUnicode else {
            if left || right, up || down { return "+" }
            return left || right ? "-" : "|"
        }
        let arms = (left ? 8 : 0) + (right ? 4 : 0) + (up ? 2 : 0) + (down ? 1 : 0)
        return [
            " ", "│", "│", "│", "─", "┌", "└", "├", "─", "┐", "┘", "┤", "─", "┬", "┴", "┼",
        ][arms]
    }
}
