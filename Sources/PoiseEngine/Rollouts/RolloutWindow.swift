import PoiseModel

/// What was seen of one version over a step: a bounded number of readings, evenly spread.
struct RolloutWindow: Sendable, Equatable, Codable {
    /// What one reading tells; nil is unknown.
    private struct Entry: Sendable, Equatable, Codable {
        var errors: Int?
        var latency: Int?
        var throughput: Int?
        var used: Int?
    }

    private static let most = 32
    /// Beyond it a value is a lie, and sums must not overflow.
    private static let mostValue = 1 << 40

    private var entries: [Entry] = []
    /// Of so many readings one is kept.
    private var stride = 1
    private var skipped = 0
    private(set) var readings = 0

    init() {}

    mutating func add(_ reading: LoadReading) {
        readings += 1
        skipped += 1
        guard skipped >= stride else { return }
        skipped = 0
        if entries.count == RolloutWindow.most {
            entries = entries.indices.filter { $0 % 2 == 0 }.map { entries[$0] }
            stride *= 2
        }
        let bounded = { (value: Int?) in value.map { min(max($0, 0), RolloutWindow.mostValue) } }
        entries.append(
            Entry(
                errors: bounded(reading.errorsPerMille),
                // A version that waits for CPUs is slow for want of them, not by itself.
                latency: reading.isStarved ? nil : bounded(reading.latencyP99Microseconds),
                throughput: bounded(reading.throughputPerSecond),
                used: bounded(reading.usedMillicores)))
    }

    /// What the readings come to; a figure that fewer than three of them tell is unknown.
    var figures: RolloutFigures {
        var figures = RolloutFigures(readings: readings)
        let errors = entries.compactMap(\.errors)
        if errors.count >= RolloutFigures.least {
            figures.errorsPerMille = errors.reduce(0, +) / errors.count
        }
        let latencies = entries.compactMap(\.latency).sorted()
        if latencies.count >= RolloutFigures.least {
            figures.latencyP99Microseconds = latencies[latencies.count / 2]
        }
        let pairs = entries.compactMap { entry in
            entry.throughput.flatMap { done in entry.used.map { (done: done, used: $0) } }
        }
        guard pairs.count >= RolloutFigures.least else { return figures }
        let done = pairs.reduce(0) { $0 + $1.done }
        let used = pairs.reduce(0) { $0 + $1.used }
        // Of one that does next to nothing the quotient is noise.
        if used >= RolloutFigures.idle * pairs.count {
            figures.throughputPerCore = min(done * 1000 / used, 1 << 50)
        } else {
            figures.didNothing = done == 0
        }
        return figures
    }
}

extension LoadReading {
    /// Whether it had much less CPU time than it could have used.
    fileprivate var isStarved: Bool {
        (cpuPressurePerMille ?? 0) > 200 || (throttledPerMille ?? 0) > 100
            || (waitingMillicores ?? 0) > max(100, usedMillicores ?? 0)
    }
}

extension RolloutWindow: SelfChecking {
    package var contradiction: String? {
        let values = entries.flatMap { [$0.errors, $0.latency, $0.throughput, $0.used] }
        guard entries.count <= RolloutWindow.most, (1...1 << 40).contains(stride),
            [skipped, readings].allSatisfy({ (0...1 << 40).contains($0) }),
            values.allSatisfy({ (0...RolloutWindow.mostValue).contains($0 ?? 0) })
        else { return "counts what cannot be" }
        return nil
    }
}

extension RolloutFigures: SelfChecking {
    package var contradiction: String? {
        let values = [readings, errorsPerMille, latencyP99Microseconds, throughputPerCore]
        return values.allSatisfy { (0...1 << 50).contains($0 ?? 0) } ? nil : "counts what cannot be"
    }
}

/// Figures of one version over a step; nil is unknown.
package struct RolloutFigures: Sendable, Equatable, Codable {
    /// Fewer readings than this tell nothing.
    static let least = 3
    /// Millicores below which a feature does next to nothing.
    static let idle = 20

    package var readings = 0
    /// The mean.
    package var errorsPerMille: Int?
    /// The median of what the readings say.
    package var latencyP99Microseconds: Int?
    /// Items a second for each core that it used.
    package var throughputPerCore: Int?
    /// It did no work, and used no time for it.
    package var didNothing = false

    package init(readings: Int = 0) { self.readings = readings }

    /// Whether any of the three is known.
    package var isKnown: Bool {
        errorsPerMille != nil || latencyP99Microseconds != nil || throughputPerCore != nil
    }

    /// With what is unknown here as it was before.
    func filled(from before: RolloutFigures?) -> RolloutFigures {
        var filled = self
        filled.errorsPerMille = errorsPerMille ?? before?.errorsPerMille
        filled.latencyP99Microseconds = latencyP99Microseconds ?? before?.latencyP99Microseconds
        filled.throughputPerCore = throughputPerCore ?? before?.throughputPerCore
        return filled
    }
}
