import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite(.enabled(if: Here.hasTwoCPUs && Probe.isThere, "needs two CPUs and a C compiler"))
struct AffinityTests {
    /// The probe with three more threads, the last one pinned to the first of `both`.
    struct Setup {
        let probe: Running
        let both: CPUSet
        let first: CPUSet
        let second: CPUSet
        let main: ProcessID
        let free: [ProcessID]
        let pinned: ProcessID

        init() throws {
            let cpus = Array(Here.cpus.prefix(2))
            (first, second, both) = ([cpus[0]], [cpus[1]], CPUSet(cpus))
            let both = both
            probe = try Probe.start(["threads", "\(cpus[0])"]) { $0.cpus = both }
            let threads = try probe.line().split(separator: " ").compactMap { ProcessID($0) }
            try #require(threads.count == 3)
            main = probe.process.pid
            free = [main, threads[0], threads[1]]
            pinned = threads[2]
        }

        func masks(_ threads: [ProcessID]) throws -> Set<CPUSet> {
            Set(try threads.map { try ThreadSettings.cpus(of: $0) })
        }
    }

    static func placement(_ cpus: CPUSet, nice: Int = 0) -> AffinityPlacement {
        AffinityPlacement(cpus: cpus, nice: nice, scheduling: .other)
    }

    static func isOfSession(_ outcome: AffinityOutcome) -> Bool {
        switch outcome {
        case .applied(.session, _), .unchanged(.session, _), .refused(.session, _, _, _): true
        default: false
        }
    }

