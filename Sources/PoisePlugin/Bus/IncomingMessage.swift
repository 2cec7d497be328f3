import PluginABI
import PoiseModel

/// A message that came, where it lies in shared memory; its bytes may be looked at until it is
/// done. Who does not trust its sender copies what it checks: the sender could still change it.
public struct IncomingMessage: ~Copyable {
    private let message: poise_message
    private let calls: BusCalls

    init(_ message: poise_message, _ calls: BusCalls) {
        self.message = message
        self.calls = calls
    }

    /// What it is about.
    public var topic: Bus.Topic { Bus.Topic(number: message.topic) }
    /// How urgent it is.
    public var priority: Bus.Priority { Bus.Priority(rawValue: message.priority) ?? .low }
    /// The link it came by.
    public var source: Bus.Source { Bus.Source(number: message.source) }
    /// Counts the messages of this source and priority from 0.
    public var sequence: UInt64 { message.sequence }
    /// The feature that sent it.
    public var from: String { message.from.map { String(cString: $0) } ?? "" }
    /// Who caused it, when that is known.
    public var trace: Bus.Trace? { Bus.Trace(message.trace) }
    /// Whether its sender waits for a reply.
    public var wantsReply: Bool { message.request != 0 }
    /// How long ago it was sent; known of one message in many.
    public var age: Duration? {
        guard message.sent_nanoseconds != 0 else { return nil }
        return Instant.now - Instant(nanoseconds: Int(clamping: message.sent_nanoseconds))
    }
    /// How many bytes it has.
    public var byteCount: Int { Int(message.length) }

    private var buffer: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: message.bytes, count: Int(message.length))
    }

    /// Looks at its bytes, in place.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(buffer.bytes)
    }

    /// A copy of its bytes.
    public var bytes: [UInt8] { Array(buffer) }

    /// It is done, and so are all that were received before it.
    public consuming func done() { calls.done(calls.context) }

    /// Room for the reply to it. `bus_reserve_reply`.
    public func reserveReply(
        bytes: Int, priority: Bus.Priority = .high, trace: Bus.Trace? = nil
    ) throws(BusFailure) -> OutgoingMessage {
        var reply = poise_outgoing()
        reply.size = UInt32(MemoryLayout<poise_outgoing>.size)
        reply.priority = priority.rawValue
        reply.length = UInt64(max(0, bytes))
        if let trace { reply.trace = trace.border }
        var asked = message
        try BusFailure.check(calls.reserveReply(calls.context, &asked, &reply))
        return OutgoingMessage(reply, calls)
    }

    /// Sends a copy of these bytes as the reply to it.
    public func reply(
        _ bytes: [UInt8], priority: Bus.Priority = .high
    ) throws(BusFailure) {
        var reply = try reserveReply(bytes: bytes.count, priority: priority)
        reply.copy(bytes.span.bytes)
        try reply.send()
    }
}

// tidy: allow, it is moved and never shared; the bytes behind it stay where they are
extension IncomingMessage: @unchecked Sendable {}
