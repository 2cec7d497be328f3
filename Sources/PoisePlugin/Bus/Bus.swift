package import PluginABI
import PoiseModel
import Synchronization

/// What a plugin has of the bus: messages to and from other features, over shared memory.
///
/// Which topic goes to whom the policy says; a plugin names topics and never features. The
/// promises:
///
/// - **Order.** Messages of one sender and one priority arrive in the order in which they were
///   sent. A more urgent one overtakes all less urgent ones.
/// - **Nothing is lost** except where the route says so (`dropOldest`, `dropNewest`), or with
///   memory that somebody has damaged; each drop is counted. When a ring is full, `send` waits as
///   long as its route says and then throws `.full`: the sender still has its message.
/// - **Crashes.** A message is the receiver's only when it is done. What was not done when the
///   receiver died comes again when it is started again: each message comes at least once, and
///   exactly once to who keeps what it computed with the link (`ExactlyOnceReader`). A message that
///   was not sent when the sender died was never there.
///
/// Any thread may send. One thread at a time receives, and says `done`.
///
/// ```swift
/// let words = host.bus.topic("words")
/// try host.bus.send(words, Array("hello".utf8))
/// while let message = try host.bus.receive(within: .seconds(1)) {
///     message.withBytes { bytes in count += bytes.byteCount }
///     message.done()
/// }
/// ```
public final class Bus: Sendable {
    /// How urgent a message is: a more urgent one overtakes all others.
    public enum Priority: UInt32, Sendable, Hashable, CaseIterable {
        /// `POISE_URGENT`
        case urgent
        /// `POISE_HIGH`
        case high
        /// `POISE_NORMAL`
        case normal
        /// `POISE_LOW`
        case low
    }

    /// What messages are about.
    public struct Topic: Sendable, Hashable {
        /// The same for a name for ever and everywhere.
        public let number: UInt32
    }

    /// Where a message came from: one link. It keeps its number for as long as the process lives.
    public struct Source: Sendable, Hashable {
        let number: UInt32
    }

    /// A request that was sent.
    public struct Request: Sendable, Hashable {
        let number: UInt64
    }

    /// Most bytes of a state that `done(_:keeping:)` keeps. `POISE_BUS_STATE`.
    public static let mostStateBytes = Int(POISE_BUS_STATE)

    let calls: BusCalls?
    private let feeder: BusFeeder?

    /// `calls` nil: this host has no bus.
    init(_ calls: BusCalls?) {
        self.calls = calls
        feeder = calls.map(BusFeeder.init)
    }

    /// The bus behind a host's table; it is not available when the table has none.
    package convenience init(border table: UnsafePointer<poise_host_functions>) {
        self.init(BusCalls(table))
    }

    deinit { feeder?.end() }

    /// Whether this host has a bus: one of ABI 1.1 has none, and then all that throws throws
    /// `.unavailable`.
    public var isAvailable: Bool { calls != nil }

    /// The topic of a name.
    public func topic(_ name: String) -> Topic { Topic(number: BusTopic.number(name)) }

    /// Room for a message, in place: fill it, then `send` it. Waits for room as long as the route
    /// says. `bus_reserve`.
    public func reserve(
        _ topic: Topic, bytes: Int, priority: Priority = .normal, trace: Trace? = nil
    ) throws(BusFailure) -> OutgoingMessage {
        try reserve(topic, bytes, priority, trace, replyNanoseconds: 0)
    }

    /// As `reserve`, for a message that wants a reply within `time`: `sendForReply` sends it.
    public func reserveRequest(
        _ topic: Topic, bytes: Int, priority: Priority = .normal, trace: Trace? = nil,
        within time: Duration
    ) throws(BusFailure) -> OutgoingMessage {
        try reserve(
            topic, bytes, priority, trace, replyNanoseconds: max(1, Bus.nanoseconds(time)))
    }

    private func reserve(
        _ topic: Topic, _ bytes: Int, _ priority: Priority, _ trace: Trace?,
        replyNanoseconds: UInt64
    ) throws(BusFailure) -> OutgoingMessage {
        guard let calls else { throw .unavailable }
        guard bytes >= 0 else { throw .wrong }
        var message = poise_outgoing()
        message.size = UInt32(MemoryLayout<poise_outgoing>.size)
        message.topic = topic.number
        message.priority = priority.rawValue
        message.length = UInt64(bytes)
        message.reply_nanoseconds = replyNanoseconds
        if let trace { message.trace = trace.border }
        try BusFailure.check(calls.reserve(calls.context, &message))
        return OutgoingMessage(message, calls)
    }

