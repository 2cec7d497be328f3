import PoiseModel

/// One of the audit's streams: the messages of one producer and lane. Its messages say which they
/// are, and are of different lengths, so that rings wrap in different ways.
struct AuditStream: Equatable {
    let producer: Int
    let lane: Int

    static let longest = 16 + 8 * 7

    /// Payload of a message in bytes.
    func bytes(_ number: UInt64) -> Int { 16 + 8 * Int(mixed(number) & 7) }

    /// Writes a message: its number, then words that follow from it and the stream.
    @inline(__always)
    func fill(_ room: UnsafeMutableRawBufferPointer, _ number: UInt64) {
        room.storeBytes(of: number, as: UInt64.self)
        var word = mixed(number)
        var offset = 8
        while offset < room.count {
            room.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            word &+= number
            offset += 8
        }
    }

    /// The number of a message; nil when any word of it is not what it has to be.
    @inline(__always)
    func number(in payload: UnsafeRawBufferPointer) -> UInt64? {
        guard payload.count >= 16 else { return nil }
        let number = payload.loadUnaligned(as: UInt64.self)
        guard payload.count == bytes(number) else { return nil }
        var word = mixed(number)
        var offset = 8
        while offset < payload.count {
            guard payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == word else {
                return nil
            }
            word &+= number
            offset += 8
        }
        return number
    }

    @inline(__always)
    private func mixed(_ number: UInt64) -> UInt64 {
        let seed = number &+ UInt64(producer * 8 + lane) &<< 56
        let word = (seed ^ (seed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return word ^ (word >> 27)
    }
}
