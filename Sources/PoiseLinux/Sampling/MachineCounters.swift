import Glibc
package import PoiseModel

/// Reads what the kernel has counted for the whole machine; its files stay open.
package final class MachineCounters {
    /// What was counted since the machine started.
    package struct Totals: Equatable, Sendable {
        package var busyNanoseconds: Int?
        package var cpuStalledMicroseconds: Int?
        package var memoryStalledMicroseconds: Int?
        package var ioStalledMicroseconds: Int?

        package init() {}

        /// What happened between `before` and these.
        package func load(since before: Totals, over time: Duration) -> MachineLoad {
            var counters = LoadCounters()
            var old = LoadCounters()
            (counters.usedNanoseconds, old.usedNanoseconds) =
                (busyNanoseconds, before.busyNanoseconds)
            (counters.cpuStalledMicroseconds, old.cpuStalledMicroseconds) =
                (cpuStalledMicroseconds, before.cpuStalledMicroseconds)
            (counters.memoryStalledMicroseconds, old.memoryStalledMicroseconds) =
                (memoryStalledMicroseconds, before.memoryStalledMicroseconds)
            (counters.ioStalledMicroseconds, old.ioStalledMicroseconds) =
                (ioStalledMicroseconds, before.ioStalledMicroseconds)
            let reading = counters.reading(since: old, over: time, nodes: [])
            var load = MachineLoad()
            load.busyMillicores = reading?.usedMillicores
            load.cpuPressurePerMille = reading?.cpuPressurePerMille
            load.memoryPressurePerMille = reading?.memoryPressurePerMille
            load.ioPressurePerMille = reading?.ioPressurePerMille
            return load
        }
    }

    private let stat = KernelFile("/proc/stat", room: 16384)
    private let cpu = KernelFile("/proc/pressure/cpu", room: 256)
    private let memory = KernelFile("/proc/pressure/memory", room: 256)
    private let io = KernelFile("/proc/pressure/io", room: 256)
    private let processes = KernelFile("/proc/loadavg", room: 128)
    private static let nanosecondsPerTick = 1_000_000_000 / sysconf(Int32(_SC_CLK_TCK))

    package init() {}

    package func read() -> Totals {
        var totals = Totals()
        totals.busyNanoseconds = stat?.read().flatMap(KernelStatFormat.all)
            .map { $0.busyTicks &* MachineCounters.nanosecondsPerTick }
        totals.cpuStalledMicroseconds = cpuStalledMicroseconds
        totals.memoryStalledMicroseconds = memory?.read().flatMap(PressureFormat.someTotal)
        totals.ioStalledMicroseconds = io?.read().flatMap(PressureFormat.someTotal)
        return totals
    }

    /// Only how long somebody has waited for a CPU: one system call.
    package var cpuStalledMicroseconds: Int? { cpu?.read().flatMap(PressureFormat.someTotal) }

    /// Threads that could run, and the newest of all: one system call.
    package var processCount: ProcessCount? { processes?.read().flatMap(LoadAverageFormat.parse) }
}
