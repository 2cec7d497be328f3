import Glibc
import PoiseModel
import PoiseWire
import Synchronization

/// News on their way to `poised`, from any thread.
///
/// Whoever has news sends them at once, so that a plugin's last words before a crash arrive; what
/// the socket or the budget does not take now is left to the first thread, which the doorbell
/// wakes.
///
/// What the plugin says of itself passes the budget, and of it at most `longest` pieces wait;
/// beyond that it is dropped and counted. Answers are never dropped, however long nobody reads, as
/// while `poised` is started again: there are no more of them than orders.
final class Outbox: Sendable {
    fileprivate static let longest = 256

    fileprivate struct State {
        var budget: HostChannelBudget
        var news: [HostNews] = []
        var ending: HostExit?
        /// The first thread looks in by itself before long.
        var isWatched = false
    }

    private let state: Mutex<State>
    private let channel: HostChannel
    private let doorbell: Doorbell

    init(channel: HostChannel, doorbell: Doorbell) {
        self.channel = channel
        self.doorbell = doorbell
        state = Mutex(State(budget: HostChannelBudget(now: .now)))
    }

    /// An answer to an order.
    func answer(_ news: HostNews) { change { $0.add(news) } }

    /// Lets the plugin say only so many per cent of what it usually may.
    func limit(percent: Int) {
        state.withLock { $0.budget.limit(percent: percent, now: .now) }
    }

    /// The last answer: when it is sent the process ends so.
    func end(_ news: HostNews, _ code: HostExit) {
        change { state in
            state.news.append(news)
            state.ending = code
        }
    }

    /// What the plugin says of its own accord; `make` is called only when it may go out, so that a
    /// flood costs little.
    func hear(_ kind: HostCalls.Kind, _ make: () -> HostNews) {
        var isAdmitted = true
        change { state in
            switch kind {
            case .log: isAdmitted = state.admits(.logs)
            case .event: isAdmitted = state.admits(.events)
            case .need(let need):
                state.budget.keep(need)
                isAdmitted = false
            }
        }
        if isAdmitted { answer(make()) }
    }

    /// Sends what there is room for; returns what is left for the first thread to wait for.
    func flush() -> Rest {
        state.withLock { state in
            let rest = state.send(to: channel)
            state.isWatched = rest.needsAttention
            return rest
        }
    }

    // Rings once until the first thread has looked, so that a flood does not keep it awake.
    private func change(_ body: (inout State) -> Void) {
        let rings = state.withLock { state in
            body(&state)
            let rest = state.send(to: channel)
            defer { state.isWatched = state.isWatched || rest.needsAttention }
            return rest.ending != nil || (rest.needsAttention && !state.isWatched)
        }
        if rings { doorbell.ring() }
    }

    struct Rest {
        /// Something waits until the socket takes more.
        var needsRoom: Bool
        /// Something waits for its share of a second.
        var needsTime: Bool
        /// How the process ends when nothing is left to send.
        var ending: HostExit?

        var needsAttention: Bool { needsRoom || needsTime || ending != nil }
    }
}

extension Outbox.State {
    fileprivate mutating func admits(_ kind: TrafficClass) -> Bool {
        guard budget.admits(kind, now: .now) else { return false }
        if news.count >= Outbox.longest { budget.dropPassed(kind) }
        return news.count < Outbox.longest
    }

    /// An answer to a question takes the place of an older one that still waits; what the daemon
    /// must learn (`applied`, `failed`, `stopped`, …) waits in its order for as long as it takes.
    fileprivate mutating func add(_ answer: HostNews) {
        let kind = TrafficClass(answer)
        if kind == .reports || kind == .health {
            guard budget.admits(kind, now: .now) else { return }
            news.removeAll { TrafficClass($0) == kind }
        }
        news.append(answer)
    }

    // Needs and counts of what was dropped stay with the budget until there is room: there the
    // newest is kept, and in the queue they would grow without end while nobody reads.
    fileprivate mutating func send(to channel: HostChannel) -> Outbox.Rest {
        sendQueue(to: channel)
        if news.isEmpty, ending == nil {
            let now = Instant.now
            news = budget.takeNeeds(now: now).map {
                .need(
                    $0.coreClass, millicores: $0.millicores, milliseconds: $0.milliseconds,
                    signalled: $0.signalled)
            }
            if let dropped = budget.takeDropped(now: now) { news.append(dropped) }
            sendQueue(to: channel)
        }
        return Outbox.Rest(
            needsRoom: !news.isEmpty, needsTime: news.isEmpty && budget.isWaiting, ending: ending)
    }

    private mutating func sendQueue(to channel: HostChannel) {
        news.removeFirst(news.prefix { channel.send($0) }.count)
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
