/// What one feature did since the look before, in whole numbers: the part of a `LoadSample` from
/// which decisions are made. What could not be read is nil, never 0.
package struct LoadReading: Sendable, Equatable {
    /// How long ago the look before was, in microseconds; what is below is of this time.
    package var microseconds: Int
    /// CPU time that it used, in thousandths of a core.
    package var usedMillicores: Int?
    /// Threads that were ready to run and had no CPU, in thousandths of a thread on average
    /// (the run delay in `/proc/PID/schedstat`).
    package var waitingMillicores: Int?
    /// Time in which some of it waited for a CPU, per mille (`cpu.pressure`, `some`).
    package var cpuPressurePerMille: Int?
    /// The same for memory and for blocks.
    package var memoryPressurePerMille: Int?
    package var ioPressurePerMille: Int?
    /// Time in which all of it waited for memory at once (`memory.pressure`, `full`), per mille.
    package var memoryFullPerMille: Int?
    /// Time in which it stood still for its own `cpu.max`, per mille.
    package var throttledPerMille: Int?
    /// Memory in use.
    package var memoryBytes: Int?
    /// Memory on nodes that are not its own (`memory.numa_stat`).
    package var remoteBytes: Int?
    /// How often it was stopped at `memory.high` or `memory.max` (`memory.events`).
    package var memoryLimitHits: Int?
    /// Bytes read from and written to block devices, a second (`io.stat`).
    package var ioBytesPerSecond: Int?
    /// What it says of itself: how much of what it was given is in use.
    package var utilisationPerMille: Int?
    package var queueDepth: Int?
    package var latencyP99Microseconds: Int?
    /// Of all it did since its report before, so many thousandths failed.
    package var errorsPerMille: Int?
    package var throughputPerSecond: Int?

    package init(microseconds: Int) { self.microseconds = microseconds }
}

/// What the whole machine did since the look before; what could not be read is nil.
package struct MachineLoad: Sendable, Equatable {
    /// CPU time that was used by anybody, in thousandths of a core.
    package var busyMillicores: Int?
    /// Time in which somebody waited, per mille (`/proc/pressure`, `some`).
    package var cpuPressurePerMille: Int?
    package var memoryPressurePerMille: Int?
    package var ioPressurePerMille: Int?
    /// The hottest sensor of the processors, in thousandths of a degree Celsius.
    package var temperatureMillicelsius: Int?

    package init() {}
}

/// One look at the load.
package struct LoadTurn: Sendable, Equatable, Codable {
    /// The wall clock in whole seconds since 1970: the seasons of a forecast follow it.
    package var wallSeconds: Int
    /// Only the features that were looked at.
    package var features: [FeatureID: LoadReading]
    package var machine: MachineLoad?

    package init(
        wallSeconds: Int, features: [FeatureID: LoadReading] = [:], machine: MachineLoad? = nil
    ) {
        self.wallSeconds = wallSeconds
        self.features = features
        self.machine = machine
    }
}
