import PoiseLinux
import PoiseModel

/// Moves busy processes between CPUs by their masks, and compares with the bare system call.
package enum AffinityApplyBench {
    /// - Parameter threads: how many busy threads the feature has.
    package static func run(
        threads: Int, _ effort: ApplyEffort
    ) throws(BenchFailure) -> ApplyFigures {
        do throws(SystemError) {
            let usable = try ThreadSettings.cpus(of: 0)
            guard let first = usable.first, let last = usable.last, first != last else {
                throw SystemError(
                    "sched_getaffinity", on: "this process", .invalid,
                    advice: "moving needs two CPUs; see Cpus_allowed_list in /proc/self/status")
            }
            var busy: [BusyProcess] = []
            for _ in 0..<threads { busy.append(try BusyProcess()) }
            // They end with the list.
            defer { withExtendedLifetime(busy) {} }
            var runs: [ApplyRun] = []
            for _ in 0..<effort.runs {
                runs.append(try measure(busy.map(\.pid), first, last, effort.changes))
            }
            return ApplyFigures(medianOf: runs, backend: .affinity, threads: threads)
        } catch {
            throw BenchFailure("measuring failed on this machine: \(error)")
        }
    }

    private static func measure(
        _ processes: [ProcessID], _ first: Int, _ last: Int, _ changes: Int
    ) throws(SystemError) -> ApplyRun {
        let nice = try ThreadSettings.nice(of: processes[0])
        let places = [first, last].map {
            AffinityPlacement(cpus: [$0], nice: nice, scheduling: .other)
        }
        var run = ApplyRun()
        var backend = AffinityBackend()
        _ = backend.apply(places[0], replacing: nil, to: processes)
        let settled = backend.writes
        for _ in 0..<changes { _ = backend.apply(places[0], replacing: places[0], to: processes) }
        run.unchangedWrites = backend.writes - settled
        run.unchangedTurns = changes
        let before = backend.writes
        for index in 0..<changes {
            let (old, new) = (places[index % 2], places[1 - index % 2])
            run.moves.append(
                try nanoseconds { () throws(SystemError) in
                    try check(backend.apply(new, replacing: old, to: processes))
                })
        }
        run.writesPerMove = Double(backend.writes - before) / Double(changes)
        // One thread: ours goes there, the bare call goes back.
        let one = [processes[0]]
        _ = backend.apply(places[0], replacing: nil, to: one)
        for _ in 0..<changes {
            run.oneWrites.append(
                try nanoseconds { () throws(SystemError) in
                    try check(backend.apply(places[1], replacing: places[0], to: one))
                })
            run.bareWrites.append(
                try nanoseconds { () throws(SystemError) in
                    try ThreadSettings.setCPUs(places[0].cpus, of: one[0])
                })
        }
        run.sort()
        return run
    }

    private static func check(_ outcomes: [AffinityOutcome]) throws(SystemError) {
        for outcome in outcomes {
            guard case .refused(_, _, let errno, let remedy) = outcome else { continue }
            throw SystemError("apply", on: "a process of the bench", errno, advice: remedy)
        }
    }
}
