public import Synchronization

/// A number in shared memory that two processes use at one time.
@usableFromInline typealias SharedWord = UnsafeMutablePointer<Atomic<UInt64>>
/// One that the kernel can wait on (`futex(2)`).
@usableFromInline typealias WaitWord = UnsafeMutablePointer<Atomic<UInt32>>

/// Where the words of a link's two files lie, in bytes from the start of each file. What one side
/// writes often lies two cache lines from what the other writes, since processors fetch lines in
/// pairs.
package enum LinkWords {
    /// The producer's file. Of each lane: bytes ever published, padding and headers included.
    package static let tails = 0
    /// Of each lane: where the oldest message begins that is still there (`dropOldest` only).
    package static let floors = 128
    /// Odd while the producer sleeps for want of room; counts up.
    package static let producerSleep = 256
    /// Counts up to wake the consumer; it sleeps on it.
    package static let producerBell = 260
    /// Of each lane, for who watches: messages published; dropped because they were the oldest, the
    /// newest; refused because there was no room in time; kept on disk on their way; nanoseconds
    /// that the producer waited for room.
    package static let sent = 384
    package static let droppedOldest = 416
    package static let droppedNewest = 448
    package static let refused = 480
    package static let spilled = 512
    package static let blockedNanoseconds = 544
    /// How often the producer woke the consumer.
    package static let wakes = 576

    /// Of each lane: the next sequence number at a place, and that place. Written after `tails`, as
    /// `sent` is before it, so that one of the two fits wherever the producer was killed.
    @usableFromInline static let markSequence = 640
    @usableFromInline static let markTail = 672

    /// The consumer's file. Of each lane: bytes ever taken and committed.
    package static let heads = 0
    /// Odd while the consumer sleeps for want of messages; counts up.
    package static let consumerSleep = 128
    /// Counts up to wake the producer; it sleeps on it.
    package static let consumerBell = 132
    /// Of each lane, for who watches: messages committed, and missed because they were dropped.
    package static let taken = 256
    package static let missed = 288
    /// How often the consumer slept.
    package static let sleeps = 320
    /// How long sampled messages lay in the ring: `WaitHistogram.buckets` counts.
    package static let waits = 512
    /// Which of the two records counts, by its lowest bit; counts up. 0: none does.
    package static let record = 1024
    static let records = 4096
    static let recordBytes = 2048
    /// In a record: the four heads, the next sequence numbers, the length of the state, the state.
    static let recordSequences = 32
    static let recordLength = 64
    static let recordState = 128

    @inlinable @inline(__always)
    static func word(_ base: UnsafeMutableRawPointer, _ offset: Int, _ lane: Int = 0) -> SharedWord
    {
        (base + offset + 8 * lane).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    @inlinable @inline(__always)
    static func waitWord(_ base: UnsafeMutableRawPointer, _ offset: Int) -> WaitWord {
        (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}

/// How long messages lay in a ring, in buckets that grow by √2 from 64 ns: bucket 2 i holds what is
/// below 64 · 2ⁱ · √2 ns, and the last one all the rest.
package enum WaitHistogram {
    package static let buckets = 64

    /// The bucket of a wait.
    package static func bucket(nanoseconds: UInt64) -> Int {
        guard nanoseconds >= 64 else { return 0 }
        let octave = 63 - nanoseconds.leadingZeroBitCount
        // 181/128 is √2 to 0.1 %.
        let upper = nanoseconds >= (1 << UInt64(octave)) / 128 * 181 ? 1 : 0
        return min(2 * (octave - 6) + upper, buckets - 1)
    }

    /// The upper end of a bucket in nanoseconds; the last one has none and gives its lower end.
    package static func upperNanoseconds(of bucket: Int) -> UInt64 {
        let index = min(bucket, buckets - 2)
        let power: UInt64 = 64 << UInt64(index / 2)
        return index % 2 == 0 ? power / 128 * 181 : 2 * power
    }

    /// What the given share (0…1) of the waits does not exceed; nil when there are none.
    package static func quantile(_ share: Double, of counts: [UInt64]) -> UInt64? {
        let sum = counts.reduce(0, &+)
        guard sum > 0 else { return nil }
        let wanted = max(1, UInt64((Double(sum) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen &+= count
            if seen >= wanted { return upperNanoseconds(of: bucket) }
        }
        return nil
    }
}
