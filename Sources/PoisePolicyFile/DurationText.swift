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
}
