/// Why a text spells no duration.
package struct NotADuration: Error, Sendable, Equatable {
    package let text: String
}

extension Duration {
    /// The duration that `text` spells as a policy does (`100ms`, `2s`, `24h`).
    package init(written text: String) throws(NotADuration) {
        do throws(Quantity.Mistake) {
            self = .nanoseconds(try Quantity.duration.amount(text))
        } catch {
            throw NotADuration(text: error.text)
        }
    }

    /// As `init(written:)`, with a `+` or `-` before it or none.
    package init(signed text: String) throws(NotADuration) {
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? String(text.dropFirst()) : text
        let amount = try Duration(written: digits)
        self = isNegative ? .zero - amount : amount
    }
}
