import Glibc
package import PoiseModel

/// Reads what the processes of one feature use; hold one for as long as the feature lives.
package struct FeatureSampler: Sendable {
    private var time = CPUTimeAccumulator()
    private var last: (cpuTime: Duration, at: Instant)?

    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))
    private static let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))

    package init() {}

    /// Reads all processes of `roots` and below them.
    ///
    /// A process that was orphaned stays counted as long as it is given as a root. All is nil when
    /// none of them can be read.
    package mutating func sample(_ roots: [ProcessID], now: Instant) -> LoadSample {
        let processes = ProcessTree.tree(of: roots).compactMap { ProcessFiles.stat(of: $0) }
        var sample = LoadSample()
        guard !processes.isEmpty else { return sample }
        time.update(processes.map(Self.reading))
        let cpuTime = Duration.nanoseconds(
            time.totalTicks * (1_000_000_000 / Self.ticksPerSecond))
        if let last, now > last.at {
            sample.coresBusy = (cpuTime - last.cpuTime).inSeconds / (now - last.at).inSeconds
        }
        last = (cpuTime, now)
        sample.cpuTime = cpuTime
        let living = processes.filter { $0.state != "Z" }
        sample.memoryBytes = living.reduce(0) { $0 + $1.residentPages } * Self.pageBytes
        sample.processes = living.count
        sample.threads = living.reduce(0) { $0 + $1.threads }
        return sample
    }

    private static func reading(_ stat: ProcessStat) -> CPUTimeAccumulator.Reading {
        CPUTimeAccumulator.Reading(
            pid: stat.pid, startTicks: stat.startTicks,
            ownTicks: stat.userTicks + stat.systemTicks,
            childrenTicks: stat.childrenUserTicks + stat.childrenSystemTicks)
    }
}
