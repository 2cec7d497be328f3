/// Numbers that a seed decides (SplitMix64, Steele et al. 2014), so that runs compare.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// 0…`limit` - 1.
    mutating func below(_ limit: Int) -> Int { Int(word() % UInt64(limit)) }

    /// `range`, both ends included.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.count)
    }

    /// 0..<1.
    mutating func fraction() -> Double { Double(word() >> 11) / Double(1 << 53) }

    private mutating func word() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
