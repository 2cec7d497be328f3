import Glibc
import PoiseModel
import PoiseWire
import Synchronization

/// News on their way to `poised`, from any thread; the first thread sends them.
///
/// What the plugin says of itself passes the budget, and of it at most `longest` pieces wait;
/// beyond that it is dropped and counted. Answers are never dropped: there are no more of them than
/// orders.
final class Outbox: Sendable {
    private static let longest = 256

    private struct State {
        var budget: HostChannelBudget
        var news: [HostNews] = []
        var ending: HostExit?
    }

    private let state: Mutex<State>
    private let doorbell: Doorbell

    init(doorbell: Doorbell) {
        self.doorbell = doorbell
        state = Mutex(State(budget: HostChannelBudget(now: .now)))
    }

    /// An answer to an order.
    func answer(_ news: HostNews) {
        state.withLock { $0.news.append(news) }
        doorbell.ring()
    }

    /// The last answer: when it is sent the process ends so.
    func end(_ news: HostNews, _ code: HostExit) {
        state.withLock { state in
            state.news.append(news)
            state.ending = code
        }
        doorbell.ring()
    }

    /// What the plugin says of its own accord.
    func hear(_ news: HostNews) {
        let isTaken = state.withLock { state in
            let hasRoom = state.news.count < Outbox.longest
            switch news {
            case .need(let coreClass, let millicores, let milliseconds):
                state.budget.keep(
                    .init(
                        coreClass: coreClass, millicores: millicores, milliseconds: milliseconds))
                return true
            case .event:
                guard state.budget.mayTellEvent(now: .now) else { return false }
                guard hasRoom else {
                    state.budget.dropEvent()
                    return false
                }
            default:
                guard state.budget.mayLog(now: .now) else { return false }
                guard hasRoom else {
                    state.budget.dropLog()
                    return false
                }
            }
            state.news.append(news)
            return true
        }
        if isTaken { doorbell.ring() }
    }

    /// Sends what there is room for; returns what is left to wait for.
    func flush(to channel: HostChannel) -> Rest {
        state.withLock { state in
            let now = Instant.now
            for need in state.budget.takeNeeds(now: now) {
                state.news.append(
                    .need(
                        need.coreClass, millicores: need.millicores,
                        milliseconds: need.milliseconds))
            }
            if let dropped = state.budget.takeDropped(now: now) { state.news.append(dropped) }
            let sent = state.news.prefix { channel.send($0) }.count
            state.news.removeFirst(sent)
            return Rest(
                needsRoom: !state.news.isEmpty, needsTime: state.budget.isWaiting,
                ending: state.ending)
        }
    }

    struct Rest {
        /// Something waits until the socket takes more.
        var needsRoom: Bool
        /// Something waits for its share of a second.
        var needsTime: Bool
        /// How the process ends when nothing is left to send.
        var ending: HostExit?
    }
}

extension Instant {
    /// This moment on the monotonic clock. `clock_gettime(2)`.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }
}
