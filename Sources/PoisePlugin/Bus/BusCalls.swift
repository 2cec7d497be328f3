import PluginABI

/// The functions of the bus in a host's table; there only when the host has all of them.
// tidy: allow, the host keeps its table for the life of the process, for any thread
struct BusCalls: @unchecked Sendable {
    typealias Context = UnsafeMutableRawPointer?
    typealias Outgoing = UnsafeMutablePointer<poise_outgoing>?
    typealias Incoming = UnsafeMutablePointer<poise_message>?

    let context: Context
    let reserve: @convention(c) (Context, Outgoing) -> Int32
    let reserveReply: @convention(c) (Context, UnsafePointer<poise_message>?, Outgoing) -> Int32
    let commit: @convention(c) (Context, Outgoing) -> Int32
    let stage: @convention(c) (Context, Outgoing) -> Int32
    let publish: @convention(c) (Context) -> Void
    let abort: @convention(c) (Context, Outgoing) -> Void
    let wake: @convention(c) (Context) -> Void
    let done: @convention(c) (Context) -> Void
    let doneWith: @convention(c) (Context, UInt32, UnsafeRawPointer?, UInt64) -> Int32
    let state: @convention(c) (Context, UInt32, UnsafeMutableRawPointer?, UInt64) -> Int64
    let await:
        @convention(c) (
            Context, UInt64, UnsafeMutableRawPointer?, UInt64, UnsafeMutablePointer<UInt64>?
        ) -> Int32
    private let receive: @convention(c) (Context, Incoming, UInt64) -> Int32

    /// Nil: the host is older than the bus.
    init?(_ table: UnsafePointer<poise_host_functions>) {
        guard
            let end = MemoryLayout<poise_host_functions>.offset(of: \.bus_await),
            Int(table.pointee.size) >= end + MemoryLayout<UInt>.size,
            let reserve = table.pointee.bus_reserve,
            let reserveReply = table.pointee.bus_reserve_reply,
            let commit = table.pointee.bus_commit, let stage = table.pointee.bus_stage,
            let publish = table.pointee.bus_publish, let abort = table.pointee.bus_abort,
            let receive = table.pointee.bus_receive, let wake = table.pointee.bus_wake,
            let done = table.pointee.bus_done, let doneWith = table.pointee.bus_done_with,
            let state = table.pointee.bus_state, let awaits = table.pointee.bus_await
        else { return nil }
        context = table.pointee.context
        self.reserve = reserve
        self.reserveReply = reserveReply
        self.commit = commit
        self.stage = stage
        self.publish = publish
        self.abort = abort
        self.receive = receive
        self.wake = wake
        self.done = done
        self.doneWith = doneWith
        self.state = state
        self.await = awaits
    }

    /// The next message; nil when none comes in time.
    func receive(_ nanoseconds: UInt64) throws(BusFailure) -> poise_message? {
        var message = poise_message()
        message.size = UInt32(MemoryLayout<poise_message>.size)
        let code = receive(context, &message, nanoseconds)
        if code == POISE_BUS_NOTHING { return nil }
        try BusFailure.check(code)
        return message
    }
}
