import PoiseModel

/// The consumer's end of a link: one thread at a time.
package struct RingReader: ~Copyable {
    package let layout: LinkLayout
    package let dropsOldest: Bool

    /// Takes up a link where its last consumer had committed. `producer` is mapped readable,
    /// `consumer` writable.
    package init(
        producer: consuming BusMemory, consumer: consuming BusMemory, layout: LinkLayout,
        dropsOldest: Bool
    ) throws(BusError) {
        preconditionFailure("not yet")
    }

    /// The next message, the most urgent lane first, in place; nil when there is none now. Several
    /// may be taken before they are committed together.
    package mutating func next() throws(BusError) -> BusMessage? { preconditionFailure("not yet") }

    /// All messages taken so far are done: they are the consumer's, and the producer has their
    /// room.
    package mutating func commit() { preconditionFailure("not yet") }

    /// As `commit`, and in the same step `state` (at most `stateBytes`) replaces the one kept in
    /// the link. A consumer that keeps what it has computed there sees each message exactly once,
    /// wherever it was killed.
    package mutating func commit(state: UnsafeRawBufferPointer) { preconditionFailure("not yet") }

    /// Most bytes of a state.
    package static let stateBytes = 960
    /// The state that was committed last; empty when there is none.
    package var state: UnsafeRawBufferPointer { preconditionFailure("not yet") }

    /// Whether something has come that was not taken yet; costs no more than a look.
    package mutating func hasMessages() -> Bool { preconditionFailure("not yet") }
    /// Messages that were dropped before they were read, so far.
    package var missed: UInt64 { preconditionFailure("not yet") }
}
