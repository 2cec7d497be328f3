package import PoiseModel

/// What a plugin may say to its host, so that one that floods floods nobody else.
///
/// What is beyond its `TrafficBudget` is dropped and counted. Of needs the newest of each class is
/// kept until there is room, because a need that was taken back and did not arrive would last.
package struct HostChannelBudget: Sendable {
    package struct Need: Sendable, Equatable {
        package var coreClass: CoreClass
        package var millicores: Int
        package var milliseconds: Int
        /// When the plugin said so.
        package var signalled: Instant?

        package init(
            coreClass: CoreClass, millicores: Int, milliseconds: Int, signalled: Instant? = nil
        ) {
            self.coreClass = coreClass
            self.millicores = millicores
            self.milliseconds = milliseconds
            self.signalled = signalled
        }
    }

    private var traffic: TrafficBudget
    private var kept = PerClass<Need?>(repeating: nil)
    /// What was dropped and told before.
    private var toldDrops = TrafficCounts()
    private var told: Instant

    package init(now: Instant) {
        traffic = TrafficBudget(now: now)
        told = now
    }

    /// Makes everything so many per cent of what it is otherwise: the machine is under pressure.
    package mutating func limit(percent: Int, now: Instant) {
        traffic.limit(percent: percent, now: now)
    }

    /// Whether something waits for time to pass: a need, or drops that were not told.
    package var isWaiting: Bool {
        traffic.dropped != toldDrops || CoreClass.allCases.contains { kept[$0] != nil }
    }

    /// Whether a log line, an event, a report or a word of health may go out now.
    package mutating func admits(_ kind: TrafficClass, now: Instant) -> Bool {
        traffic.admit(kind, now: now)
    }

    /// Counts as dropped what was let through and found no room further on.
    package mutating func dropPassed(_ kind: TrafficClass) { traffic.dropPassed(kind) }

    /// Keeps a need until `takeNeeds`; an older one of the same class is dropped.
    package mutating func keep(_ need: Need) {
        if kept[need.coreClass] != nil { traffic.drop(.needs) }
        kept[need.coreClass] = need
    }

    /// The needs that may go out now, from performance to low power.
    package mutating func takeNeeds(now: Instant) -> [Need] {
        var taken: [Need] = []
        for coreClass in CoreClass.allCases {
            guard let need = kept[coreClass], traffic.pass(.needs, now: now) else { continue }
            kept[coreClass] = nil
            taken.append(need)
        }
        return taken
    }

    /// What was dropped since it was told last; nil when that is nothing or less than a second ago.
    package mutating func takeDropped(now: Instant) -> HostNews? {
        guard traffic.dropped != toldDrops, now - told >= .seconds(1) else { return nil }
        defer {
            toldDrops = traffic.dropped
            told = now
        }
        return .dropped(traffic.dropped.since(toldDrops))
    }
}
