/// One thing that was measured in each round.
package struct Figure: Equatable, Sendable {
    package var rounds: [Double] = []

    package init(_ rounds: [Double] = []) { self.rounds = rounds }

    package mutating func add(_ value: Double) { rounds.append(value) }

    /// The middle of the rounds; of an even number the mean of the two in the middle. Nil when
    /// there is none.
    package var median: Double? {
        let sorted = rounds.sorted()
        guard let last = sorted.last, sorted.count > 1 else { return sorted.first }
        let half = sorted.count / 2
        return sorted.count % 2 == 1
            ? sorted[half] : (sorted[half - 1] + (half < sorted.count ? sorted[half] : last)) / 2
    }
}

/// How fast one queue is.
package struct QueueFigures: Sendable {
    package var name: String
    package var title: String
    /// By the name of the mode (`StreamMode.name`).
    package var perSecond: [String: Figure] = [:]
    package var tripP50 = Figure()
    package var tripP99 = Figure()

    package init(name: String, title: String) {
        self.name = name
        self.title = title
    }

    /// Messages a second, or nil when there is no such mode.
    package func perSecond(_ mode: StreamMode) -> Double? { perSecond[mode.name]?.median }
}

/// How messages of a stream go.
package struct StreamMode: Hashable, Sendable {
    package var bytes: Int
    package var isBatched: Bool

    package static let batch = 32
    package static let all = [64, 1024].flatMap { bytes in
        [false, true].map { StreamMode(bytes: bytes, isBatched: $0) }
    }
    package static let small = StreamMode(bytes: 64, isBatched: false)
    package static let smallBatched = StreamMode(bytes: 64, isBatched: true)

    /// As in the metrics: `messagesPerSecond64Batched`.
    package var name: String { "messagesPerSecond\(bytes)" + (isBatched ? "Batched" : "") }
    var batchSize: Int { isBatched ? StreamMode.batch : 1 }
}

/// What a measurement of the bus gave.
package struct BusFigures: Sendable {
    package struct Routes: Sendable {
        package var count: Int
        package var perSecond = Figure()
        package var tripP50 = Figure()
    }

    package struct Slow: Sendable {
        package var policy: String
        package var attemptsPerSecond = Figure()
        package var deliveredPerSecond = Figure()
        package var dropped = 0
        /// Messages that were neither delivered nor counted as dropped, or twice; over all rounds.
        package var unaccounted = 0
    }

    package var rounds: Int
    package var ours = QueueFigures(name: "poise", title: "poise bus")
    package var peers: [QueueFigures] = []
    /// Debian packages that would add peers.
    package var missingPackages: [String] = []
    /// Why there are no peers at all.
    package var peersProblem: String?
    /// A message, both sides together; nil where they could not be counted.
    package var allocationsPerMessage: Double?
    package var systemCallsPerMessage: Double?
    /// Context switches of both sides while a million messages went.
    package var switchesPerMillion: Double?
    package var routes: [Routes] = []
    package var slow: [Slow] = []
    package var urgentP99 = Figure()
    package var urgentP99InFlood = Figure()
    /// CPU time of a consumer that waits, per second.
    package var idleMicrosecondsPerSecond: Double?
    package var restartPerSecond = Figure()
    package var restartMilliseconds = Figure()
    package var audit: AuditOutcome?
    /// Messages that were not what they had to be, in all measurements.
    package var wrong = 0

    /// Ours over a peer's messages a second of 64 bytes, one by one or in batches; nil when the
    /// peer is not here or has no such mode.
    package func ratio(to peer: String, _ mode: StreamMode) -> Double? {
        guard let mine = ours.perSecond(mode),
            let theirs = peers.first(where: { $0.name == peer })?.perSecond(mode), theirs > 0
        else { return nil }
        return mine / theirs
    }
}

/// How much is measured.
package struct BusEffort: Sendable {
    package var rounds: Int
    /// Messages of 64 bytes in one stream.
    package var messages: Int
    package var trips: Int
    package var auditMessages: Int
    package var auditKills: Int

    package static let quick = BusEffort(
        rounds: 3, messages: 4_000_000, trips: 20_000, auditMessages: 10_000_000, auditKills: 10)
    package static let full = BusEffort(
        rounds: 9, messages: 20_000_000, trips: 100_000, auditMessages: 100_000_000,
        auditKills: 100)
}
