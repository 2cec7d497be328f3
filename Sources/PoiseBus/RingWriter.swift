package import PoiseModel

/// The producer's end of a link: one thread at a time, no lock, no system call unless the other
/// side sleeps.
package struct RingWriter: ~Copyable {
    package let layout: LinkLayout
    /// The consumer may overwrite-read: what it has not read is given up when there is no room.
    package let dropsOldest: Bool

    /// Takes up a link where its last producer left it: what that one had not committed is not
    /// there. `producer` is mapped writable, `consumer` readable.
    package init(
        producer: consuming BusMemory, consumer: consuming BusMemory, layout: LinkLayout,
        dropsOldest: Bool
    ) throws(BusError) {
        preconditionFailure("not yet")
    }

    /// Room for a message of so many bytes, in place; nil when there is none now. `commit`, `stage`
    /// or `abort` follows before the next one.
    package mutating func reserve(
        _ bytes: Int, topic: UInt32, priority: BusPriority, context: MessageContext? = nil
    ) throws(BusError) -> UnsafeMutableRawBufferPointer? {
        preconditionFailure("not yet")
    }

    /// The message is whole: others may see it, now.
    package mutating func commit() { preconditionFailure("not yet") }
    /// The message is whole; others see it with the next `publish` or `commit`.
    package mutating func stage() { preconditionFailure("not yet") }
    /// Shows all staged messages, and wakes the consumer when it sleeps.
    package mutating func publish() { preconditionFailure("not yet") }
    /// The reserved message is not sent.
    package mutating func abort() { preconditionFailure("not yet") }

    /// How many messages of a lane were ever committed: the next one's sequence number.
    package func nextSequence(_ priority: BusPriority) -> UInt64 { preconditionFailure("not yet") }
    /// Bytes that wait to be read, headers included, in all lanes.
    package var depthBytes: Int { preconditionFailure("not yet") }
    /// Waits until the consumer has made room or the time is over (monotonic nanoseconds); false
    /// when it is over.
    package mutating func waitForRoom(until deadline: UInt64, _ wait: BusWait) -> Bool {
        preconditionFailure("not yet")
    }
}
