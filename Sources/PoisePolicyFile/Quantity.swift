import PoiseModel

/// The kinds of amount that a policy names, and how each is written.
///
/// Everything is computed in integers of the base unit, so that what is written is what is meant:
/// `0.1` cores are 100 millicores, and what is finer than the base unit is refused, not rounded.
package enum Quantity: CaseIterable {
    /// In millicores: `3`, `0.5`, `750m`.
    case cores
    /// In bytes: `512MiB`, `1GB`, `0`.
    case memory
    /// In nanoseconds: `50us`, `100ms`, `2s`, `1m`, `1h`, `0`.
    case duration
    /// In per cent: `25%`, `0`.
    case percent

    /// Why a text is no such amount.
    package struct Mistake: Error, Equatable {
        package let text: String
    }

    /// The amount that `text` spells, in the base unit.
    package func amount(_ text: String) throws(Mistake) -> Int {
        let written = Written(text)
        guard !written.whole.isEmpty, written.fraction?.isEmpty != true else {
            throw Mistake(text: "\(quoted(text)) is no \(noun) (\(examples))")
        }
        let factor = try factor(of: written, text)
        guard let whole = Int(written.whole) else { throw tooLarge(text) }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: factor)
        guard !overflow, scaled <= limit.amount else { throw tooLarge(text) }
        let (sum, sumOverflow) = scaled.addingReportingOverflow(try thousandths(written, text))
        guard !sumOverflow, sum <= limit.amount else { throw tooLarge(text) }
        return sum
    }

    /// A text taken apart: digits, a point with digits, and the rest.
    private struct Written {
        let whole: Substring
        let fraction: Substring?
        let unit: Substring

        init(_ text: String) {
            let isDigit: (Character) -> Bool = { ("0"..."9").contains($0) && $0.isASCII }
            whole = text.prefix(while: isDigit)
            let rest = text[whole.endIndex...]
            if rest.first == "." {
                let digits = rest.dropFirst().prefix(while: isDigit)
                fraction = digits
                unit = rest[digits.endIndex...]
            } else {
                fraction = nil
                unit = rest
            }
        }
    }

    private func factor(of written: Written, _ text: String) throws(Mistake) -> Int {
        let unit = String(written.unit)
        if let factor = units.first(where: { $0.name == unit })?.factor { return factor }
        if unit.isEmpty {
            if written.fraction == nil, written.whole.allSatisfy({ $0 == "0" }) { return 1 }
            throw Mistake(text: "\(quoted(text)) has no unit (\(examples))")
        }
        let known = units.map(\.name).filter { !$0.isEmpty }
        let word = String(unit.drop { $0 == " " })
        if known.contains(word) {
            let mended = text.filter { $0 != " " }
            throw Mistake(text: "\(quoted(text)) has a space in it (write \(printable(mended)))")
        }
        let near = self == .cores ? nil : Nearest.name(to: word, among: known)
        let hint = near.map { "did you mean \(printable(written.whole + $0))?" } ?? examples
        throw Mistake(text: "\(quoted(text)) is no \(noun): unknown unit \(quoted(word)) (\(hint))")
    }

    /// The digits after the point in thousandths of a whole, which only cores have.
    private func thousandths(_ written: Written, _ text: String) throws(Mistake) -> Int {
        guard let fraction = written.fraction else { return 0 }
        guard self == .cores, written.unit.isEmpty else {
            throw Mistake(text: "\(quoted(text)) is no whole number (write it in a smaller unit)")
        }
        guard fraction.count <= 3 else {
            throw Mistake(text: "\(quoted(text)) is finer than a thousandth of a core")
        }
        let digits = fraction + String(repeating: "0", count: 3 - fraction.count)
        guard let value = Int(digits) else { throw tooLarge(text) }
        return value
    }

    private func tooLarge(_ text: String) -> Mistake {
        Mistake(text: "\(quoted(text)) is too large (at most \(limit.text))")
    }

    private var noun: String {
        switch self {
        case .cores: "number of cores"
        case .memory: "amount of memory"
        case .duration: "duration"
        case .percent: "percentage"
        }
    }

    private var examples: String {
        switch self {
        case .cores: "write 3, 0.5 or 750m"
        case .memory: "write it as 512MiB, 8GiB or 1GB"
        case .duration: "write it as 50us, 100ms, 2s, 1m or 1h"
        case .percent: "write it as 25%"
        }
    }

    /// Large enough for every machine, small enough that sums over all features stay in 64 bits.
    private var limit: (amount: Int, text: String) {
        switch self {
        case .cores: (1_048_576_000, "1048576 cores")
        case .memory: (1 << 52, "4096TiB")
        case .duration: (8760 * 3_600_000_000_000, "8760h")
        case .percent: (100, "100%")
        }
    }

    private var units: [(name: String, factor: Int)] {
        switch self {
        case .cores: [("", 1000), ("m", 1)]
        case .memory:
            [
                ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
                ("TB", 1_000_000_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
                ("TiB", 1 << 40),
            ]
        case .duration:
            [
                ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
                ("h", 3_600_000_000_000),
            ]
        case .percent: [("%", 1)]
        }
    }
}