    /// Sends a copy of these bytes.
    public func send(
        _ topic: Topic, priority: Priority = .normal, trace: Trace? = nil, _ bytes: RawSpan
    ) throws(BusFailure) {
        var message = try reserve(
            topic, bytes: bytes.byteCount, priority: priority, trace: trace)
        message.copy(bytes)
        try message.send()
    }

    /// Sends a copy of these bytes.
    public func send(
        _ topic: Topic, priority: Priority = .normal, trace: Trace? = nil, _ bytes: [UInt8]
    ) throws(BusFailure) {
        try send(topic, priority: priority, trace: trace, bytes.span.bytes)
    }

    /// Sends all messages that were staged.
    public func publish() {
        guard let calls else { return }
        calls.publish(calls.context)
    }

    /// The next message from anybody, the most urgent first; nil when none comes in time, or when
    /// `wake` was called. `bus_receive`.
    public func receive(within time: Duration) throws(BusFailure) -> IncomingMessage? {
        guard let calls else { throw .unavailable }
        let nanoseconds = Bus.nanoseconds(time)
        return try calls.receive(nanoseconds).map { IncomingMessage($0, calls) }
    }

    /// As `receive`, without holding up a thread of the caller's: one thread of the bus waits for
    /// all. Nil when the task is cancelled or `wake` was called.
    public func next() async throws(BusFailure) -> IncomingMessage? {
        guard let calls, let feeder else { throw .unavailable }
        switch await feeder.next() {
        case .message(let carried): return IncomingMessage(carried.message, calls)
        case .nothing: return nil
        case .failure(let failure): throw failure
        }
    }

    /// Ends the wait of who is in `receive` or `next`, or of who calls them next.
    public func wake() {
        guard let calls else { return }
        calls.wake(calls.context)
    }

    /// All messages received so far are done: they do not come again, and their bytes may not be
    /// looked at any more. `bus_done`.
    public func done() {
        guard let calls else { return }
        calls.done(calls.context)
    }

    /// All messages received from `source` are done, and in the same step `state` is kept with its
    /// link, at most `mostStateBytes` long. Whoever keeps what it computed from the messages there
    /// sees each exactly once. `bus_done_with`.
    public func done<State: BitwiseCopyable>(
        _ source: Source, keeping state: State
    ) throws(BusFailure) {
        guard let calls else { throw .unavailable }
        let code = withUnsafeBytes(of: state) { bytes in
            calls.doneWith(
                calls.context, source.number, bytes.baseAddress, UInt64(bytes.count))
        }
        try BusFailure.check(code)
    }

    /// The state that was kept last with a source's link, also before this process was started; nil
    /// when there is none, or one of another length. `bus_state`.
    public func state<State: BitwiseCopyable>(of source: Source, as type: State.Type) -> State? {
        guard let calls else { return nil }
        let size = MemoryLayout<State>.size
        return withUnsafeTemporaryAllocation(
            byteCount: max(size, 1), alignment: MemoryLayout<State>.alignment
        ) { room in
            let length = calls.state(
                calls.context, source.number, room.baseAddress, UInt64(size))
            guard length == Int64(size), size > 0 else { return nil }
            return room.load(as: State.self)
        }
    }

    /// Waits for the reply to a request until its deadline; `.late` when it has passed. Each
    /// request is awaited once. `bus_await`.
    public func reply(to request: Request) throws(BusFailure) -> [UInt8] {
        guard let calls else { throw .unavailable }
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            var length: UInt64 = 0
            let code = room.withUnsafeMutableBytes { bytes in
                calls.await(
                    calls.context, request.number, bytes.baseAddress, UInt64(bytes.count), &length)
            }
            if code == POISE_BUS_TOO_LONG {
                room = [UInt8](repeating: 0, count: Int(length))
                continue
            }
            try BusFailure.check(code)
            return Array(room.prefix(Int(length)))
        }
    }

    /// Asks who gets this topic and waits for the reply.
    public func request(
        _ topic: Topic, priority: Priority = .normal, trace: Trace? = nil, _ bytes: [UInt8],
        within time: Duration
    ) throws(BusFailure) -> [UInt8] {
        var message = try reserveRequest(
            topic, bytes: bytes.count, priority: priority, trace: trace, within: time)
        message.copy(bytes.span.bytes)
        return try reply(to: try message.sendForReply())
    }

    static func nanoseconds(_ time: Duration) -> UInt64 {
        guard time > .zero else { return 0 }
        guard time.components.seconds < 1 << 33 else { return .max }
        return UInt64(time.components.seconds) * 1_000_000_000
            + UInt64(time.components.attoseconds / 1_000_000_000)
    }
}
