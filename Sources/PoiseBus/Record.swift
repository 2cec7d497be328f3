import PoiseModel
public import Synchronization

/// A message as it lies in a ring: a header of two words, what it carries beside the payload, the
/// payload; the next one begins at the next multiple of 16 bytes.
@usableFromInline
enum Record {
    @usableFromInline static let headerBytes = 16
    @usableFromInline static let stampBytes = 16
    @usableFromInline static let contextBytes = 48

    /// Bits of the flags.
    @usableFromInline static let padding: UInt64 = 1
    @usableFromInline static let hasStamp: UInt64 = 2
    @usableFromInline static let hasContext: UInt64 = 4
    /// The payload says where in the arena the real one lies.
    @usableFromInline static let inArena: UInt64 = 8

    /// Sequence numbers have so many bits in a header; 2⁴⁸ messages take 65 days at 50 million a
    /// second, and then they begin again.
    @usableFromInline static let sequenceMask: UInt64 = (1 << 48) - 1

    @inlinable @inline(__always)
    static func lengthWord(_ bytes: Int, _ topic: UInt32) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: bytes)) | UInt64(topic) << 32
    }

    @inlinable @inline(__always)
    static func sequenceWord(_ sequence: UInt64, _ flags: UInt64, _ producer: UInt64 = 0) -> UInt64
    {
        sequence & sequenceMask | flags << 48 | producer << 56
    }

    /// Bytes before the payload.
    @inlinable @inline(__always)
    static func lead(_ flags: UInt64) -> UInt64 {
        (flags & hasStamp != 0 ? UInt64(stampBytes) : 0)
            &+ (flags & hasContext != 0 ? UInt64(contextBytes) : 0) &+ UInt64(headerBytes)
    }

    @inlinable @inline(__always)
    static func aligned(_ bytes: UInt64) -> UInt64 { (bytes &+ 15) & ~15 }

    static func write(
        _ context: MessageContext, at start: UnsafeMutableRawPointer
    ) {
        let words = start.assumingMemoryBound(to: UInt64.self)
        words[0] = context.trace?.trace.high ?? 0
        words[1] = context.trace?.trace.low ?? 0
        words[2] = context.trace?.span ?? 0
        words[3] =
            UInt64(context.trace?.flags ?? 0) | (context.isReply ? 1 << 8 : 0)
            | (context.trace == nil ? 0 : 1 << 9)
        words[4] = context.request
        words[5] = context.deadlineNanoseconds
    }

    static func context(at start: UnsafeRawPointer) -> MessageContext {
        let words = start.assumingMemoryBound(to: UInt64.self)
        let bits = words[3]
        var context = MessageContext()
        if bits & 1 << 9 != 0 {
            context.trace = TraceContext(
                traceHigh: words[0], traceLow: words[1], span: words[2],
                flags: UInt8(truncatingIfNeeded: bits))
        }
        context.isReply = bits & 1 << 8 != 0
        context.request = words[4]
        context.deadlineNanoseconds = words[5]
        return context
    }

    @inlinable @inline(__always)
    static func store(_ record: UnsafeMutableRawPointer, _ first: UInt64, _ second: UInt64) {
        record.storeBytes(of: first, as: UInt64.self)
        record.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
    }

    /// One read of a word that another process may change: it is looked at once.
    @inlinable @inline(__always)
    static func word(_ record: UnsafeRawPointer, _ index: Int) -> UInt64 {
        UnsafeMutableRawPointer(mutating: record + 8 * index)
            .assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .relaxed)
    }
}
