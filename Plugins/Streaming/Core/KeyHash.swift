/// FNV-1a, 64 bits: the same key has the same hash in every run and on every machine, which
/// Swift's own seeded hash has not; so a key is always in the same partition.
struct KeyHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }

    mutating func add(_ bytes: Bytes, _ range: Range<Int>) {
        for index in range { add(bytes[index]) }
    }

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes { add(byte) }
    }

    /// The partition of a key among `count`; the high half, as FNV mixes upwards.
    static func partition(_ hash: UInt64, of count: Int) -> Int {
        Int((hash >> 32 ^ hash) % UInt64(count))
    }
}
