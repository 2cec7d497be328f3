package import PoiseModel

/// What the processes of one feature are held to where there is no cgroup to hold them.
package struct AffinityPlacement: Hashable, Sendable {
    package var cpus: CPUSet
    /// -20…19; greater takes less.
    package var nice: Int
    package var scheduling: SchedulingClass
    /// Data of each process (`RLIMIT_DATA`, its soft limit); nil sets none.
    package var memoryMaxBytes: Int?

    package init(
        cpus: CPUSet, nice: Int, scheduling: SchedulingClass, memoryMaxBytes: Int? = nil
    ) {
        precondition(!cpus.isEmpty, "a feature needs a CPU to run on")
        self.cpus = cpus
        self.nice = nice
        self.scheduling = scheduling
        self.memoryMaxBytes = memoryMaxBytes
    }

    /// The placement of a feature with `priority` 0…100, from which nice value and class follow.
    package init(cpus: CPUSet, priority: Int, memoryMaxBytes: Int? = nil) {
        self.init(
            cpus: cpus, nice: AffinityPlacement.nice(forPriority: priority),
            scheduling: .forPriority(priority), memoryMaxBytes: memoryMaxBytes)
    }

    func differsOnlyInCPUs(from other: AffinityPlacement) -> Bool {
        var moved = self
        moved.cpus = other.cpus
        return moved == other
    }

    /// From 0 for priority 100 to 19 for priority 0, in even steps.
    package static func nice(forPriority priority: Int) -> Int {
        let held = Swift.min(Swift.max(priority, 0), 100)
        return ((100 - held) * 19 + 50) / 100
    }
}
