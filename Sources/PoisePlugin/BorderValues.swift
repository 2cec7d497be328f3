import PluginABI
import PoiseModel

extension CPUSet {
    init(_ cpus: poise_cpus) {
        self.init(words: UnsafeBufferPointer(start: cpus.words, count: Int(cpus.count)))
    }
}

extension Allocation {
    /// Copies what a host handed over.
    init(_ given: poise_allocation) {
        self.init()
        generation = Int(clamping: given.generation)
        exclusive = CPUSet(given.exclusive)
        shared = CPUSet(given.shared)
        borrowed = CPUSet(given.borrowed)
        baseline = CPUSet(given.baseline)
        millicores = Millicores(
            performance: Int(given.performance_millicores),
            efficiency: Int(given.efficiency_millicores),
            lowPower: Int(given.low_power_millicores))
        weight = Int(given.weight)
        memoryLowBytes = Int(clamping: given.memory_low_bytes)
        if given.memory_max_bytes != UInt64.max {
            memoryMaxBytes = Int(clamping: given.memory_max_bytes)
        }
        knownCores = Allocation.elements(
            given.cores, count: given.core_count, step: given.core_size
        ).map { Core(CPUSet($0.cpus), CoreClass(border: $0.core_class)) }
        accelerators = Allocation.elements(
            given.accelerators, count: given.accelerator_count, step: given.accelerator_size
        ).map { part in
            Accelerator(
                id: part.id.map { String(cString: $0) } ?? "", bytes: Int(clamping: part.bytes),
                sharePercent: part.share_percent < 0 ? nil : Int(part.share_percent))
        }
    }

    // A newer host's elements may be longer than ours, so the step is the host's.
    private static func elements<Element>(
        _ start: UnsafePointer<Element>?, count: UInt32, step: UInt32
    ) -> [Element] {
        guard let start, Int(step) >= MemoryLayout<Element>.size else { return [] }
        return (0..<Int(count)).map { index in
            (UnsafeRawPointer(start) + index * Int(step)).loadUnaligned(as: Element.self)
        }
    }
}

extension CoreClass {
    init(border number: UInt32) {
        switch number {
        case UInt32(POISE_EFFICIENCY): self = .efficiency
        case UInt32(POISE_LOW_POWER): self = .lowPower
        default: self = .performance
        }
    }

    var border: UInt32 { UInt32(rank) }
}

extension Report {
    /// Writes what is known into the host's report.
    func write(to report: inout poise_report) {
        if let utilisation { report.utilisation = utilisation }
        if let throughputPerSecond { report.throughput_per_second = throughputPerSecond }
        if let latencyP50 { report.latency_p50_seconds = latencyP50 / .seconds(1) }
        if let latencyP99 { report.latency_p99_seconds = latencyP99 / .seconds(1) }
        if let queueDepth { report.queue_depth = Int64(queueDepth) }
        if let errors { report.errors = Int64(errors) }
        guard let room = report.gauges else { return }
        let fitting = gauges.prefix(Int(report.gauge_capacity))
        for (index, gauge) in fitting.enumerated() {
            room[index].value = gauge.value
            withUnsafeMutableBytes(of: &room[index].name) { bytes in
                let name = gauge.name.utf8.prefix(bytes.count - 1)
                bytes.copyBytes(from: name)
                bytes[name.count] = 0
            }
        }
        report.gauge_count = UInt32(fitting.count)
    }
}

extension ServiceLevel {
    /// Nil for a number that this header has no name for.
    init?(border number: UInt32) {
        switch number {
        case POISE_FULL: self = .full
        case POISE_REDUCED: self = .reduced
        case POISE_ESSENTIAL: self = .essential
        case POISE_EMERGENCY: self = .emergency
        default: return nil
        }
    }
}