    @Test func allThreadsFollowAndOneThatPinnedItselfInsideStays() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let start = Self.placement(setup.both)
        _ = backend.apply(start, replacing: nil, to: [setup.main])
        #expect(backend.writes == 0)
        #expect(try setup.masks([setup.pinned]) == [setup.first])
        let tight = Self.placement(setup.second)
        let outcomes = backend.apply(tight, replacing: start, to: [setup.main])
        #expect(outcomes.contains(.applied(.cpus, count: 4)))
        #expect(try setup.masks(setup.free + [setup.pinned]) == [setup.second])
        _ = backend.apply(start, replacing: tight, to: [setup.main])
        #expect(try setup.masks(setup.free + [setup.pinned]) == [setup.both])
    }

    @Test func whatComesAfterwardsInherits() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let placement = Self.placement(setup.second, nice: 3)
        _ = backend.apply(placement, replacing: nil, to: [setup.main])
        try setup.probe.write("\n")
        let later = try setup.probe.line().split(separator: " ").compactMap { ProcessID($0) }
        try #require(later.count == 2)
        #expect(try setup.masks(later) == [setup.second])
        #expect(try later.map { try ThreadSettings.nice(of: $0) } == [3, 3])
        #expect(ProcessTree.descendants(of: setup.main) == [later[1]])
        let writes = backend.writes
        let outcomes = backend.verify(placement, [setup.main])
        #expect(backend.writes == writes)
        #expect(outcomes.contains(.unchanged(.cpus, count: 6)))
    }

    @Test func descendantsFollowToo() throws {
        let setup = try Setup()
        try setup.probe.write("\n")
        let later = try setup.probe.line().split(separator: " ").compactMap { ProcessID($0) }
        try #require(later.count == 2)
        var backend = AffinityBackend()
        _ = backend.apply(Self.placement(setup.second), replacing: nil, to: [setup.main])
        #expect(try setup.masks(later) == [setup.second])
    }

    @Test func driftIsPutBackAndCounted() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let placement = Self.placement(setup.second)
        _ = backend.apply(placement, replacing: nil, to: [setup.main])
        try ThreadSettings.setCPUs(setup.both, of: setup.free[1])
        let outcomes = backend.verify(placement, [setup.main])
        #expect(outcomes.contains(.applied(.cpus, count: 1)))
        #expect(outcomes.contains(.unchanged(.cpus, count: 3)))
        #expect(try setup.masks([setup.free[1]]) == [setup.second])
    }

    @Test func processesThatAreGoneAreNoError() throws {
        let setup = try Setup()
        setup.probe.closeInput()
        _ = try setup.probe.end()
        var backend = AffinityBackend()
        #expect(backend.apply(Self.placement(setup.both), replacing: nil, to: [setup.main]).isEmpty)
    }

    @Test func niceAndClassAndMemoryReachEveryThread() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let placement = AffinityPlacement(
            cpus: setup.both, nice: 9, scheduling: .batch, memoryMaxBytes: 512 << 20)
        let all = backend.apply(placement, replacing: nil, to: [setup.main])
        let outcomes = all.filter { !Self.isOfSession($0) }
        #expect(
            outcomes == [
                .unchanged(.cpus, count: 4), .applied(.scheduling, count: 4),
                .applied(.nice, count: 4), .applied(.memory, count: 1),
            ])
        #expect(try ThreadSettings.nice(of: setup.pinned) == 9)
        #expect(try ThreadSettings.scheduling(of: setup.pinned) == .batch)
        let limit = try ThreadSettings.limit(.dataBytes, of: setup.main)
        #expect(limit.soft == 512 << 20)
        var loose = placement
        loose.memoryMaxBytes = nil
        _ = backend.apply(loose, replacing: placement, to: [setup.main])
        #expect(try ThreadSettings.limit(.dataBytes, of: setup.main).soft == limit.hard)
    }

    @Test(.enabled(if: Here.groupsSessions, "needs a kernel that groups by session"))
    func theSessionGetsTheNiceValueToo() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let placement = Self.placement(setup.both, nice: 9)
        let first = backend.apply(placement, replacing: nil, to: [setup.main])
        #expect(first.contains(where: Self.isOfSession))
        // Others may have made the one change that an ordinary user has in 100 ms.
        let isSet = try eventually {
            _ = backend.verify(placement, [setup.main])
            return Autogroup.nice(of: setup.main) == 9
        }
        #expect(isSet)
        let writes = backend.writes
        _ = backend.verify(placement, [setup.main])
        #expect(backend.writes == writes)
    }

    @Test(.enabled(if: !Here.canLowerNice, "needs to be without CAP_SYS_NICE"))
    func aRefusedNiceValueDoesNotStopTheRest() throws {
        let setup = try Setup()
        var backend = AffinityBackend()
        let modest = Self.placement(setup.both, nice: 12)
        _ = backend.apply(modest, replacing: nil, to: [setup.main])
        let outcomes = backend.apply(
            Self.placement(setup.second), replacing: modest, to: [setup.main])
        #expect(outcomes.contains(.applied(.cpus, count: 4)))
        let isRefusal = outcomes.contains {
            guard case .refused(.nice, 4, .accessDenied, _) = $0 else { return false }
            return true
        }
        #expect(isRefusal)
    }

    @Test(.enabled(if: !Here.canRaiseLimits, "needs to be without CAP_SYS_RESOURCE"))
    func aRefusedLimitDoesNotStopTheRest() throws {
        let shell = try Running.shell("read line") {
            $0.limits = [ResourceLimit(.dataBytes, 128 << 20)]
        }
        var backend = AffinityBackend()
        let placement = AffinityPlacement(
            cpus: Here.cpus, nice: 1, scheduling: .other, memoryMaxBytes: 1 << 30)
        let outcomes = backend.apply(
            placement,
            replacing: AffinityPlacement(
                cpus: Here.cpus, nice: 0, scheduling: .other, memoryMaxBytes: 128 << 20),
            to: [shell.process.pid])
        #expect(outcomes.contains(.applied(.nice, count: 1)))
        let isRefusal = outcomes.contains {
            guard case .refused(.memory, 1, .notPermitted, _) = $0 else { return false }
            return true
        }
        #expect(isRefusal)
    }

    @Test func aFeatureThatKeepsStartingProcessesSettles() throws {
        let shell = try Running.shell("echo up; while :; do /bin/true; done")
        #expect(try shell.line() == "up")
        var backend = AffinityBackend()
        let second = try #require(Here.cpus.last)
        let placement = Self.placement([second])
        let outcomes = backend.apply(placement, replacing: nil, to: [shell.process.pid])
        let isUnsettled = outcomes.contains {
            if case .unsettled = $0 { true } else { false }
        }
        #expect(!isUnsettled)
        let writes = backend.writes
        _ = backend.verify(placement, [shell.process.pid])
        #expect(backend.writes == writes)
    }
}

