import PoiseModel

/// This process's memory for messages that are too long for a ring; any thread may use it that has
/// its lock.
// tidy: allow, the lock guards the writer
final class SendingArena: @unchecked Sendable {
    let lock = LinkLock()
    private var writer: ArenaWriter

    init(memory: consuming BusMemory, descriptor: Int32) {
        writer = ArenaWriter(memory: memory, descriptor: descriptor)
    }

    /// Room for a message; nil when there is none now. `taken` says how far a link's receiver is.
    func reserve(
        _ bytes: Int, _ taken: (_ link: Int, _ lane: Int) -> UInt64?
    ) throws(BusError) -> (ArenaReference, UnsafeMutableRawBufferPointer)? {
        lock.lock()
        defer { lock.unlock() }
        if let room = try writer.reserve(bytes) { return room }
        writer.collect(taken)
        return try writer.reserve(bytes)
    }

    /// The message was not sent.
    func release(_ reference: ArenaReference) {
        lock.lock()
        defer { lock.unlock() }
        writer.release(reference)
    }

    /// A record holds a block; with the lock.
    func hold(_ reference: ArenaReference, _ hold: ArenaWriter.Hold) {
        writer.hold(reference, hold)
    }

    /// What lay in a link before this process wrote to it.
    func hold(_ found: [(ArenaReference, lane: Int, end: UInt64)], link: Int) {
        lock.lock()
        defer { lock.unlock() }
        for (reference, lane, end) in found {
            writer.hold(reference, ArenaWriter.Hold(link: link, lane: lane, end: end))
        }
    }

    /// A link is gone: nobody reads what it held.
    func forget(link: Int) {
        lock.lock()
        defer { lock.unlock() }
        writer.forget(link: link)
    }
}
