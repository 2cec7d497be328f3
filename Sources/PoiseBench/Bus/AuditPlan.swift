/// What a loss audit is to do.
package struct AuditPlan: Equatable, Sendable {
    package static let lanes = 4

    package var messages: Int
    package var kills: Int
    package var seed: UInt64
    package var producers: Int
    package var ringBytes: Int

    package init(
        messages: Int, kills: Int, seed: UInt64, producers: Int = 2, ringBytes: Int = 64 << 10
    ) {
        self.messages = messages
        self.kills = kills
        self.seed = seed
        self.producers = producers
        self.ringBytes = ringBytes
    }

    /// Messages of one producer and lane; together at least `messages`.
    package var quota: Int {
        let streams = producers * AuditPlan.lanes
        return max(1, (messages + streams - 1) / streams)
    }

    /// What is sent in all.
    package var total: Int { quota * producers * AuditPlan.lanes }

    /// At how many messages each kill is due: one in each part of the run, anywhere in it.
    package func killPoints() -> [Int] {
        var random = SplitMix(seed: seed)
        return (0..<kills).map { index in
            let part = Double(total) * 0.98 / Double(kills)
            return Int((Double(index) + random.fraction()) * part)
        }
    }
}

/// What came of a loss audit.
package struct AuditOutcome: Equatable, Sendable {
    /// Who was killed.
    package enum Victim: String, CaseIterable, Sendable { case producer, consumer, keeper }

    package struct Kill: Equatable, Sendable {
        package var victim: Victim
        /// Until messages of it went on, or for the keeper until it handed out links again.
        package var recoveryMilliseconds: Double
    }

    package var messages = 0
    package var lost = 0
    package var duplicated = 0
    package var outOfOrder = 0
    package var damaged = 0
    package var seconds = 0.0
    package var kills: [Kill] = []

    package init() {}

    package var isClean: Bool {
        lost == 0 && duplicated == 0 && outOfOrder == 0 && damaged == 0
    }
    package var perSecond: Double { seconds > 0 ? Double(messages) / seconds : 0 }

    /// The longest and the middle recovery of a kind of kill; nil when there was none.
    package func recovery(_ victim: Victim) -> (median: Double, longest: Double)? {
        let times = kills.filter { $0.victim == victim }.map(\.recoveryMilliseconds)
        guard let median = Figure(times).median, let longest = times.max() else { return nil }
        return (median, longest)
    }
}
