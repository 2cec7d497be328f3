import PluginABI
import PoiseBus
import PoiseModel

/// The functions of the bus in the table that a plugin calls its host by. What the plugin hands
/// over is checked; what it may not do gives it a number and harms nobody.
enum BusCalls {
    private static let longest = UInt64(1) << 40

    static func fill(_ table: inout poise_host_functions) {
        table.bus_topic = { _, name in
            name.map { BusTopic.number(BorderText.read($0, longest: 256)) } ?? 1
        }
        table.bus_reserve = { BusCalls.reserve($0, $1) }
        table.bus_reserve_reply = { BusCalls.reserveReply($0, $1, $2) }
        table.bus_commit = { context, message in
            BusCalls.finish(context, message) { $0.commit($1) }
        }
        table.bus_stage = { context, message in
            BusCalls.finish(context, message) { $0.stage($1) }
        }
        table.bus_publish = { HostCalls.bus($0)?.publish() }
        table.bus_abort = { context, message in
            _ = BusCalls.finish(context, message) { $0.abort($1) }
        }
        table.bus_receive = { BusCalls.receive($0, $1, $2) }
        table.bus_wake = { HostCalls.bus($0)?.wake() }
        table.bus_done = { HostCalls.bus($0)?.done() }
        table.bus_done_with = { BusCalls.done($0, $1, $2, $3) }
        table.bus_state = { BusCalls.state($0, $1, $2, $3) }
        table.bus_await = { BusCalls.await($0, $1, $2, $3, $4) }
    }

