import PluginABI

/// A message that is being written, where it will be read. Fill it and `send` it soon: others that
/// send the same way wait meanwhile. One that is let go without being sent is not sent. It stays on
/// the thread that reserved it, which reserves no other before.
public struct OutgoingMessage: ~Copyable {
    private var message: poise_outgoing
    private let calls: BusCalls

    init(_ message: poise_outgoing, _ calls: BusCalls) {
        self.message = message
        self.calls = calls
    }

    deinit {
        guard message.handle != 0 else { return }
        var message = message
        calls.abort(calls.context, &message)
    }

    /// How many bytes it has.
    public var byteCount: Int { Int(message.length) }

    private var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: message.bytes, count: Int(message.length))
    }

    /// Writes its bytes, in place. What is not written holds whatever was there before.
    public mutating func fill<Result, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = room.mutableBytes
        return try body(&span)
    }

    /// Writes its bytes one after the other, in place; those that are not written are 0.
    public mutating func write<Failure: Error>(
        _ body: (inout OutputRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        let room = room
        var span = OutputRawSpan(buffer: room, initializedCount: 0)
        try body(&span)
        let count = span.finalize(for: room)
        room[count...].initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Copies bytes into it, as many as it has room for.
    public mutating func copy(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { bytes in
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(byteCount)))
        }
    }

    /// Sends it, with all that were staged before it by the same links. `bus_commit`.
    public consuming func send() throws(BusFailure) {
        try BusFailure.check(calls.commit(calls.context, &message))
    }

    /// Sends it with the next one that goes the same way, or with `publish`: several messages cost
    /// little more than one. `bus_stage`.
    public consuming func stage() throws(BusFailure) {
        try BusFailure.check(calls.stage(calls.context, &message))
    }

    /// Sends a request; `Bus.reply(to:)` waits for its reply.
    public consuming func sendForReply() throws(BusFailure) -> Bus.Request {
        let number = message.request
        guard number != 0 else { throw .wrong }
        try BusFailure.check(calls.commit(calls.context, &message))
        return Bus.Request(number: number)
    }
}
