import PluginABI
import PoiseModel
import Synchronization

/// A bus without other features, for trying a plugin without `poise-host`: a test puts in what the
/// plugin receives, and sees what it sends.
///
/// ```swift
/// let bus = FakeBus(topics: ["words"])
/// let host = Host(feature: "words", stateFolder: folder, allocation: all, bus: bus) { _ in }
/// bus.deliver("words", from: "writer", Array("hello".utf8))
/// ```
public final class FakeBus: Sendable {
    /// A message that the plugin sent.
    public struct Sent: Sendable, Hashable {
        /// What it is about.
        public var topic: Bus.Topic
        /// How urgent it is.
        public var priority: Bus.Priority
        /// What is in it.
        public var bytes: [UInt8]
        /// Who caused it.
        public var trace: Bus.Trace?
        /// Whether it is the reply to a message that was delivered.
        public var isReply: Bool

        /// A message as the plugin may have sent it.
        public init(
            topic: Bus.Topic, priority: Bus.Priority, bytes: [UInt8], trace: Bus.Trace? = nil,
            isReply: Bool = false
        ) {
            self.topic = topic
            self.priority = priority
            self.bytes = bytes
            self.trace = trace
            self.isReply = isReply
        }
    }

    let core: FakeBusCore

    /// - Parameters:
    ///   - topics: those that a route takes; any other is refused as `.noRoute`. Nil: all.
    ///   - answer: gives the reply to a request; nil: there is none, and the request is late.
    public init(
        topics: [String]? = nil, answer: @escaping @Sendable (Sent) -> [UInt8]? = { _ in nil }
    ) {
        core = FakeBusCore(topics: topics.map { Set($0.map(BusTopic.number)) }, answer: answer)
    }

    /// The functions that the plugin calls.
    var calls: BusCalls? { BusCalls(core.table) }

    /// Puts in a message, which the plugin receives.
    public func deliver(
        _ topic: String, from feature: String, priority: Bus.Priority = .normal,
        wantsReply: Bool = false, _ bytes: [UInt8]
    ) {
        core.deliver(BusTopic.number(topic), feature, priority, wantsReply, bytes)
    }

    /// What the plugin has sent so far, in its order.
    public var sent: [Sent] { core.state.withLock { $0.sent } }

    /// Messages that were delivered and are not done.
    public var notDone: Int { core.state.withLock { $0.waiting.count + $0.handedOut.count } }

    /// What was received and is not done is there again, as after a crash of the plugin.
    public func crash() { core.crash() }
}

/// What stands behind the functions of a fake bus; it lives as long as the process, as a host's
/// table does.
final class FakeBusCore: Sendable {
    // tidy: allow, the bytes are written before anybody sees the message
    struct Message: @unchecked Sendable {
        var topic: UInt32
        var source: UInt32
        var priority: UInt32
        var sequence: UInt64
        var request: UInt64
        var bytes: UnsafeMutableRawBufferPointer
    }

    struct State {
        var waiting: [Message] = []
        var handedOut: [Message] = []
        var sent: [FakeBus.Sent] = []
        var staged: [FakeBus.Sent] = []
        var sources: [String] = []
        var kept: [UInt32: [UInt8]] = [:]
        var replies: [UInt64: [UInt8]] = [:]
        var sequences: [UInt64: UInt64] = [:]
        var nextRequest: UInt64 = 1
        var isWoken = false
        // tidy: allow, names are never freed, as in a real host
        nonisolated(unsafe) var names: [UnsafePointer<CChar>] = []
    }

    let state = Mutex(State())
    private let parking = Parking()
    private let topics: Set<UInt32>?
    private let answer: @Sendable (FakeBus.Sent) -> [UInt8]?

    init(topics: Set<UInt32>?, answer: @escaping @Sendable (FakeBus.Sent) -> [UInt8]?) {
        self.topics = topics
        self.answer = answer
    }

