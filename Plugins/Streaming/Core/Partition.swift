import Synchronization

/// One of the parts that keys are divided into: its input is worked off in order by at most one
/// worker at a time, so any number of workers gives the same results.
final class Partition: Sendable {
    private struct Inbox {
        var items: [PartitionInput] = []
        /// Whether a worker has been asked to come.
        var isQueued = false
    }

    private let inbox = Mutex(Inbox())
    /// Held by the one worker that is at it, and by nobody else but a look at the gauges.
    private let state: Mutex<PartitionState>
    private let open = Atomic(0)

    init(rules: PartitionState.Rules) { state = Mutex(PartitionState(rules: rules)) }

    /// Windows that were open when the partition last had work.
    var openWindows: Int { open.load(ordering: .relaxed) }

    /// Puts something in; true when the caller has to ask for a worker.
    func push(_ item: PartitionInput) -> Bool {
        inbox.withLock { inbox in
            inbox.items.append(item)
            defer { inbox.isQueued = true }
            return !inbox.isQueued
        }
    }

    /// Works off what is there; true when more has come and a worker has to be asked for again.
    func run(_ give: (PartitionState.Output, Int) -> Void, done: (Work) -> Void) -> Bool {
        let items = inbox.withLock { inbox in
            let items = inbox.items
            inbox.items = []
            return items
        }
        state.withLock { state in
            var output = PartitionState.Output()
            for item in items {
                switch item {
                case .slice(let slice): state.process(slice, into: &output)
                case .watermark(let clock, let watermark):
                    state.advance(clock, to: watermark, &output)
                case .flush: state.flush(&output)
                case .detection(let detection): state.set(detection)
                }
            }
            if output.windows > 0 || output.newKeys > 0 {
                open.store(state.openWindows, ordering: .relaxed)
            }
            give(output, items.count)
        }
        for case .slice(let slice) in items where slice.work.finishSlice() { done(slice.work) }
        return inbox.withLock { inbox in
            inbox.isQueued = !inbox.items.isEmpty
            return inbox.isQueued
        }
    }
}
