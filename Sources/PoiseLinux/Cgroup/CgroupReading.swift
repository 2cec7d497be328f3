import Glibc
package import PoiseModel

/// What the kernel has counted for one group; what it does not tell is nil.
package struct CgroupReading: Equatable, Sendable {
    /// `cpu.stat`.
    package struct CPUTime: Equatable, Sendable {
        package var used: Duration
        /// Periods in which it ran into `cpu.max`, and how long it stood still for it.
        package var throttledPeriods: Int?
        package var throttled: Duration?
    }

    /// `memory.events`: how often a limit was felt.
    package struct MemoryEvents: Equatable, Sendable {
        package var low: Int
        package var high: Int
        package var max: Int
        package var killed: Int
    }

    package var cpu: CPUTime?
    /// `memory.current`.
    package var memoryBytes: Int?
    package var memoryEvents: MemoryEvents?
    /// Processes and threads (`pids.current`).
    package var tasks: Int?
    /// By `MAJOR:MINOR` (`io.stat`).
    package var traffic: [String: DeviceTraffic]?
    package var pressure: [PressureResource: Pressure] = [:]

    package init() {}
}

extension CgroupReading.CPUTime {
    /// Nil when the text is no `cpu.stat`.
    package init?(_ text: String) {
        let values = CounterFormat.parse(text)
        guard let used = values["usage_usec"] else { return nil }
        self.used = .microseconds(used)
        throttledPeriods = values["nr_throttled"]
        throttled = values["throttled_usec"].map { .microseconds($0) }
    }
}

extension CgroupReading.MemoryEvents {
    /// Nil when the text is no `memory.events`.
    package init?(_ text: String) {
        let values = CounterFormat.parse(text)
        guard let low = values["low"], let high = values["high"], let max = values["max"],
            let killed = values["oom_kill"]
        else { return nil }
        self.low = low
        self.high = high
        self.max = max
        self.killed = killed
    }
}

extension CgroupFolder {
    /// Reads what the kernel has counted for a feature's group.
    package func reading(of feature: FeatureID) -> CgroupReading {
        CgroupReading(at: path(of: feature))
    }
}

extension CgroupReading {
    /// Reads what the kernel has counted for the cgroup in a folder.
    package init(at folder: String) {
        self.init()
        let text = { (file: String) in ProcessFiles.text("\(folder)/\(file)") }
        let number = { (file: String) in text(file).flatMap { Int($0.prefix { $0 != "\n" }) } }
        cpu = text("cpu.stat").flatMap(CgroupReading.CPUTime.init)
        memoryBytes = number("memory.current")
        memoryEvents = text("memory.events").flatMap(CgroupReading.MemoryEvents.init)
        tasks = number("pids.current")
        traffic = text("io.stat").flatMap(DeviceTrafficFormat.parse)
        for resource in PressureResource.allCases {
            pressure[resource] = text("\(resource.rawValue).pressure")
                .flatMap(PressureFormat.parse)
        }
    }
}