    private static func reserve(
        _ context: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<poise_outgoing>?
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), let message, isSound(message),
            let priority = BusPriority(rawValue: Int(message.pointee.priority))
        else { return POISE_BUS_WRONG }
        message.pointee.handle = 0
        let bytes = Int(message.pointee.length)
        let trace = TraceContext(border: message.pointee.trace)
        do throws(SendFailure) {
            let time = message.pointee.reply_nanoseconds
            if time > 0 {
                fill(
                    message,
                    try bus.reserveRequest(
                        bytes, topic: message.pointee.topic, priority: priority, trace: trace,
                        within: time))
            } else {
                var carried: MessageContext?
                if let trace {
                    carried = MessageContext()
                    carried?.trace = trace
                }
                fill(
                    message,
                    try bus.reserve(
                        bytes, topic: message.pointee.topic, priority: priority, context: carried))
            }
            return POISE_BUS_DONE
        } catch {
            return code(error)
        }
    }

    private static func reserveReply(
        _ context: UnsafeMutableRawPointer?, _ request: UnsafePointer<poise_message>?,
        _ message: UnsafeMutablePointer<poise_outgoing>?
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), let request, let message, isSound(message),
            request.pointee.request != 0,
            let priority = BusPriority(rawValue: Int(message.pointee.priority))
        else { return POISE_BUS_WRONG }
        message.pointee.handle = 0
        message.pointee.topic = request.pointee.topic
        do throws(SendFailure) {
            fill(
                message,
                try bus.reserveReply(
                    Int(message.pointee.length), to: request.pointee.source,
                    request: request.pointee.request,
                    deadline: request.pointee.deadline_nanoseconds, topic: request.pointee.topic,
                    priority: priority, trace: TraceContext(border: message.pointee.trace)))
            return POISE_BUS_DONE
        } catch {
            return code(error)
        }
    }

    private static func isSound(_ message: UnsafeMutablePointer<poise_outgoing>) -> Bool {
        Int(message.pointee.size) >= MemoryLayout<poise_outgoing>.size
            && message.pointee.length <= longest
    }

    private static func fill(
        _ message: UnsafeMutablePointer<poise_outgoing>, _ outgoing: BusEndpoint.Outgoing
    ) {
        message.pointee.bytes = outgoing.bytes.baseAddress
        message.pointee.request = outgoing.request
        message.pointee.handle = UInt64(outgoing.handle)
    }

    private static func finish(
        _ context: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<poise_outgoing>?,
        _ body: (BusEndpoint, UInt) -> Void
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), let message, message.pointee.handle != 0
        else { return POISE_BUS_WRONG }
        let handle = UInt(message.pointee.handle)
        // A second commit of the same message is refused.
        message.pointee.handle = 0
        message.pointee.bytes = nil
        body(bus, handle)
        return POISE_BUS_DONE
    }

    private static func receive(
        _ context: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<poise_message>?,
        _ nanoseconds: UInt64
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), let message,
            Int(message.pointee.size) >= MemoryLayout<poise_message>.size
        else { return POISE_BUS_WRONG }
        do throws(BusEndpoint.ReceiveFailure) {
            let deadline = nanoseconds == 0 ? 0 : later(nanoseconds)
            guard let received = try bus.receive(until: deadline) else { return POISE_BUS_NOTHING }
            write(received, to: message)
            return POISE_BUS_DONE
        } catch {
            return code(error)
        }
    }

    private static func later(_ nanoseconds: UInt64) -> UInt64 {
        let (sum, overflows) = BusClock.now.addingReportingOverflow(nanoseconds)
        return overflows ? .max : sum
    }

    private static func write(
        _ received: ReceivedMessage, to message: UnsafeMutablePointer<poise_message>
    ) {
        message.pointee.topic = received.message.topic
        message.pointee.priority = UInt32(received.message.priority.rawValue)
        message.pointee.source = received.source
        message.pointee.bytes = received.message.payload.baseAddress
        message.pointee.length = UInt64(received.message.payload.count)
        message.pointee.sequence = received.message.sequence
        message.pointee.from = received.from
        message.pointee.trace = poise_trace(received.message.context?.trace)
        message.pointee.request = received.message.context?.request ?? 0
        message.pointee.deadline_nanoseconds = received.message.context?.deadlineNanoseconds ?? 0
        message.pointee.sent_nanoseconds = received.message.sentNanoseconds ?? 0
    }

    private static func done(
        _ context: UnsafeMutableRawPointer?, _ source: UInt32, _ state: UnsafeRawPointer?,
        _ length: UInt64
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), state != nil || length == 0
        else { return POISE_BUS_WRONG }
        guard length <= UInt64(POISE_BUS_STATE) else { return POISE_BUS_TOO_LONG }
        do throws(BusEndpoint.ReceiveFailure) {
            try bus.done(
                source, state: UnsafeRawBufferPointer(start: state, count: Int(length)))
            return POISE_BUS_DONE
        } catch {
            return code(error)
        }
    }

    private static func state(
        _ context: UnsafeMutableRawPointer?, _ source: UInt32, _ room: UnsafeMutableRawPointer?,
        _ capacity: UInt64
    ) -> Int64 {
        guard let bus = HostCalls.bus(context) else { return -1 }
        do throws(BusEndpoint.ReceiveFailure) {
            return try bus.withState(source) { state in
                guard UInt64(state.count) <= capacity else { return -1 }
                if let room, let base = state.baseAddress {
                    room.copyMemory(from: base, byteCount: state.count)
                }
                return Int64(state.count)
            }
        } catch {
            return -1
        }
    }

    private static func `await`(
        _ context: UnsafeMutableRawPointer?, _ request: UInt64, _ room: UnsafeMutableRawPointer?,
        _ capacity: UInt64, _ length: UnsafeMutablePointer<UInt64>?
    ) -> Int32 {
        guard let bus = HostCalls.bus(context), let length, room != nil || capacity == 0
        else { return POISE_BUS_WRONG }
        do throws(BusEndpoint.ReceiveFailure) {
            try bus.awaitReply(request) { (reply) throws(BusEndpoint.ReceiveFailure) in
                length.pointee = UInt64(reply.count)
                guard UInt64(reply.count) <= capacity else {
                    throw .tooLong(bytes: reply.count)
                }
                reply.withUnsafeBytes { bytes in
                    guard let room, let base = bytes.baseAddress else { return }
                    room.copyMemory(from: base, byteCount: bytes.count)
                }
            }
            return POISE_BUS_DONE
        } catch {
            return code(error)
        }
    }

    private static func code(_ failure: SendFailure) -> Int32 {
        switch failure {
        case .noRoute: POISE_BUS_NO_ROUTE
        case .full: POISE_BUS_FULL
        case .dropped: POISE_BUS_DROPPED
        case .tooLong: POISE_BUS_TOO_LONG
        case .busy: POISE_BUS_BUSY
        case .noWayBack: POISE_BUS_NO_WAY_BACK
        case .gone: POISE_BUS_GONE
        case .late: POISE_BUS_LATE
        }
    }

    private static func code(_ failure: BusEndpoint.ReceiveFailure) -> Int32 {
        switch failure {
        case .busy: POISE_BUS_BUSY
        case .unknown: POISE_BUS_WRONG
        case .late: POISE_BUS_LATE
        case .gone: POISE_BUS_GONE
        case .tooLong: POISE_BUS_TOO_LONG
        }
    }
}

extension TraceContext {
    /// Nil when all of it is 0.
    fileprivate init?(border trace: poise_trace) {
        guard trace.trace_high | trace.trace_low | trace.span != 0 else { return nil }
        self.init(
            traceHigh: trace.trace_high, traceLow: trace.trace_low, span: trace.span,
            flags: UInt8(truncatingIfNeeded: trace.flags))
    }
}

extension poise_trace {
    fileprivate init(_ trace: TraceContext?) {
        self.init()
        guard let trace else { return }
        trace_high = trace.trace.high
        trace_low = trace.trace.low
        span = trace.span
        flags = UInt32(trace.flags)
    }
}