    /// A table as a host has it; never freed.
    var table: UnsafePointer<poise_host_functions> {
        let table = UnsafeMutablePointer<poise_host_functions>.allocate(capacity: 1)
        table.initialize(to: poise_host_functions())
        table.pointee.size = UInt32(MemoryLayout<poise_host_functions>.size)
        table.pointee.abi = POISE_PLUGIN_ABI
        table.pointee.context = Unmanaged.passRetained(self).toOpaque()
        table.pointee.bus_topic = { _, name in
            name.map { BusTopic.number(String(cString: $0)) } ?? 1
        }
        table.pointee.bus_reserve = { FakeBusCore.of($0).reserve($1) }
        table.pointee.bus_reserve_reply = { FakeBusCore.of($0).reserve($2, replyTo: $1) }
        table.pointee.bus_commit = { FakeBusCore.of($0).send($1, stages: false) }
        table.pointee.bus_stage = { FakeBusCore.of($0).send($1, stages: true) }
        table.pointee.bus_publish = { FakeBusCore.of($0).publish() }
        table.pointee.bus_abort = { _, message in
            message?.pointee.bytes?.deallocate()
            message?.pointee.handle = 0
        }
        table.pointee.bus_receive = { FakeBusCore.of($0).receive($1, $2) }
        table.pointee.bus_wake = { FakeBusCore.of($0).wake() }
        table.pointee.bus_done = { FakeBusCore.of($0).done { _ in true } }
        table.pointee.bus_done_with = { FakeBusCore.of($0).done($1, $2, $3) }
        table.pointee.bus_state = { FakeBusCore.of($0).copyState($1, $2, $3) }
        table.pointee.bus_await = { FakeBusCore.of($0).await($1, $2, $3, $4) }
        return UnsafePointer(table)
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> FakeBusCore {
        guard let context else { preconditionFailure("a call of the bus without its context") }
        return Unmanaged<FakeBusCore>.fromOpaque(context).takeUnretainedValue()
    }

    func deliver(
        _ topic: UInt32, _ feature: String, _ priority: Bus.Priority, _ wantsReply: Bool,
        _ bytes: [UInt8]
    ) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count, 1), alignment: 16)
        copy.copyBytes(from: bytes)
        let message = Message(
            topic: topic, source: 0, priority: priority.rawValue, sequence: 0, request: 0,
            bytes: UnsafeMutableRawBufferPointer(rebasing: copy[..<bytes.count]))
        state.withLock { state in
            var message = message
            if let known = state.sources.firstIndex(of: feature) {
                message.source = UInt32(known)
            } else {
                message.source = UInt32(state.sources.count)
                state.sources.append(feature)
                let text = feature.utf8CString
                let name = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.count)
                _ = name.initialize(from: text)
                if let start = name.baseAddress { state.names.append(UnsafePointer(start)) }
            }
            let lane = UInt64(message.source) << 8 | UInt64(message.priority)
            message.sequence = state.sequences[lane, default: 0]
            state.sequences[lane] = message.sequence + 1
            if wantsReply {
                message.request = state.nextRequest
                state.nextRequest += 1
            }
            state.waiting.append(message)
        }
        parking.wake()
    }

    func crash() {
        state.withLock { state in
            state.waiting = state.handedOut + state.waiting
            state.handedOut = []
        }
    }

    private func reserve(
        _ message: UnsafeMutablePointer<poise_outgoing>?,
        replyTo request: UnsafePointer<poise_message>? = nil
    ) -> Int32 {
        guard let message else { return POISE_BUS_WRONG }
        if let request {
            message.pointee.topic = request.pointee.topic
            message.pointee.request = request.pointee.request
        } else {
            if let topics, !topics.contains(message.pointee.topic) { return POISE_BUS_NO_ROUTE }
            if message.pointee.reply_nanoseconds > 0 {
                message.pointee.request = state.withLock { state in
                    defer { state.nextRequest += 1 }
                    return state.nextRequest
                }
            }
        }
        message.pointee.bytes = .allocate(
            byteCount: Int(max(message.pointee.length, 1)), alignment: 16)
        // Whether it is a reply.
        message.pointee.handle = request == nil ? 1 : 2
        return POISE_BUS_DONE
    }

    private func send(_ message: UnsafeMutablePointer<poise_outgoing>?, stages: Bool) -> Int32 {
        guard let message, message.pointee.handle != 0, let bytes = message.pointee.bytes
        else { return POISE_BUS_WRONG }
        let sent = FakeBus.Sent(
            topic: Bus.Topic(number: message.pointee.topic),
            priority: Bus.Priority(rawValue: message.pointee.priority) ?? .low,
            bytes: Array(
                UnsafeRawBufferPointer(start: bytes, count: Int(message.pointee.length))),
            trace: Bus.Trace(message.pointee.trace), isReply: message.pointee.handle == 2)
        bytes.deallocate()
        let isRequest = message.pointee.handle == 1 && message.pointee.request != 0
        message.pointee.handle = 0
        message.pointee.bytes = nil
        let reply = isRequest ? answer(sent) : nil
        let request = message.pointee.request
        state.withLock { state in
            if let reply { state.replies[request] = reply }
            state.staged.append(sent)
            if !stages {
                state.sent += state.staged
                state.staged = []
            }
        }
        return POISE_BUS_DONE
    }

    private func publish() {
        state.withLock { state in
            state.sent += state.staged
            state.staged = []
        }
    }

    private func wake() {
        state.withLock { $0.isWoken = true }
        parking.wake()
    }

    private func receive(
        _ message: UnsafeMutablePointer<poise_message>?, _ nanoseconds: UInt64
    ) -> Int32 {
        guard let message else { return POISE_BUS_WRONG }
        let time = Duration.nanoseconds(Int64(clamping: nanoseconds))
        let deadline = Instant.now.later(by: time)
        while true {
            let taken = state.withLock { state -> Int32? in
                let first = state.waiting.indices.min {
                    (state.waiting[$0].priority, $0) < (state.waiting[$1].priority, $1)
                }
                if let first {
                    let next = state.waiting.remove(at: first)
                    state.handedOut.append(next)
                    write(next, state, to: message)
                    return POISE_BUS_DONE
                }
                defer { state.isWoken = false }
                return state.isWoken ? POISE_BUS_NOTHING : nil
            }
            if let taken { return taken }
            guard nanoseconds > 0, parking.wait(until: deadline) || Instant.now < deadline
            else { return POISE_BUS_NOTHING }
        }
    }

    private func write(
        _ next: Message, _ state: State, to message: UnsafeMutablePointer<poise_message>
    ) {
        message.pointee.topic = next.topic
        message.pointee.priority = next.priority
        message.pointee.source = next.source
        message.pointee.bytes = UnsafeRawPointer(next.bytes.baseAddress)
        message.pointee.length = UInt64(next.bytes.count)
        message.pointee.sequence = next.sequence
        message.pointee.from = state.names[Int(next.source)]
        message.pointee.request = next.request
    }

    private func done(_ isDone: (Message) -> Bool) {
        state.withLock { state in
            for message in state.handedOut where isDone(message) {
                message.bytes.deallocate()
            }
            state.handedOut.removeAll(where: isDone)
        }
    }

    private func done(_ source: UInt32, _ kept: UnsafeRawPointer?, _ length: UInt64) -> Int32 {
        guard length <= UInt64(POISE_BUS_STATE) else { return POISE_BUS_TOO_LONG }
        let bytes = Array(UnsafeRawBufferPointer(start: kept, count: Int(length)))
        state.withLock { $0.kept[source] = bytes }
        done { $0.source == source }
        return POISE_BUS_DONE
    }

    private func copyState(
        _ source: UInt32, _ room: UnsafeMutableRawPointer?, _ capacity: UInt64
    ) -> Int64 {
        let kept = state.withLock { $0.kept[source] ?? [] }
        guard UInt64(kept.count) <= capacity else { return -1 }
        kept.withUnsafeBytes { bytes in
            guard let room, let start = bytes.baseAddress else { return }
            room.copyMemory(from: start, byteCount: bytes.count)
        }
        return Int64(kept.count)
    }

    private func await(
        _ request: UInt64, _ room: UnsafeMutableRawPointer?, _ capacity: UInt64,
        _ length: UnsafeMutablePointer<UInt64>?
    ) -> Int32 {
        guard let reply = state.withLock({ $0.replies[request] }) else { return POISE_BUS_LATE }
        length?.pointee = UInt64(reply.count)
        guard UInt64(reply.count) <= capacity else { return POISE_BUS_TOO_LONG }
        reply.withUnsafeBytes { bytes in
            guard let room, let start = bytes.baseAddress else { return }
            room.copyMemory(from: start, byteCount: bytes.count)
        }
        state.withLock { _ = $0.replies.removeValue(forKey: request) }
        return POISE_BUS_DONE
    }
}
