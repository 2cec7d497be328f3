import CLinux
import Glibc

/// Reads what the processes of one feature have used, where no cgroup counts it; hold one for as
/// long as the feature lives.
///
/// A look costs one system call for each process and each thread, as long as there are no new
/// ones: the files of threads stay open, and the time of a process, with that of its threads that
/// have ended, comes from its clock in nanoseconds (`clock_getcpuclockid(3)`).
package final class ProcessCounters {
    private final class Process {
        let pid: ProcessID
        let stat: KernelFile
        var last: ProcessStat
        var threads: [ProcessID: Thread] = [:]

        init(_ pid: ProcessID, _ stat: KernelFile, _ last: ProcessStat) {
            self.pid = pid
            self.stat = stat
            self.last = last
        }
    }

    private struct Thread {
        /// Nil for those beyond `mostOpen`, whose file is opened each time.
        var file: KernelFile?
        var waited: Int?
    }

    private var processes: [ProcessID: Process] = [:]
    private var time = CPUTimeAccumulator(rounding: ProcessCounters.nanosecondsPerTick)
    private var waited: Int?
    private var openFiles = 0
    private let mostOpen: Int

    /// Threads of one process that are looked at.
    private static let mostThreads = 4096
    /// Processes that end while they are read are waited out so often.
    private static let mostPasses = 4

    private static let pageBytes = sysconf(Int32(_SC_PAGESIZE))
    private static let nanosecondsPerTick = 1_000_000_000 / sysconf(Int32(_SC_CLK_TCK))

    /// - Parameter mostOpen: how many files of threads may stay open.
    package init(mostOpen: Int) { self.mostOpen = mostOpen }

    /// What all processes of `roots` and below them have used by now; all is nil when none can be
    /// read. A process that was orphaned stays counted as long as it is given as a root.
    ///
    /// - Parameter roots: nil when no process or thread can have come since the last time (see
    ///   `MachineCounters.newest`): then they are not listed again.
    package func read(_ roots: [ProcessID]?) -> LoadCounters {
        if let roots { list(roots) }
        var counters = LoadCounters()
        let readings = readTimes()
        guard !processes.isEmpty else { return counters }
        time.update(readings)
        counters.usedNanoseconds = time.totalTicks
        counters.waitedNanoseconds = readWaits()
        let living = processes.values.filter { $0.last.state != "Z" }
        counters.memoryBytes =
            living.reduce(0) { $0 + $1.last.residentPages }
            * ProcessCounters.pageBytes
        counters.processes = living.count
        counters.threads = living.reduce(0) { $0 + $1.last.threads }
        return counters
    }

    /// The times of all processes.
    ///
    /// A parent's times are always read before its children's own: then a child that ends in
    /// between is counted once, and not again with its parent.
    private func readTimes() -> [CPUTimeAccumulator.Reading] {
        for _ in 0..<ProcessCounters.mostPasses {
            let readings = processes.values.compactMap(reading)
            if readings.count == processes.count { return readings }
            // Some have ended since they were listed: their times are with their parents now.
            let living = Set(readings.map(\.pid))
            processes = processes.filter { living.contains($0.key) }
            for process in processes.values {
                if let stat = ProcessCounters.parse(process.stat) { process.last = stat }
            }
        }
        return processes.values.compactMap(reading)
    }

    private func reading(_ process: Process) -> CPUTimeAccumulator.Reading? {
        guard let own = ProcessCounters.cpuTime(of: process.pid) else { return nil }
        let children = process.last.childrenUserTicks + process.last.childrenSystemTicks
        return CPUTimeAccumulator.Reading(
            pid: process.pid, startTicks: process.last.startTicks, ownTicks: own,
            childrenTicks: children * ProcessCounters.nanosecondsPerTick)
    }

    private func list(_ roots: [ProcessID]) {
        var found: [ProcessID: Process] = [:]
        for pid in ProcessTree.tree(of: roots) {
            guard let process = look(pid) else { continue }
            found[pid] = process
        }
        processes = found
        openFiles = 0
        for process in found.values { listThreads(of: process) }
    }

    /// A file that is still open is of the same process as before, and fails once that has ended.
    private func look(_ pid: ProcessID) -> Process? {
        if let known = processes[pid], let stat = ProcessCounters.parse(known.stat) {
            known.last = stat
            return known
        }
        guard let file = KernelFile("/proc/\(pid)/stat"), let stat = ProcessCounters.parse(file)
        else { return nil }
        return Process(pid, file, stat)
    }

    private static func parse(_ file: KernelFile) -> ProcessStat? {
        file.read().flatMap { ProcessStatFormat.parse(String(decoding: $0, as: UTF8.self)) }
    }

    private func listThreads(of process: Process) {
        let old = process.threads
        process.threads = [:]
        for thread in ProcessTree.threads(of: process.pid).prefix(ProcessCounters.mostThreads) {
            var entry = old[thread] ?? Thread(file: nil, waited: nil)
            if entry.file == nil, openFiles < mostOpen {
                entry.file = ProcessCounters.scheduleFile(thread, of: process.pid)
            }
            if entry.file != nil { openFiles += 1 }
            process.threads[thread] = entry
        }
    }

    private static func scheduleFile(_ thread: ProcessID, of pid: ProcessID) -> KernelFile? {
        KernelFile("/proc/\(pid)/task/\(thread)/schedstat", room: 64)
    }

    /// Adds what threads have waited since the last time. What one waited between that and its end
    /// is lost.
    private func readWaits() -> Int? {
        for process in processes.values {
            for (thread, entry) in process.threads {
                let file = entry.file ?? ProcessCounters.scheduleFile(thread, of: process.pid)
                guard let now = file?.read().flatMap(ScheduleStatFormat.parse) else {
                    if entry.file != nil { process.threads[thread]?.file = nil }
                    continue
                }
                let growth = max(0, now.waitedNanoseconds - (entry.waited ?? 0))
                process.threads[thread]?.waited = now.waitedNanoseconds
                waited = (waited ?? 0) &+ growth
            }
        }
        return waited
    }

    /// The CPU time of a process with all of its threads, also those that have ended; nil when it
    /// has ended and was waited for (`clock_gettime(2)`, `MAKE_PROCESS_CPUCLOCK`).
    private static func cpuTime(of pid: ProcessID) -> Int? {
        // The kernel's own form of a process's clock (posix-timers_types.h): 2 is CPUCLOCK_SCHED.
        let clock = clockid_t(~pid << 3 | 2)
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
