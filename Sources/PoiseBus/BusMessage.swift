package import PoiseModel

/// What a message carries beside its payload, when it carries anything.
package struct MessageContext: Sendable, Equatable {
    package var trace: TraceContext?
    /// Not 0: an answer to this number is wanted, or this is one (`isReply`).
    package var request: UInt64 = 0
    package var isReply = false
    /// Until when an answer is wanted, on the monotonic clock; 0: for ever.
    package var deadlineNanoseconds: UInt64 = 0

    package init() {}
}

/// A message where it lies in the ring. Its bytes stay what they are until it is committed, unless
/// its producer is hostile: whoever checks something in them copies it first.
package struct BusMessage {
    package let payload: UnsafeRawBufferPointer
    /// `BusTopic.number` of its topic.
    package let topic: UInt32
    @usableFromInline let lane: UInt8
    /// Sequence, flags and producer, as in the record's header.
    @usableFromInline let second: UInt64
    /// Where its stamp lies, 0 without one, and where its context does.
    @usableFromInline let stamp: UInt64
    @usableFromInline let contextStart: UnsafeRawPointer?

    @inlinable init(
        payload: UnsafeRawBufferPointer, topic: UInt32, lane: UInt8, second: UInt64, stamp: UInt64,
        contextStart: UnsafeRawPointer?
    ) {
        self.payload = payload
        self.topic = topic
        self.lane = lane
        self.second = second
        self.stamp = stamp
        self.contextStart = contextStart
    }

    package var priority: BusPriority { BusPriority(rawValue: Int(lane)) ?? .low }
    /// Counts the messages of this producer and lane from 0, without a gap except where some were
    /// dropped.
    @inlinable package var sequence: UInt64 { second & Record.sequenceMask }
    /// What it carries beside the payload.
    package var context: MessageContext? { contextStart.map(Record.context(at:)) }
    /// When it was sent, for one in many; on the monotonic clock.
    package var sentNanoseconds: UInt64? { stamp == 0 ? nil : stamp }
    /// Which of a shared ring's producers; 0 of the only one.
    package var producerIndex: Int { Int(second >> 56) }
}
