import PluginABI
import Synchronization

/// Waits for messages on a thread of its own, for tasks: one waits on behalf of all, and a task
/// that waits holds up no thread.
final class BusFeeder: Sendable {
    enum Outcome: Sendable {
        case message(Carried)
        case nothing
        case failure(BusFailure)
    }

    /// A message on its way from the thread to the task.
    // tidy: allow, handed on once; the bytes behind it stay until it is done
    struct Carried: @unchecked Sendable {
        let message: poise_message
    }

    private struct State {
        var waiting: [CheckedContinuation<Outcome, Never>] = []
        var hasThread = false
        var ends = false
    }

    private let calls: BusCalls
    private let state = Mutex(State())
    private let parking = Parking()

    init(_ calls: BusCalls) { self.calls = calls }

    func next() async -> Outcome {
        guard !Task.isCancelled else { return .nothing }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let starts = state.withLock { state in
                    state.waiting.append(continuation)
                    defer { state.hasThread = true }
                    return !state.hasThread
                }
                if starts, !PoolThread.start("bus", { [self] in run() }) {
                    fail()
                } else {
                    parking.wake()
                }
            }
        } onCancel: {
            calls.wake(calls.context)
        }
    }

    /// The thread ends; who still waits gets nothing.
    func end() {
        state.withLock { $0.ends = true }
        parking.wake()
        if state.withLock({ $0.hasThread }) { calls.wake(calls.context) }
    }

    private func fail() {
        let waiting = state.withLock { state in
            state.hasThread = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: .failure(.unavailable)) }
    }

    private func run() {
        while true {
            let (isWanted, ends) = state.withLock { (!$0.waiting.isEmpty, $0.ends) }
            if ends { break }
            guard isWanted else {
                parking.wait()
                continue
            }
            let outcome: Outcome
            do throws(BusFailure) {
                let message = try calls.receive(.max)
                outcome = message.map { .message(Carried(message: $0)) } ?? .nothing
            } catch {
                outcome = .failure(error)
            }
            let first = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            first?.resume(returning: outcome)
        }
        let rest = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in rest { continuation.resume(returning: .nothing) }
    }
}
