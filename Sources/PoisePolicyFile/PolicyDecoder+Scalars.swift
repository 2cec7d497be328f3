import PoiseModel

/// Single values; each function gives nil for what is absent and for what is wrong, which it tells.
extension PolicyDecoder {
    /// A text that is not empty, of one line unless `linesAllowed`.
    mutating func text(_ field: Field?, linesAllowed: Bool = false) -> String? {
        guard let field else { return nil }
        guard let scalar = field.value.scalar else {
            wrongKind(field, "a text")
            return nil
        }
        guard case .text(let text) = scalar.value else {
            let quotes =
                scalar.text.isEmpty ? "" : " (write \"\(printable(scalar.text))\" in quotes)"
            mistakes.error(field.mark, "\(field.name) must be a text, not \(scalar.kind)\(quotes)")
            return nil
        }
        let isControl: (Unicode.Scalar) -> Bool = {
            linesAllowed ? $0 == "\0" : $0.value < 0x20
        }
        if text.isEmpty || text.unicodeScalars.contains(where: isControl) {
            mistakes.error(
                field.mark,
                "\(field.name) \(text.isEmpty ? "is an empty text" : "has a control character")")
            return nil
        }
        return text
    }

    mutating func bool(_ field: Field?) -> Bool? {
        guard let field else { return nil }
        if case .bool(let value) = field.value.scalar?.value { return value }
        var hint = ""
        if let scalar = field.value.scalar, scalar.isOldBoolean {
            let isTrue = ["yes", "on"].contains(scalar.text.lowercased())
            hint = " (YAML 1.2 takes it for a text; write \(isTrue))"
        }
        mistakes.error(
            field.mark, "\(field.path) must be true or false, not \(field.value.kind)\(hint)")
        return nil
    }

    mutating func integer(_ field: Field?, in range: ClosedRange<Int>) -> Int? {
        guard let field else { return nil }
        if case .integer(let value) = field.value.scalar?.value, range.contains(value) {
            return value
        }
        wrongKind(field, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// One of the words that the cases of `Choice` are written as.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ field: Field?
    ) -> Choice? {
        guard let field else { return nil }
        let known = Choice.allCases.map(\.rawValue)
        guard let scalar = field.value.scalar else {
            wrongKind(field, "one of " + known.joined(separator: ", "))
            return nil
        }
        if let value = Choice(rawValue: scalar.text) { return value }
        let hint = Nearest.hint(for: scalar.text, among: known)
        mistakes.error(field.mark, "\(field.path) cannot be \(quoted(scalar.text))\(hint)")
        return nil
    }

    /// An amount in the base unit of its kind.
    mutating func amount(_ field: Field?, _ quantity: Quantity) -> Int? {
        guard let field else { return nil }
        guard let scalar = field.value.scalar, scalar.value != .null else {
            wrongKind(field, "an amount")
            return nil
        }
        do throws(Quantity.Mistake) {
            return try quantity.amount(scalar.text)
        } catch {
            mistakes.error(field.mark, "\(field.path): \(error.text)")
            return nil
        }
    }

    mutating func duration(_ field: Field?, atLeast least: Duration) -> Duration? {
        guard let field, let nanoseconds = amount(field, .duration) else { return nil }
        let duration = Duration.nanoseconds(nanoseconds)
        guard duration < least else { return duration }
        let text = field.value.scalar.map { " \(printable($0.text))" } ?? ""
        mistakes.error(
            field.mark, "\(field.path)\(text) is too short (at least \(Self.spelled(least)))")
        return nil
    }

    /// A duration as a policy writes it.
    static func spelled(_ duration: Duration) -> String {
        let nanoseconds = duration.wholeNanoseconds
        if nanoseconds % 1_000_000_000 == 0 { return "\(nanoseconds / 1_000_000_000)s" }
        if nanoseconds % 1_000_000 == 0 { return "\(nanoseconds / 1_000_000)ms" }
        return "\(nanoseconds / 1000)us"
    }
    /// An amount of memory as a policy writes it, exactly.
    static func spelled(bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        let step = min(bytes == 0 ? 0 : bytes.trailingZeroBitCount / 10, units.count - 1)
        return "\(bytes >> (10 * step))\(units[step])"
    }

    /// `4KiB to 64MiB`.
    static func spelled(_ range: ClosedRange<Int>) -> String {
        "\(spelled(bytes: range.lowerBound)) to \(spelled(bytes: range.upperBound))"
    }
}
