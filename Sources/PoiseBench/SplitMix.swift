import PoiseModel

/// Whole numbers and fractions that a seed decides, so that runs compare.
struct SplitMix {
    private var words: SplitMix64

    init(seed: UInt64) { words = SplitMix64(seed: seed) }

    /// 0…`limit` - 1.
    mutating func below(_ limit: Int) -> Int { Int(words.next() % UInt64(limit)) }

    /// `range`, both ends included.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.count)
    }

    /// 0..<1.
    mutating func fraction() -> Double { Double(words.next() >> 11) / Double(1 << 53) }
}
