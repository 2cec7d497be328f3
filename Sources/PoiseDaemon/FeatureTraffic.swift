import PoiseModel
import PoiseWire

/// What the daemon takes from one feature's processes, and what it has thrown away of it.
struct FeatureTraffic {
    /// What is taken from its host.
    var budget: TrafficBudget
    var garbage: GarbageWatch
    /// The newest need of each class that had no room yet.
    var keptNeeds = PerClass<HostNews?>(repeating: nil)
    /// What its host says that it threw away.
    private(set) var droppedByHost = TrafficCounts()
    /// The percentage that its host was told; nil before it was told any.
    var toldPercent: Int?
    private var notedDrops = TrafficCounts()
    private var notedAt: Instant?

    /// A flood that goes on is told of again after so long.
    private static let noteEvery = Duration.seconds(60)
    /// No need is longer, in bytes; what is has no right to be kept.
    static let longestNeed = 512

    init(now: Instant) {
        budget = TrafficBudget(times: TrafficBudget.margin, now: now)
        garbage = GarbageWatch(now: now)
    }

    mutating func droppedByHost(_ counts: TrafficCounts) { droppedByHost.add(counts) }

    /// All that was thrown away, by its host and here.
    func dropped(outputBytes: Int) -> TrafficCounts {
        var all = budget.dropped
        all.add(droppedByHost)
        all[.outputBytes] = outputBytes
        return all
    }

    /// What is to be told of a flood now; nil when nothing new was dropped, or it was told lately.
    mutating func note(outputBytes: Int, now: Instant) -> String? {
        let all = dropped(outputBytes: outputBytes)
        guard all != notedDrops else { return nil }
        if let notedAt, now - notedAt < FeatureTraffic.noteEvery { return nil }
        let news = all.since(notedDrops)
        notedAt = now
        notedDrops = all
        let verb = news.messages == 0 && news[.channelBytes] == 0 ? "prints" : "sends"
        let share = budget.percent < 100 ? " (limits are at \(budget.percent) %)" : ""
        return "\(verb) too much: \(news.words) thrown away\(share)"
    }
}

extension TrafficCounts {
    /// The member `droppedBy` of a feature in the status.
    var json: JSON {
        .object(TrafficClass.allCases.map { .init($0.rawValue, .integer(self[$0])) })
    }
}
