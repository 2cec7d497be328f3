import PoiseLinux
import PoiseModel

/// Measures the load of one feature, look by look.
struct LoadMeter {
    private enum Source {
        /// Nothing is known to read yet.
        case none
        case group(CgroupCounters)
        case processes(ProcessCounters)
    }

    private let source: Source
    /// How many threads all of its processes had at the last look that could tell; processes of
    /// one thread count as one.
    var threads: Int? { last?.counters.threads }
    /// What people are shown, from the last thorough look.
    private(set) var sample = LoadSample()
    /// The last look, without what the feature says of itself.
    private(set) var reading: LoadReading?
    /// Nothing could be read at the last look: its cgroup is gone.
    private(set) var isLost = false
    private var last: (counters: LoadCounters, at: Instant)?
    private var sampled: (used: Int, at: Instant)?
    private let killedBefore: Int?

    /// Of what nothing is known to read yet.
    init() {
        source = .none
        killedBefore = nil
    }

    init(_ group: CgroupCounters) {
        source = .group(group)
        // The group may have had processes before.
        killedBefore = group.read(isThorough: true).killed
    }

    init(_ processes: ProcessCounters) {
        source = .processes(processes)
        killedBefore = nil
    }

    var isRead: Bool { if case .none = source { false } else { true } }

    /// Reads it; nil the first time, when there is nothing to compare with, and where nothing at
    /// all can be read.
    ///
    /// - Parameters:
    ///   - roots: its processes, where no cgroup counts; nil when none can have come since the last
    ///     look.
    ///   - isThorough: reads also what changes slowly, and makes the sample for people.
    mutating func look(
        roots: [ProcessID]?, nodes: NodeSet, isThorough: Bool, now: Instant
    ) -> LoadReading? {
        let counters: LoadCounters
        switch source {
        case .none: return nil
        case .group(let group): counters = group.read(isThorough: isThorough)
        case .processes(let processes): counters = processes.read(roots)
        }
        if isThorough { makeSample(counters, now) }
        isLost = counters == LoadCounters()
        guard !isLost else {
            last = nil
            reading = nil
            return nil
        }
        reading = last.flatMap {
            counters.reading(since: $0.counters, over: now - $0.at, nodes: nodes)
        }
        last = (counters, now)
        return reading
    }

    private mutating func makeSample(_ counters: LoadCounters, _ now: Instant) {
        sample = LoadSample()
        sample.memoryBytes = counters.memoryBytes
        sample.processes = counters.processes
        sample.threads = counters.threads
        guard let used = counters.usedNanoseconds else { return }
        sample.cpuTime = .nanoseconds(used)
        if let sampled, now > sampled.at {
            sample.coresBusy =
                Double(used - sampled.used) / Double((now - sampled.at).wholeNanoseconds)
        }
        sampled = (used, now)
    }

    /// How many of its processes the kernel has killed for want of memory; nil where that is not
    /// counted.
    var kills: Int? {
        guard case .group(let group) = source else { return nil }
        return group.read(isThorough: true).killed.map { max(0, $0 - (killedBefore ?? 0)) }
    }
}

/// How much of what a feature does fails: it counts errors since it started, so two reports say.
struct ErrorRate {
    private var last: (errors: Int, at: Instant)?
    /// Of all it did between its last two reports; nil while that is not known.
    private(set) var perMille: Int?

    mutating func take(_ report: LoadReport, at now: Instant) {
        defer { last = report.errors.map { ($0, now) } }
        perMille = nil
        guard let errors = report.errors, let last, errors >= last.errors, now > last.at,
            let rate = report.throughputPerSecond, rate.isFinite, (0...1e15).contains(rate)
        else { return }
        // Who counts errors beside its work, and not in it, did at least as much as failed.
        let failed = Double(errors - last.errors)
        let done = max(rate * (now - last.at).inSeconds, failed)
        perMille = done > 0 ? Int(failed * 1000 / done) : nil
    }
}

extension LoadReading {
    /// Takes in what the feature says of itself; what cannot be is nil.
    ///
    /// - Parameter errorsPerMille: of what it did since its report before (`ErrorRate`).
    mutating func take(_ report: LoadReport, errorsPerMille: Int? = nil) {
        self.errorsPerMille = errorsPerMille
        throughputPerSecond = report.throughputPerSecond.flatMap {
            $0.isFinite && (0...1e15).contains($0) ? Int($0) : nil
        }
        utilisationPerMille = report.utilisation.flatMap {
            $0.isFinite && $0 >= 0 ? Int(min($0, 1) * 1000) : nil
        }
        queueDepth = report.queueDepth.flatMap { $0 >= 0 ? $0 : nil }
        latencyP99Microseconds = report.latencyP99.flatMap {
            // As a double, because a duration may be longer than any whole number of nanoseconds.
            let microseconds = $0 / .microseconds(1)
            return microseconds.isFinite && (0...1e15).contains(microseconds)
                ? Int(microseconds) : nil
        }
    }

    /// The member `load` of a feature in the status: what was measured, unknown is null.
    var json: JSON {
        [
            "microseconds": .integer(microseconds), "usedMillicores": JSON(usedMillicores),
            "waitingMillicores": JSON(waitingMillicores),
            "cpuPressurePerMille": JSON(cpuPressurePerMille),
            "memoryPressurePerMille": JSON(memoryPressurePerMille),
            "ioPressurePerMille": JSON(ioPressurePerMille),
            "throttledPerMille": JSON(throttledPerMille), "memoryBytes": JSON(memoryBytes),
            "remoteBytes": JSON(remoteBytes), "memoryLimitHits": JSON(memoryLimitHits),
            "ioBytesPerSecond": JSON(ioBytesPerSecond),
        ]
    }

    /// Whether nothing much went on: it hardly ran, and waited for nothing.
    var isQuiet: Bool {
        (usedMillicores ?? 0) <= 20 && (waitingMillicores ?? 0) <= 10 && !isStalled(10)
            && (ioPressurePerMille ?? 0) <= 10 && (throttledPerMille ?? 0) <= 10
    }

    /// Whether it waited for CPUs or memory for more than so many thousandths of the time.
    func isStalled(_ perMille: Int) -> Bool {
        (cpuPressurePerMille ?? 0) > perMille || (memoryPressurePerMille ?? 0) > perMille
    }
}
