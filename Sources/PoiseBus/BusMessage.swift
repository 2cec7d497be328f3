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
    package let priority: BusPriority
    /// Counts the messages of this producer and lane from 0, without a gap except where some were
    /// dropped.
    package let sequence: UInt64
    package let context: MessageContext?
    /// When it was sent, for one in many; on the monotonic clock.
    package let sentNanoseconds: UInt64?
    /// Which of a shared ring's producers.
    package let producerIndex: Int

    @inlinable package init(
        payload: UnsafeRawBufferPointer, topic: UInt32, priority: BusPriority, sequence: UInt64,
        context: MessageContext?, sentNanoseconds: UInt64?, producerIndex: Int
    ) {
        self.payload = payload
        self.topic = topic
        self.priority = priority
        self.sequence = sequence
        self.context = context
        self.sentNanoseconds = sentNanoseconds
        self.producerIndex = producerIndex
    }
}
