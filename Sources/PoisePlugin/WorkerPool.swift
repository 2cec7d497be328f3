import PoiseModel

/// Worker threads that follow the allocation.
///
/// One worker a whole core, pinned to it; for shared time one worker for each 1000 millicores
/// begun, which floats on the shared PUs; at least one in all. When the allocation changes, workers
/// move to the new cores at once, also in the middle of a job; workers that are too many finish the
/// job at hand on what is left and go. No job is lost.
///
/// Jobs of one lane begin in the order they were submitted. The queue has no bound of its own: who
/// submits limits it by `queued`.
public final class WorkerPool: Sendable {
    /// Which cores a job would rather run on; it takes others when those are busy.
    public enum Lane: Sendable, Hashable, CaseIterable {
        /// Somebody waits for it: performance cores first.
        case latency
        /// Efficiency cores first.
        case background
    }

    private let core: WorkerPoolCore

    /// A pool whose threads are called `name` and a number.
    public init(name: String, allocation: Allocation) {
        core = WorkerPoolCore(name: name)
        core.follow(WorkerPlace.places(for: allocation), refuge: allocation.cpus)
    }

    deinit { core.end() }

    /// Takes up a new allocation; returns when no worker may run on a PU that is gone.
    public func follow(_ allocation: Allocation) {
        core.follow(WorkerPlace.places(for: allocation), refuge: allocation.cpus)
    }

    /// Queues a job; false, and the job is not taken, after `stop`.
    @discardableResult
    public func submit(_ lane: Lane = .latency, _ job: @escaping @Sendable () -> Void) -> Bool {
        core.submit(lane, job)
    }

    /// How many workers there are to be; those that only finish their job do not count.
    public var workers: Int { core.workers }

    /// Jobs that wait.
    public var queued: Int { core.queued }

    /// Time spent in jobs since the pool was made, summed over all workers.
    public var busyTime: Duration { core.busyTime }

    /// Workers that the kernel did not let onto their PUs; they run where the process may.
    public var unpinned: Int { core.unpinned }

    /// Waits until no job waits or runs; false when the time was over first. Jobs that are
    /// submitted meanwhile are waited for as well. Not to be called from a job.
    public func drain(within time: Duration) -> Bool {
        core.drain(until: Instant.now.later(by: time))
    }

    /// Ends all workers when they have finished the job at hand, and waits for that unless called
    /// from a job. Jobs that still wait are dropped: `drain` first.
    public func stop() {
        core.end()
        core.waitForEnd()
    }
}
