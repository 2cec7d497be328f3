import Glibc
import PoisePlugin
import PoiseTestSupport
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    private func allocation(exclusive: CPUSet = [], shared: CPUSet = [], millicores: Int = 0)
        -> Allocation
    {
        var allocation = Allocation()
        allocation.exclusive = exclusive
        allocation.shared = shared
        allocation.knownCores = exclusive.map { .init([$0], .performance) }
        allocation.millicores.performance = millicores
        return allocation
    }

    /// The PUs that this process may use, from `/proc/self/status`.
    private func ownCPUs() throws -> CPUSet {
        try cpus(of: "/proc/self/status")
    }

    private func cpus(of status: String) throws -> CPUSet {
        let text = try Programs.text(of: status)
        let line = try #require(
            text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") })
        return try #require(CPUSet(line.drop { $0 != "\t" }.dropFirst()))
    }

    @Test(arguments: [
        ("0-2", "", 3000, 3), ("", "0-3", 1500, 2), ("", "0-3", 1, 1), ("", "0", 5000, 1),
        ("0-1", "4-5", 2001, 3), ("0-1", "4-5", 2000, 2), ("", "", 0, 1),
    ])
    func aWorkerACoreAndOneForEachSharedCoreBegun(
        exclusive: String, shared: String, millicores: Int, workers: Int
    ) throws {
        let exclusive = try #require(CPUSet(exclusive))
        let shared = try #require(CPUSet(shared))
        let pool = WorkerPool(
            name: "count",
            allocation: allocation(exclusive: exclusive, shared: shared, millicores: millicores))
        #expect(pool.workers == workers)
        pool.stop()
    }

    @Test(arguments: Array(UInt64(0)..<4))
    func noJobIsLostWhileThePoolGrowsAndShrinks(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pool = WorkerPool(name: "churn", allocation: allocation(shared: [0], millicores: 1))
        let done = Atomic<Int>(0)
        let count = Counter()
        for round in 0..<200 {
            let width = Int.random(in: 0...12, using: &random)
            let own = CPUSet(0..<Int.random(in: 0...4, using: &random))
            pool.follow(
                allocation(
                    exclusive: own, shared: CPUSet(4..<(4 + width)), millicores: width * 1000))
            for _ in 0..<50 {
                pool.submit(round % 2 == 0 ? .latency : .background) { count.add() }
            }
            done.add(50, ordering: .relaxed)
        }
        #expect(pool.drain(within: .seconds(60)))
        #expect(count.value == done.load(ordering: .relaxed))
        #expect(pool.queued == 0)
        pool.stop()
    }

    @Test func pinnedWorkersSitOnTheirCores() throws {
        let own = try ownCPUs()
        let pool = WorkerPool(name: "pinned", allocation: allocation(exclusive: own))
        let seen = try masks(of: pool, count: own.count)
        #expect(seen == Set(own.map { CPUSet([$0]) }))
        #expect(pool.unpinned == 0)
        // Given up: nobody may stay where it was, though all workers are in the middle of a job.
        let first = CPUSet([try #require(own.first)])
        pool.follow(allocation(exclusive: first))
        #expect(pool.workers == 1)
        #expect(try masks(of: pool, count: 1) == [first])
        pool.stop()
    }

    /// The masks of the threads that run `count` jobs at once.
    private func masks(of pool: WorkerPool, count: Int) throws -> Set<CPUSet> {
        let texts = Mutex<[String]>([])
        let arrived = Counter()
        for _ in 0..<count {
            pool.submit {
                arrived.add()
                while arrived.value < count { sched_yield() }
                let text = (try? Programs.text(of: "/proc/thread-self/status")) ?? ""
                texts.withLock { $0.append(text) }
            }
        }
        #expect(pool.drain(within: .seconds(60)))
        return Set(
            texts.withLock { $0 }.compactMap { text in
                text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") }
                    .flatMap { CPUSet($0.drop { $0 != "\t" }.dropFirst()) }
            })
    }

    @Test func aWorkerInTheMiddleOfAJobLeavesAPUThatIsGone() throws {
        let own = try ownCPUs()
        let pool = WorkerPool(name: "moved", allocation: allocation(exclusive: own))
        let gate = Counter()
        let begun = Counter()
        let status = Mutex<[String]>([])
        for _ in own {
            pool.submit {
                begun.add()
                while gate.value == 0 { sched_yield() }
                let text = (try? Programs.text(of: "/proc/thread-self/status")) ?? ""
                status.withLock { $0.append(text) }
            }
        }
        while begun.value < own.count { sched_yield() }
        let first = CPUSet([try #require(own.first)])
        pool.follow(allocation(exclusive: first))
        gate.add()
        #expect(pool.drain(within: .seconds(60)))
        let lines = status.withLock { $0 }.compactMap { text in
            text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") }
        }
        #expect(lines.count == own.count)
        #expect(lines.allSatisfy { $0.hasSuffix("\t\(first)") })
        pool.stop()
    }

    @Test func latencyGoesFirstOnPerformanceCoresAndBackgroundOnEfficiencyCores() {
        for (coreClass, order) in [
            (CoreClass.performance, ["latency", "background"]),
            (.efficiency, ["background", "latency"]),
        ] {
            var given = allocation(exclusive: [0])
            given.knownCores = [.init([0], coreClass)]
            let pool = WorkerPool(name: "lanes", allocation: given)
            let gate = Counter()
            let seen = Mutex<[String]>([])
            pool.submit { while gate.value == 0 { sched_yield() } }
            pool.submit(.background) { seen.withLock { $0.append("background") } }
            pool.submit(.latency) { seen.withLock { $0.append("latency") } }
            gate.add()
            #expect(pool.drain(within: .seconds(60)))
            #expect(seen.withLock { $0 } == order)
            pool.stop()
        }
    }

    @Test func aDrainThatTakesTooLongSaysSo() {
        let pool = WorkerPool(name: "late", allocation: Allocation())
        let gate = Counter()
        pool.submit { while gate.value == 0 { sched_yield() } }
        #expect(!pool.drain(within: .milliseconds(1)))
        gate.add()
        #expect(pool.drain(within: .seconds(1 << 40)))
        #expect(pool.busyTime > .zero)
        pool.stop()
    }

    @Test func aStoppedPoolTakesNoJobsAndHasNoThreads() {
        let pool = WorkerPool(name: "over", allocation: allocation(exclusive: [0, 1]))
        pool.stop()
        #expect(!pool.submit {})
        #expect(pool.workers == 0)
        pool.stop()
        pool.follow(allocation(exclusive: [0]))
        #expect(pool.workers == 0)
        #expect(pool.drain(within: .zero))
    }

    @Test func aJobMaySubmitResizeAndStop() {
        let pool = WorkerPool(name: "inner", allocation: Allocation())
        let count = Counter()
        let grown = allocation(exclusive: [0, 1])
        pool.submit { [pool] in
            pool.follow(grown)
            for _ in 0..<10 { pool.submit { count.add() } }
        }
        #expect(pool.drain(within: .seconds(60)))
        #expect(count.value == 10)
        let stopped = Counter()
        pool.submit { [pool] in
            pool.stop()
            stopped.add()
        }
        while stopped.value == 0 { sched_yield() }
        #expect(!pool.submit {})
    }
}

/// A count that jobs add to.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .acquiring) }

    func add() { count.add(1, ordering: .acquiringAndReleasing) }
}
