/// Reads what the kernel has counted for one cgroup, as often as it is asked: its files stay open,
/// so that a look is one system call for each of them.
package final class CgroupCounters {
    private let cpu: KernelFile?
    private let memory: KernelFile?
    private let cpuPressure: KernelFile?
    private let memoryPressure: KernelFile?
    private let ioPressure: KernelFile?
    private let tasks: KernelFile?
    private let events: KernelFile?
    private let nodes: KernelFile?
    private let io: KernelFile?
    /// What changes slowly or costs more is kept from the last thorough look.
    private var slow = LoadCounters()

    /// The cgroup in a folder; files that it does not have stay unknown.
    package init(at folder: String) {
        let file = { (name: String, room: Int) in KernelFile("\(folder)/\(name)", room: room) }
        cpu = file("cpu.stat", 512)
        memory = file("memory.current", 32)
        cpuPressure = file("cpu.pressure", 256)
        memoryPressure = file("memory.pressure", 256)
        ioPressure = file("io.pressure", 256)
        tasks = file("pids.current", 32)
        events = file("memory.events", 256)
        nodes = file("memory.numa_stat", 4096)
        io = file("io.stat", 512)
    }

    /// What it has counted by now; all is nil once the cgroup is gone.
    ///
    /// - Parameter isThorough: reads also what changes slowly or has the kernel add up what its
    ///   CPUs have counted (`memory.numa_stat`, `memory.events`, `io.stat`, `pids.current`);
    ///   otherwise that is as it was.
    package func read(isThorough: Bool) -> LoadCounters {
        if isThorough { slow = readSlow() }
        var counters = slow
        if let bytes = cpu?.read() {
            counters.usedNanoseconds = CounterFormat.number("usage_usec", in: bytes)
                .flatMap(CgroupCounters.nanoseconds)
            counters.throttledMicroseconds = CounterFormat.number("throttled_usec", in: bytes)
        }
        counters.memoryBytes = memory?.read().flatMap(CounterFormat.single)
        counters.cpuStalledMicroseconds = cpuPressure?.read().flatMap(PressureFormat.someTotal)
        if let bytes = memoryPressure?.read() {
            counters.memoryStalledMicroseconds = PressureFormat.someTotal(bytes)
            counters.memoryFullStalledMicroseconds = PressureFormat.fullTotal(bytes)
        }
        counters.ioStalledMicroseconds = ioPressure?.read().flatMap(PressureFormat.someTotal)
        return counters
    }

    private func readSlow() -> LoadCounters {
        var counters = LoadCounters()
        counters.threads = tasks?.read().flatMap(CounterFormat.single)
        if let bytes = events?.read() {
            if let high = CounterFormat.number("high", in: bytes),
                let most = CounterFormat.number("max", in: bytes)
            {
                counters.memoryLimitHits = high &+ most
            }
            counters.killed = CounterFormat.number("oom_kill", in: bytes)
        }
        counters.nodeBytes = nodes?.read().flatMap(NodeMemoryFormat.parse)
        counters.ioBytes = io?.read()
            .flatMap { DeviceTrafficFormat.parse(String(decoding: $0, as: UTF8.self)) }
            .map { $0.values.reduce(0) { $0 &+ $1.readBytes &+ $1.writtenBytes } }
        return counters
    }

    private static func nanoseconds(_ microseconds: Int) -> Int? {
        let (value, over) = microseconds.multipliedReportingOverflow(by: 1000)
        return over ? nil : value
    }
}
