import PoiseModel

/// What one ring of a route is like, and who of its receivers is taken first.
extension PolicyDecoder {
    private enum Producers: String, CaseIterable { case one, many }
    private enum PreferredNode: String, CaseIterable { case same }

    /// Bytes of one lane.
    mutating func ring(_ field: Field?) -> Int? {
        guard let field, let bytes = amount(field, .memory) else { return nil }
        let range = BusRoute.ringRange
        guard !range.contains(bytes) || bytes.nonzeroBitCount != 1 else { return bytes }
        let inside = min(max(bytes, range.lowerBound), range.upperBound)
        let below = 1 << (Int.bitWidth - 1 - inside.leadingZeroBitCount)
        let near =
            below == inside
            ? Self.spelled(bytes: below)
            : "\(Self.spelled(bytes: below)) or \(Self.spelled(bytes: 2 * below))"
        mistakes.error(
            field.mark,
            "\(field.path) must be a power of two from \(Self.spelled(range)), not "
                + (field.value.scalar.map { printable($0.text) } ?? "") + " (write \(near))")
        return nil
    }

    mutating func prefer(_ fields: Fields, _ route: inout BusRoute) {
        let known = ["cores", "node", "accelerator"]
        guard let inner = self.fields(of: fields["prefer"], known: known) else { return }
        if known.allSatisfy(inner.lacks) {
            mistakes.error(
                inner.owner.mark,
                "\(inner.owner.path) must give one of \(known.joined(separator: ", "))")
        }
        route.preference.coreClass = choice(inner["cores"])
        let node: PreferredNode? = choice(inner["node"])
        route.preference.sameNode = node == .same
        route.preference.accelerated = bool(inner["accelerator"]) ?? false
        // What was written for deliver may have been meant for any.
        let written = fields["deliver"]?.value.scalar?.text
        guard written == nil || written == BusDelivery.broadcast.rawValue else { return }
        mistakes.error(
            inner.owner.keyMark,
            "\(inner.owner.path) means nothing without deliver: any, for a broadcast reaches every "
                + "receiver")
    }

    /// What happens when a ring is full, and whether senders share it.
    mutating func full(_ fields: Fields, _ route: inout BusRoute) {
        let producers: Producers? = choice(fields["producers"])
        route.isShared = producers == .many
        guard let field = fields["full"], let rule = fullRing(field) else { return }
        route.full = rule
        let word: String? =
            switch rule {
            case .dropOldest: "dropOldest"
            case .spill: "spill"
            case .block, .dropNewest: nil
            }
        guard let word, route.isShared else { return }
        mistakes.error(
            field.mark,
            "\(field.path): \(word) is not supported with producers: many (write block 100ms or "
                + "dropNewest, or producers: one)")
    }

    private mutating func fullRing(_ field: Field) -> FullRing? {
        guard let text = text(field) else { return nil }
        let words = text.split(separator: " ").map(String.init)
        let known = ["block", "dropOldest", "dropNewest", "spill"]
        guard let word = words.first, known.contains(word) else {
            let hint = Nearest.hint(for: words.first ?? "", among: known)
            mistakes.error(field.mark, "\(field.path) cannot be \(quoted(text))\(hint)")
            return nil
        }
        let amounts = words.dropFirst()
        switch word {
        case "block":
            guard
                let time = amount(
                    amounts, .duration, field,
                    "block needs the longest time that a sender waits "
                        + "(write block 100ms; block 0 fails at once)")
            else { return nil }
            return .block(.nanoseconds(time))
        case "spill":
            guard
                let bytes = amount(
                    amounts, .memory, field, "spill needs the most bytes on disk (write spill 1GiB)"
                )
            else { return nil }
            guard FullRing.spillRange.contains(bytes) else {
                mistakes.error(
                    field.mark,
                    "\(field.path): spill takes from \(Self.spelled(FullRing.spillRange)), "
                        + "not \(printable(amounts.joined(separator: " ")))")
                return nil
            }
            return .spill(mostBytes: bytes)
        default:
            guard amounts.isEmpty else {
                mistakes.error(
                    field.mark,
                    "\(field.path): \(word) takes no amount (write \(word) alone)")
                return nil
            }
            return word == "dropOldest" ? .dropOldest : .dropNewest
        }
    }

    /// The one amount after a word.
    private mutating func amount(
        _ words: ArraySlice<String>, _ quantity: Quantity, _ field: Field, _ otherwise: String
    ) -> Int? {
        guard let word = words.first, words.count == 1 else {
            mistakes.error(field.mark, "\(field.path): \(otherwise)")
            return nil
        }
        do throws(Quantity.Mistake) {
            return try quantity.amount(word)
        } catch {
            mistakes.error(field.mark, "\(field.path): \(error.text)")
            return nil
        }
    }
}
