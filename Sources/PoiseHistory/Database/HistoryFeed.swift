package import PoiseEngine
package import PoiseModel

/// Gathers what features do, second by second, into minutes, and notes changes of plans.
package struct HistoryFeed: Sendable {
    /// A mean and a peak of whole numbers.
    private struct Mean: Sendable {
        private var sum = 0
        private var count = 0
        private(set) var peak: Int?

        mutating func add(_ value: Int?) {
            guard let value else { return }
            sum += value
            count += 1
            peak = max(peak ?? value, value)
        }

        var mean: Int? { count == 0 ? nil : sum / count }
    }

    private struct Gathered: Sendable {
        var demand = Mean()
        var allocated = Mean()
        var pressure = Mean()
        /// The account and the moment when the minute began.
        var before: LoanAccount.Sums?
        var latest: LoanAccount.Sums?
    }

    private var minute: Int?
    private var beganAt: Instant
    private var gathered: [FeatureID: Gathered] = [:]
    private var sums: [FeatureID: LoanAccount.Sums] = [:]
    private var plan: AllocationPlan?
    private var changes: [AllocationChange] = []
    /// More changes within a minute than this are not kept one by one.
    private static let mostChanges = 1000

    package init(now: Instant) { beganAt = now }

    /// Takes one look, about once a second; gives the minute that has just ended.
    package mutating func look(
        at engine: Supervisor, wallSeconds: Int, now: Instant
    ) -> [FeatureMinute] {
        var done: [FeatureMinute] = []
        if let minute, minute != wallSeconds / 60 { done = close(minute, now) }
        minute = wallSeconds / 60
        for (id, record) in engine.records {
            guard record.life.hasProcess || engine.plan[id] != nil else { continue }
            var one = gathered[id] ?? Gathered(before: sums[id])
            let load = engine.load.features[id]
            one.demand.add(load?.demand)
            one.allocated.add(record.allocation?.millicores.total)
            one.pressure.add(load?.reading.cpuPressurePerMille)
            one.latest = engine.load.account.sums[id]
            gathered[id] = one
        }
        return done
    }

    /// What is gathered and not a whole minute yet: the daemon ends.
    package mutating func finish(_ now: Instant) -> [FeatureMinute] {
        minute.map { close($0, now) } ?? []
    }

    private mutating func close(_ number: Int, _ now: Instant) -> [FeatureMinute] {
        let microseconds = (now - beganAt).wholeNanoseconds / 1000
        beganAt = now
        let minutes = gathered.sorted { $0.key < $1.key }.map { id, one in
            var minute = FeatureMinute(feature: id, minute: number)
            minute.demandMean = one.demand.mean
            minute.demandPeak = one.demand.peak
            minute.allocatedMean = one.allocated.mean
            minute.pressureMean = one.pressure.mean
            let before = one.before ?? LoanAccount.Sums()
            let mean = { (part: KeyPath<LoanAccount.Sums, Int>) -> Int? in
                guard let latest = one.latest, microseconds > 0 else { return nil }
                let difference = latest[keyPath: part] - before[keyPath: part]
                return difference < 0 ? nil : difference * 1000 / microseconds
            }
            minute.usedMean = mean(\.used)
            minute.lentMean = mean(\.lent)
            minute.borrowedMean = mean(\.borrowed)
            return minute
        }
        sums = gathered.compactMapValues(\.latest)
        gathered = [:]
        return minutes
    }

    /// Notes what a turn changed for whom, and why, as far as its events tell.
    package mutating func note(_ directives: [Directive], wallSeconds: Int) {
        var adopted: AllocationPlan?
        var events: [EngineEvent] = []
        for directive in directives {
            switch directive {
            case .adopt(let plan): adopted = plan
            case .note(let event): events.append(event)
            default: break
            }
        }
        guard let new = adopted else { return }
        let old = plan
        plan = new
        let names = Set(new.features.map(\.feature)).union(old?.features.map(\.feature) ?? [])
        for feature in names.sorted() {
            let (before, after) = (old?[feature], new[feature])
            guard before?.millicores != after?.millicores || before?.cpus != after?.cpus
            else { continue }
            let kept = new.keptOut.first { $0.feature == feature }?.because
            changes.append(
                AllocationChange(
                    feature: feature, time: wallSeconds,
                    beforeMillicores: before?.millicores.total,
                    afterMillicores: after?.millicores.total,
                    cpus: after?.cpus.description ?? "",
                    because: HistoryFeed.cause(of: feature, events)
                        ?? after?.because ?? kept ?? "it no longer takes part"))
        }
        if changes.count > HistoryFeed.mostChanges {
            changes.removeFirst(changes.count - HistoryFeed.mostChanges)
        }
    }

    /// What happened in the turn that may have led to a change: to the feature itself, else to all,
    /// else to others, whom it then names. Nil when nothing did, as in a first plan.
    private static func cause(of feature: FeatureID, _ events: [EngineEvent]) -> String? {
        let causes = events.filter { event in
            switch event.kind {
            case .planned, .starting, .started, .placed, .found, .late, .forced, .refused: false
            default: true
            }
        }
        let own = causes.filter { $0.feature == feature }
        let common = causes.filter { $0.feature == nil }
        if !own.isEmpty || !common.isEmpty {
            return (own + common).map(\.text).joined(separator: "; ")
        }
        let others = causes.compactMap { event in event.feature.map { "\($0): \(event.text)" } }
        guard let first = others.first else { return nil }
        return others.count == 1 ? first : "\(first) (and \(others.count - 1) more)"
    }

    /// The changes since they were taken the last time.
    package mutating func takeChanges() -> [AllocationChange] {
        defer { changes = [] }
        return changes
    }
}
