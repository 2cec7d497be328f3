import Glibc
import PoiseModel
import Synchronization

/// Requests of this process that were sent, and the replies that came.
final class ReplyBook: Sendable {
    private struct Slot {
        var deadline: UInt64
        var reply: [UInt8]?
    }

    private struct State {
        var slots: [UInt64: Slot] = [:]
        var next: UInt64
        var late = 0
    }

    /// Requests whose reply nobody awaited are forgotten when there are so many.
    private static let most = 1024
    private let state: Mutex<State>

    /// Numbers begin anew in each process, at another place: a reply to an earlier one means
    /// nothing to this.
    init() { state = Mutex(State(next: BusClock.now << 16 | 1)) }

    /// A new request, whose reply counts until the deadline.
    func open(deadline: UInt64) -> UInt64 {
        state.withLock { state in
            if state.slots.count >= ReplyBook.most {
                let now = BusClock.now
                state.slots = state.slots.filter { $0.value.deadline > now }
            }
            state.next &+= 1
            state.slots[state.next] = Slot(deadline: deadline)
            return state.next
        }
    }

    func forget(_ request: UInt64) { state.withLock { _ = $0.slots.removeValue(forKey: request) } }

    /// Keeps a reply for who awaits it; the first counts.
    func take(_ message: BusMessage) {
        guard let request = message.context?.request else { return }
        state.withLock { state in
            guard state.slots[request] != nil else {
                state.late += 1
                return
            }
            if state.slots[request]?.reply == nil {
                state.slots[request]?.reply = Array(message.payload)
            }
        }
    }

    /// Replies that nobody waited for any more.
    var late: Int { state.withLock { $0.late } }

    /// Until when a reply counts; nil: there is no such request.
    func deadline(_ request: UInt64) -> UInt64? {
        state.withLock { $0.slots[request]?.deadline }
    }

    /// The reply, when it has come; it stays until it is forgotten.
    func reply(_ request: UInt64) -> [UInt8]? { state.withLock { $0.slots[request]?.reply } }
}
