import PoiseModel

/// Amounts with a minimum, a wish and a maximum.
extension PolicyDecoder {
    /// The three parts of a wish; a part that was left out follows from the others.
    struct Amounts {
        var min = 0
        var want = 0
        /// Nil when neither a maximum nor anything that stands for all three was written.
        var max: Int?
    }

    static let amountKeys = ["min", "want", "max"]

    /// One number, which stands for all three.
    mutating func single(_ field: Field, _ quantity: Quantity) -> Amounts {
        let value = amount(field, quantity) ?? 0
        return Amounts(min: value, want: value, max: value)
    }

    /// The three parts in order: `min` is 0 and `want` is `min` when left out.
    mutating func amounts(_ fields: Fields, _ quantity: Quantity) -> Amounts {
        var given: [(field: Field, amount: Int)] = []
        for key in Self.amountKeys {
            guard let field = fields[key], let value = amount(field, quantity) else { continue }
            given.append((field, value))
        }
        for (low, high) in zip(given, given.dropFirst()) where low.amount > high.amount {
            mistakes.error(
                low.field.mark,
                "\(fields.owner.path): \(Self.shown(low.field)) is more than "
                    + "\(Self.shown(high.field)) (min ≤ want ≤ max)")
        }
        if Self.amountKeys.allSatisfy(fields.lacks) {
            mistakes.error(
                fields.owner.mark,
                "\(fields.owner.path) asks for nothing: give at least one of min, want and max")
        }
        let amount = Dictionary(uniqueKeysWithValues: given.map { ($0.field.key, $0.amount) })
        let min = amount["min"] ?? 0
        return Amounts(min: min, want: amount["want"] ?? min, max: amount["max"])
    }

    private static func shown(_ field: Field) -> String {
        "\(field.key) \(printable(field.value.scalar?.text ?? ""))"
    }

    mutating func coreWish(_ field: Field?) -> CoreWish? {
        guard let field else { return nil }
        if let scalar = field.value.scalar, scalar.value != .null {
            let amounts = single(field, .cores)
            return CoreWish(min: amounts.min, want: amounts.want, max: amounts.max ?? 0)
        }
        guard let fields = fields(of: field, known: Self.amountKeys + ["fallback"])
        else { return nil }
        let amounts = amounts(fields, .cores)
        return CoreWish(
            min: amounts.min, want: amounts.want, max: amounts.max ?? amounts.want,
            fallback: choice(fields["fallback"]) ?? .any)
    }

    mutating func memoryWish(_ field: Field?) -> MemoryWish {
        guard let field else { return MemoryWish() }
        if let scalar = field.value.scalar, scalar.value != .null {
            let amounts = single(field, .memory)
            return MemoryWish(min: amounts.min, want: amounts.want, max: amounts.max)
        }
        let known = Self.amountKeys + ["locality", "swap", "migrate"]
        guard let fields = fields(of: field, known: known) else { return MemoryWish() }
        let amounts = amounts(fields, .memory)
        var wish = MemoryWish(
            min: amounts.min, want: amounts.want, max: amounts.max,
            locality: choice(fields["locality"]) ?? .preferred)
        wish.swap = amount(fields["swap"], .memory)
        wish.migrate = bool(fields["migrate"]) ?? false
        return wish
    }
}
