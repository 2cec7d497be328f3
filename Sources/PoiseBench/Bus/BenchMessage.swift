import CLinux

/// What the messages of a bus measurement hold, and the memory that they are copied from and to.
struct BenchMessage: ~Copyable {
    static let topic: UInt32 = 7
    let bytes: Int
    private let source: UnsafeMutableRawPointer
    private let sink: UnsafeMutableRawPointer

    init(bytes: Int) {
        precondition(bytes >= 16, "a message has its number at both ends")
        self.bytes = bytes
        source = .allocate(byteCount: bytes, alignment: 64)
        sink = .allocate(byteCount: bytes, alignment: 64)
        source.initializeMemory(as: UInt8.self, repeating: 0xA5, count: bytes)
        sink.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }

    deinit {
        source.deallocate()
        sink.deallocate()
    }

    /// Copies a message into its place, with its number at both ends.
    @inline(__always)
    func fill(_ room: UnsafeMutableRawBufferPointer, _ number: UInt64) {
        guard let place = room.baseAddress else { return }
        copy(place, source)
        place.storeBytes(of: number, as: UInt64.self)
        place.storeBytes(of: number, toByteOffset: bytes - 8, as: UInt64.self)
    }

    /// Copies a message out and gives its number; nil when it is not whole.
    @inline(__always)
    func take(_ payload: UnsafeRawBufferPointer) -> UInt64? {
        guard let place = payload.baseAddress, payload.count == bytes else { return nil }
        copy(sink, place)
        let first = sink.load(as: UInt64.self)
        let last = sink.load(fromByteOffset: bytes - 8, as: UInt64.self)
        return first == last ? first : nil
    }

    @inline(__always)
    private func copy(_ to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer) {
        if bytes == 64 {
            // A size that the compiler knows becomes a few moves, as in C.
            let all = from.loadUnaligned(as: SIMD8<UInt64>.self)
            to.storeBytes(of: all, as: SIMD8<UInt64>.self)
        } else {
            to.copyMemory(from: from, byteCount: bytes)
        }
    }
}

/// Looks once more, a little later.
@inline(__always)
func spinOnce() { poise_bus_pause() }

/// Looks once more when the other end has had time for some messages: two ends that follow each
/// other message by message pass the same cache line to and fro for each. The peers do the same.
@inline(__always)
func spinForSome() {
    for _ in 0..<8 { poise_bus_pause() }
}
