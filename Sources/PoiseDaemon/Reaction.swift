import PoiseModel

/// How fast the daemon is, as it measures itself.
struct Reaction {
    /// From a plugin's call that signals a need until the kernel holds the feature to more.
    private(set) var need = DurationHistogram()
    /// From the kernel's or a look's telling that a feature waits until it is held to more.
    private(set) var pressure = DurationHistogram()
    /// From a decision until the kernel holds everybody to it.
    private(set) var apply = DurationHistogram()
    /// Deciding and performing.
    private(set) var turn = DurationHistogram()
    /// Looking at the load of features.
    private(set) var look = DurationHistogram()
    /// Threads that were moved, in all and at most in one decision.
    private(set) var threads = (all: 0, most: 0)
    /// Times that a feature waited and got nothing for it: the wait was over before, or it may not
    /// have more.
    private(set) var unanswered = 0

    private var needed: [FeatureID: Instant] = [:]
    private var waiting: [FeatureID: Instant] = [:]
    /// What each is held to.
    private var given: [FeatureID: (cpus: Int, millicores: Int)] = [:]
    /// A wait that nothing came of for so long is not what a later change is for.
    private static let patience = Duration.seconds(10)

    mutating func needs(_ feature: FeatureID, since moment: Instant) {
        needed[feature] = needed[feature] ?? moment
    }

    mutating func waits(_ feature: FeatureID, since moment: Instant) {
        waiting[feature] = waiting[feature] ?? moment
    }

    /// A look shows that it does not wait any more, or still does.
    mutating func looked(_ feature: FeatureID, waits: Bool, now: Instant) {
        if let since = waiting[feature], !waits || now - since > Reaction.patience {
            waiting[feature] = nil
            unanswered += 1
        }
        if waits { self.waits(feature, since: now) }
    }

    /// A feature has this from its start.
    mutating func began(_ allocation: ResourceAllocation) { _ = grows(allocation) }

    /// The kernel holds features to what was decided for them.
    mutating func applied(
        _ allocations: [ResourceAllocation], threads moved: Int, decided: Instant, now: Instant
    ) {
        apply.record(now - decided)
        threads = (threads.all + moved, max(threads.most, moved))
        for allocation in allocations where grows(allocation) {
            let feature = allocation.feature
            if let since = needed.removeValue(forKey: feature) { need.record(now - since) }
            if let since = waiting.removeValue(forKey: feature) { pressure.record(now - since) }
        }
    }

    private mutating func grows(_ allocation: ResourceAllocation) -> Bool {
        let now = (cpus: allocation.cpus.count, millicores: allocation.millicores.total)
        let before = given.updateValue(now, forKey: allocation.feature) ?? (0, 0)
        return now.cpus > before.cpus || now.millicores > before.millicores
    }

    /// A turn is over; needs that nothing is outstanding for were met before, or cannot be.
    mutating func turned(
        _ time: Duration, isOutstanding: (FeatureID) -> Bool
    ) {
        turn.record(time)
        if !needed.isEmpty { needed = needed.filter { isOutstanding($0.key) } }
    }

    mutating func looked(_ time: Duration) { look.record(time) }

    mutating func forget(_ feature: FeatureID) {
        needed[feature] = nil
        waiting[feature] = nil
        given[feature] = nil
    }

    /// The member `reaction` of the status.
    var json: JSON {
        [
            "need": .object(Reaction.members(need)),
            "pressure": .object(
                Reaction.members(pressure) + [.init("unanswered", .integer(unanswered))]),
            "apply": .object(
                Reaction.members(apply) + [
                    .init("threads", .integer(threads.all)),
                    .init("mostThreads", .integer(threads.most)),
                ]),
            "turn": .object(Reaction.members(turn)), "look": .object(Reaction.members(look)),
        ]
    }

    private static func members(_ times: DurationHistogram) -> [JSON.Member] {
        let microseconds = { (time: Duration?) in
            JSON(time.map { Double($0.wholeNanoseconds) / 1000 })
        }
        return [
            .init("count", .integer(Int(clamping: times.count))),
            .init("p50Microseconds", microseconds(times.p50)),
            .init("p99Microseconds", microseconds(times.p99)),
            .init("maxMicroseconds", microseconds(times.longest)),
        ]
    }
}
