import CLinux
import Glibc
package import PoiseModel
import Synchronization

extension BusEndpoint {
    /// Why nothing could be received, or no reply had.
    package enum ReceiveFailure: Error, Sendable, Equatable {
        /// Another thread receives.
        case busy
        /// There is no such source or request.
        case unknown
        /// The reply has not come by the deadline.
        case late
        /// The link was taken away or is damaged.
        case gone
        /// Longer than what there is room for.
        case tooLong(bytes: Int)
    }

    /// The next message, the most urgent over all links first; waits until `deadline` (on
    /// `BusClock`; 0: not at all). Nil: the time is over, or somebody called `wake`.
    package func receive(until deadline: UInt64) throws(ReceiveFailure) -> ReceivedMessage? {
        let side = receiving
        guard !side.isReceiving.exchange(true, ordering: .acquiring) else { throw .busy }
        defer { side.isReceiving.store(false, ordering: .releasing) }
        takeTurn()
        defer { side.freeTurn() }
        while true {
            let seen = side.bell.pointee.load(ordering: .sequentiallyConsistent)
            if let message = side.next() { return message }
            if side.isWoken.exchange(false, ordering: .acquiringAndReleasing) { return nil }
            guard deadline > 0, BusClock.now < deadline else { return nil }
            if side.wants.load(ordering: .sequentiallyConsistent) > 0 {
                side.turn.unlock()
                usleep(20)
                side.turn.lock()
            } else {
                side.waitForSomething(until: deadline, seen)
            }
        }
    }

    private func takeTurn() {
        let side = receiving
        guard !side.turn.tryLock() else { return }
        side.wants.add(1, ordering: .sequentiallyConsistent)
        side.ring(side.bell)
        side.turn.lock()
        side.wants.subtract(1, ordering: .releasing)
    }

    /// Ends the wait of who receives, or of the next to do so.
    package func wake() {
        receiving.isWoken.store(true, ordering: .sequentiallyConsistent)
        receiving.ring(receiving.bell)
    }

    /// All messages received so far are done.
    package func done() { receiving.withTurn { receiving.done() } }

    /// All messages received from a source are done, and in the same step `state` is kept.
    package func done(
        _ source: UInt32, state: UnsafeRawBufferPointer
    ) throws(ReceiveFailure) {
        guard state.count <= RingReader.stateBytes else { throw .tooLong(bytes: state.count) }
        guard receiving.withTurn({ receiving.done(source, state: state) }) else { throw .gone }
    }

    /// Gives the state that is kept with a source's link to `body`; empty when there is none.
    package func withState<Result>(
        _ source: UInt32, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(ReceiveFailure) -> Result {
        let result = receiving.withTurn { () -> Result? in
            guard let link = receiving.link(source) else { return nil }
            if let deferred = link.deferred { return deferred.withUnsafeBytes(body) }
            return body(link.reader.state)
        }
        guard let result else { throw .unknown }
        return result
    }

    /// Messages that were dropped before this process read them, by link.
    package var missed: [(link: String, count: UInt64)] {
        receiving.withTurn { receiving.links.map { ($0.end.link, $0.reader.missed) } }
    }
}

extension BusEndpoint {
    /// Room for a request: its reply is wanted within `nanoseconds`.
    package func reserveRequest(
        _ bytes: Int, topic: UInt32, priority: BusPriority, trace: TraceContext?,
        within nanoseconds: UInt64
    ) throws(SendFailure) -> Outgoing {
        guard canBeAnswered(topic) else { throw .noWayBack }
        var context = MessageContext()
        context.trace = trace
        context.deadlineNanoseconds = BusClock.now.addingReportingOverflow(nanoseconds).partialValue
        if context.deadlineNanoseconds < nanoseconds { context.deadlineNanoseconds = .max }
        context.request = receiving.replies.open(deadline: context.deadlineNanoseconds)
        do {
            return try reserve(bytes, topic: topic, priority: priority, context: context)
        } catch {
            receiving.forget(context.request)
            throw error
        }
    }

    /// Whether a link leads back from each that may get messages of a topic. True where nobody
    /// gets them: `reserve` says so.
    private func canBeAnswered(_ topic: UInt32) -> Bool {
        let table = enter()
        defer { leave() }
        return table.groups(topic).allSatisfy { group in
            group.destinations.allSatisfy { destination in
                destination.link._withUnsafeGuaranteedRef {
                    $0.canBeAnswered.load(ordering: .relaxed)
                }
            }
        }
    }

    /// Waits for the reply to a request until its deadline, and gives it to `body`, which says
    /// whether it took it; else it stays.
    package func awaitReply<Result>(
        _ request: UInt64, _ body: ([UInt8]) throws(ReceiveFailure) -> Result
    ) throws(ReceiveFailure) -> Result {
        let side = receiving
        guard let deadline = side.replies.deadline(request) else { throw .unknown }
        side.waiters.add(1, ordering: .sequentiallyConsistent)
        defer { side.waiters.subtract(1, ordering: .relaxed) }
        while true {
            let seen = side.replyBell.pointee.load(ordering: .sequentiallyConsistent)
            if let reply = side.replies.reply(request) {
                let result = try body(reply)
                side.forget(request)
                return result
            }
            guard BusClock.now < deadline else {
                side.forget(request)
                throw .late
            }
            if side.wants.load(ordering: .sequentiallyConsistent) == 0, side.turn.tryLock() {
                lookForReplies(request, until: deadline)
                side.freeTurn()
            } else {
                side.waitForReplyBell(until: deadline, seen)
            }
        }
    }

    /// Looks for replies in all links, until this one has come or a receiver wants the turn.
    private func lookForReplies(_ request: UInt64, until deadline: UInt64) {
        let side = receiving
        while side.wants.load(ordering: .sequentiallyConsistent) == 0, BusClock.now < deadline {
            let seen = side.bell.pointee.load(ordering: .sequentiallyConsistent)
            let found = side.sortOut()
            if side.replies.reply(request) != nil { return }
            if found { continue }
            guard side.stash.count < ReceivingSide.mostStashed else {
                // Full: a receiver must come first.
                usleep(1000)
                return
            }
            side.waitForSomething(until: deadline, seen)
        }
    }
}

extension ReceivingSide {
    func forget(_ request: UInt64) { replies.forget(request) }

    func waitForReplyBell(until deadline: UInt64, _ seen: UInt32) {
        let word = poise_bus_word(
            word: UnsafeRawPointer(replyBell).assumingMemoryBound(to: UInt32.self), value: seen,
            reserved: 0)
        Sleep.sleep(on: [word], until: deadline, isSafe: true)
    }
}
