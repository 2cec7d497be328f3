/// One reading of one feature; what could not be read is nil, never 0.
package struct LoadSample: Sendable, Equatable {
    /// CPU time used since it started, over all of its processes.
    package var cpuTime: Duration?
    /// Cores kept busy since the sample before (1.5 is one and a half).
    package var coresBusy: Double?
    /// Resident memory of all of its processes.
    package var memoryBytes: Int?
    package var processes: Int?
    package var threads: Int?
    /// What the feature itself reports.
    package var report: LoadReport?

    package init() {}
}

/// What a plugin reports of itself; nil is "not told".
package struct LoadReport: Sendable, Equatable {
    /// 0…1 of the capacity that it was given.
    package var utilisation: Double?
    package var queueDepth: Int?
    package var throughputPerSecond: Double?
    package var latencyP50: Duration?
    package var latencyP99: Duration?
    package var errors: Int?
    /// The plugin's own named values, in the order it gave them.
    package var gauges: [Gauge]

    package struct Gauge: Sendable, Equatable {
        package var name: String
        package var value: Double

        package init(name: String, value: Double) {
            self.name = name
            self.value = value
        }
    }

    package init() { gauges = [] }
}