@Suite struct PlacementRuleTests {
    static func placement(_ cpus: CPUSet, nice: Int = 5) -> AffinityPlacement {
        AffinityPlacement(cpus: cpus, nice: nice, scheduling: .batch, memoryMaxBytes: 100)
    }

    @Test(
        arguments: [
            // has, old, new, set
            ("0-3", nil, "0-3", nil), ("0-7", nil, "0-3", "0-3"), ("1", nil, "0-3", nil),
            ("0-1", "0-1", "0-3", "0-3"), ("0", "0-1", "0-3", nil), ("0", "0-1", "1", "1"),
            ("2-3", "0-1", "1-2", "1-2"), ("0-3", "0-3", "4-7", "4-7"), ("5", "0-3", "4-7", nil),
            ("0-3", "0-3", "0-3", nil),
        ] as [(String, String?, String, String?)])
    func aThreadThatPinnedItselfInsideIsLeftAlone(
        has: String, old: String?, new: String, set: String?
    ) throws {
        let mask = try #require(CPUSet(has))
        let before = old.flatMap { CPUSet($0) }.map { Self.placement($0) }
        let after = Self.placement(try #require(CPUSet(new)))
        let result = PlacementRule.cpus(has: mask, old: before, new: after)
        #expect(result?.description == set)
    }

    @Test(
        arguments: [
            (0, nil, 5, 5), (5, nil, 5, nil), (9, nil, 5, nil), (5, 5, 0, 0), (9, 5, 0, nil),
            (0, 5, 9, 9), (9, 9, 9, nil),
        ] as [(Int, Int?, Int, Int?)])
    func aThreadThatIsNicerIsLeftAlone(has: Int, old: Int?, new: Int, set: Int?) {
        let before = old.map { Self.placement([0], nice: $0) }
        let after = Self.placement([0], nice: new)
        #expect(PlacementRule.nice(has: has, old: before, new: after) == set)
    }

    @Test(
        arguments: [
            (.other, nil, .batch, .batch), (.idle, nil, .batch, nil),
            (.batch, .batch, .other, .other),
            (.idle, .batch, .other, nil), (.other, .other, .idle, .idle),
        ] as [(SchedulingClass, SchedulingClass?, SchedulingClass, SchedulingClass?)])
    func aThreadOfALesserClassIsLeftAlone(
        has: SchedulingClass, old: SchedulingClass?, new: SchedulingClass, set: SchedulingClass?
    ) {
        let before = old.map { AffinityPlacement(cpus: [0], nice: 0, scheduling: $0) }
        let after = AffinityPlacement(cpus: [0], nice: 0, scheduling: new)
        #expect(PlacementRule.scheduling(has: has, old: before, new: after) == set)
    }

    @Test(
        arguments: [
            (100, 0, .other), (99, 0, .other), (80, 4, .other), (50, 10, .other), (30, 13, .other),
            (29, 13, .batch), (1, 19, .batch), (0, 19, .idle), (-3, 19, .idle), (500, 0, .other),
        ] as [(Int, Int, SchedulingClass)])
    func precedenceFollowsPriority(priority: Int, nice: Int, scheduling: SchedulingClass) {
        let placement = AffinityPlacement(cpus: [0], priority: priority)
        #expect(placement.nice == nice)
        #expect(placement.scheduling == scheduling)
        #expect(SchedulingClass.forPriority(priority) == scheduling)
    }
}
