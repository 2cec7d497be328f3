import CLinux
import PoiseModel
import Synchronization

/// The state and the threads of a pool. Threads hold this and not the pool, so that a pool that
/// nobody holds any more ends its threads.
///
/// A worker is idle (on the list, parked), or running a job, or leaving (runs its last job). Every
/// change is made under the one lock; a job runs outside of it.
final class WorkerPoolCore: Sendable {
    typealias Job = @Sendable () -> Void

    /// One thread, and where it waits.
    final class Worker: Sendable {
        let parking = Parking()
        let number: Int

        init(number: Int) { self.number = number }
    }

    /// What the pool knows of one worker.
    struct Post {
        let worker: Worker
        var place: WorkerPlace
        /// Its number in the kernel; 0 until it runs.
        var thread: Int32 = 0
        var isPinned = true
        var isLeaving = false
        /// When its job began; nil when it has none.
        var busySince: Instant?
    }

    struct State {
        var posts: [Int: Post] = [:]
        /// Numbers of the workers that wait for a job, the one that came last at the end.
        var idle: [Int] = []
        var latency = JobQueue()
        var background = JobQueue()
        var spent = 0
        var nextNumber = 0
        var refuge = CPUSet()
        var hasEnded = false
        var waiting: [Parking] = []

        var staying: [Post] { posts.values.filter { !$0.isLeaving } }
        var isQuiet: Bool {
            latency.isEmpty && background.isEmpty && posts.values.allSatisfy { $0.busySince == nil }
        }
    }

    private let name: String
    private let state = Mutex(State())

    init(name: String) { self.name = name }

    var workers: Int { state.withLock { $0.staying.count } }
    var queued: Int { state.withLock { $0.latency.count + $0.background.count } }
    var unpinned: Int { state.withLock { $0.staying.count { !$0.isPinned } } }

    var busyTime: Duration {
        state.withLock { state in
            let now = Instant.now
            let running = state.posts.values.compactMap { $0.busySince }
            return running.reduce(.nanoseconds(state.spent)) { $0 + (now - $1) }
        }
    }

    func submit(_ lane: WorkerPool.Lane, _ job: @escaping Job) -> Bool {
        let (isTaken, idle, new) = state.withLock { state -> (Bool, Worker?, Worker?) in
            guard !state.hasEnded else { return (false, nil, nil) }
            switch lane {
            case .latency: state.latency.append(job)
            case .background: state.background.append(job)
            }
            return (true, state.takeIdle(for: lane), state.hireOneWhenThereIsNone())
        }
        idle?.parking.wake()
        if let new { start(new) }
        return isTaken
    }

    func follow(_ places: [WorkerPlace], refuge: CPUSet) {
        let (woken, new) = state.withLock { state -> ([Worker], [Worker]) in
            guard !state.hasEnded else { return ([], []) }
            state.refuge = refuge
            return state.settle(places)
        }
        for worker in woken { worker.parking.wake() }
        for worker in new { start(worker) }
    }

    func drain(until deadline: Instant) -> Bool {
        let parking = Parking()
        while true {
            let isQuiet = state.withLock { state in
                if !state.isQuiet { state.waiting.append(parking) }
                return state.isQuiet
            }
            if isQuiet { return true }
            guard parking.wait(until: deadline) else {
                return state.withLock { state in
                    state.waiting.removeAll { $0 === parking }
                    return state.isQuiet
                }
            }
        }
    }

    /// Lets all workers go; those without a job at once.
    func end() {
        // The jobs are let go outside of the lock: what they hold may call the pool as it ends.
        let (woken, dropped) = state.withLock { state -> ([Worker], [JobQueue]) in
            state.hasEnded = true
            let dropped = [state.latency, state.background]
            state.latency = JobQueue()
            state.background = JobQueue()
            for number in state.posts.keys { state.posts[number]?.isLeaving = true }
            let woken = state.idle.compactMap { state.posts[$0]?.worker }
            state.idle = []
            state.wakeWaiting()
            return (woken, dropped)
        }
        for worker in woken { worker.parking.wake() }
        withExtendedLifetime(dropped) {}
    }

    /// Waits until all workers are gone, unless the caller is one.
    func waitForEnd() {
        let parking = Parking()
        let me = poise_thread_number()
        while true {
            let isOver = state.withLock { state in
                if state.posts.values.contains(where: { $0.thread == me }) { return true }
                if !state.posts.isEmpty { state.waiting.append(parking) }
                return state.posts.isEmpty
            }
            if isOver { return }
            parking.wait()
        }
    }

    private func start(_ worker: Worker) {
        let started = PoolThread.start("\(name)-\(worker.number)") { [self] in run(worker) }
        guard !started else { return }
        // Without threads to be had the others do the work; without any, `submit` tries again.
        state.withLock { state in
            state.posts[worker.number] = nil
            state.wakeWaiting()
        }
    }

    private func run(_ worker: Worker) {
        state.withLock { $0.arrive(worker.number, thread: poise_thread_number()) }
        while true {
            let next = state.withLock { $0.next(for: worker.number) }
            switch next {
            case .run(let job):
                job()
                state.withLock { $0.finish(worker.number) }
            case .wait: worker.parking.wait()
            case .leave: return
            }
        }
    }
}

/// Jobs in the order they came.
struct JobQueue {
    private var jobs: [WorkerPoolCore.Job?] = []
    private var head = 0

    var count: Int { jobs.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ job: @escaping WorkerPoolCore.Job) { jobs.append(job) }

    mutating func takeFirst() -> WorkerPoolCore.Job? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        jobs[head] = nil
        head += 1
        // Moving the rest forward when half of the room is empty costs one move a job in all.
        if head * 2 > jobs.count {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}
