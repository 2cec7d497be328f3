package import PoiseModel

/// What the kernel has counted for one feature since it started; what it does not tell is nil.
package struct LoadCounters: Equatable, Sendable {
    package var usedNanoseconds: Int?
    /// Threads that were ready to run and had no CPU, added up.
    package var waitedNanoseconds: Int?
    /// Time in which some of it waited (PSI, `some`).
    package var cpuStalledMicroseconds: Int?
    package var memoryStalledMicroseconds: Int?
    package var ioStalledMicroseconds: Int?
    /// Time in which all of it waited for memory (PSI, `full`).
    package var memoryFullStalledMicroseconds: Int?
    /// Time in which it stood still for its `cpu.max`.
    package var throttledMicroseconds: Int?
    package var memoryBytes: Int?
    /// Memory by NUMA node.
    package var nodeBytes: [Int: Int]?
    package var memoryLimitHits: Int?
    /// Processes that the kernel killed for want of memory.
    package var killed: Int?
    package var ioBytes: Int?
    package var processes: Int?
    package var threads: Int?

    package init() {}

    /// What happened between `before` and these; nil when no time has passed.
    ///
    /// - Parameter nodes: the feature's own nodes; memory elsewhere is remote. Where it has none of
    ///   its own, nothing is known to be.
    package func reading(
        since before: LoadCounters, over time: Duration, nodes: NodeSet
    ) -> LoadReading? {
        let nanoseconds = time.wholeNanoseconds
        guard nanoseconds >= 1000 else { return nil }
        let rate = { (counter: KeyPath<LoadCounters, Int?>, units: UInt) -> Int? in
            guard let now = self[keyPath: counter], let then = before[keyPath: counter],
                now >= then
            else { return nil }
            return LoadCounters.rate(UInt(now - then), units: units, UInt(nanoseconds))
        }
        // A stall cannot be longer than the time, but the two clocks are read one after the other;
        // throttled time is added up over CPUs.
        let share = { (counter: KeyPath<LoadCounters, Int?>) -> Int? in
            rate(counter, 1_000_000).map { min($0, 1000) }
        }
        var reading = LoadReading(microseconds: nanoseconds / 1000)
        reading.usedMillicores = rate(\.usedNanoseconds, 1000)
        reading.waitingMillicores = rate(\.waitedNanoseconds, 1000)
        reading.cpuPressurePerMille = share(\.cpuStalledMicroseconds)
        reading.memoryPressurePerMille = share(\.memoryStalledMicroseconds)
        reading.memoryFullPerMille = share(\.memoryFullStalledMicroseconds)
        reading.ioPressurePerMille = share(\.ioStalledMicroseconds)
        reading.throttledPerMille = share(\.throttledMicroseconds)
        reading.memoryBytes = memoryBytes
        if let nodeBytes, !nodes.isEmpty {
            reading.remoteBytes = nodeBytes.reduce(0) {
                $0 + (nodes.contains($1.key) ? 0 : $1.value)
            }
        }
        if let now = memoryLimitHits, let then = before.memoryLimitHits, now >= then {
            reading.memoryLimitHits = now - then
        }
        reading.ioBytesPerSecond = rate(\.ioBytes, 1_000_000_000)
        return reading
    }

    /// `amount × units ÷ nanoseconds` without overflow on the way, rounded down.
    private static func rate(_ amount: UInt, units: UInt, _ nanoseconds: UInt) -> Int? {
        let whole = amount.multipliedFullWidth(by: units)
        guard whole.high < nanoseconds else { return nil }
        return Int(clamping: nanoseconds.dividingFullWidth(whole).quotient)
    }
}
