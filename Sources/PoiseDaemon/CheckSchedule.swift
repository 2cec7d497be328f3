import PoiseEngine
import PoiseLinux
package import PoiseModel

/// One check of one feature.
package struct CheckKey: Hashable, Comparable, Sendable {
    package var feature: FeatureID
    package var check: String

    package init(_ feature: FeatureID, _ check: String) {
        self.feature = feature
        self.check = check
    }

    package static func < (left: CheckKey, right: CheckKey) -> Bool {
        (left.feature, left.check) < (right.feature, right.check)
    }
}

/// When the checks of features are due, and which are under way.
package struct CheckSchedule {
    /// More are not made at one time; the others wait for their turn.
    package static let mostAtOnce = 32

    struct Slot {
        let target: HealthPolicy.Target
        let every: Duration
        let within: Duration
        /// Its place among the feature's dependencies and checks.
        let place: Int
        /// How often it was begun.
        var count = 0
        var due: Instant
    }

    /// A check that was begun and is not over.
    final class Run {
        enum Means {
            case probe(NetworkProbe)
            case command(CheckCommand)
        }

        let means: Means
        let token: UInt64
        let deadline: Instant
        let within: Duration
        /// Nobody waits for its outcome any more, only for its end.
        var isGivenUp = false

        init(_ means: Means, token: UInt64, now: Instant, within: Duration) {
            self.means = means
            self.token = token
            self.within = within
            deadline = now + within
        }
    }

    private(set) var slots: [CheckKey: Slot] = [:]
    private(set) var runs: [CheckKey: Run] = [:]
    /// When something is to be done next.
    package private(set) var nextMoment: Instant?
    /// The turn of the daemon after which it was last brought up to date.
    var turn = -1

    package init() {}

    /// Takes the checks that are to be made now. New ones come soon, one after the other; gives
    /// those that are under way and not wanted any more.
    mutating func adopt(_ engine: Supervisor, now: Instant) -> [CheckKey] {
        var wanted: [CheckKey: Slot] = [:]
        let features = engine.policy.features
        for index in features.indices where !features[index].health.isEmpty {
            let policy = features[index]
            guard engine.records[policy.id]?.life.state == .running else { continue }
            let health = policy.health
            for (place, check) in health.all.enumerated() {
                if case .feature = check.target { continue }
                let key = CheckKey(policy.id, check.name)
                let first = CheckSchedule.pause(health.every, key, count: 0) - health.every * 9 / 10
                let slot = Slot(
                    target: check.target, every: health.every, within: health.within, place: place,
                    due: now + first / 4)
                wanted[key] = slots[key].flatMap { $0.isLike(slot) ? $0 : nil } ?? slot
            }
        }
        let gone = runs.keys.filter { key in
            guard let slot = slots[key], let now = wanted[key] else { return true }
            return !now.isLike(slot)
        }
        slots = wanted
        reckon()
        return gone.sorted()
    }

    /// Who has not answered in time.
    func overdue(now: Instant) -> [CheckKey] {
        runs.filter { !$0.value.isGivenUp && $0.value.deadline <= now }.keys.sorted()
    }

    /// Runs whose outcome somebody waits for.
    private var awaited: Int { runs.values.count { !$0.isGivenUp } }

    /// What is to be begun now, the most overdue first.
    func due(now: Instant) -> [CheckKey] {
        let due = slots.filter { $0.value.due <= now && runs[$0.key] == nil }
        let order = due.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        return order.prefix(max(0, CheckSchedule.mostAtOnce - awaited)).map(\.key)
    }

    /// Notes that a check begins; its next one is counted from now.
    mutating func begin(_ key: CheckKey, now: Instant) {
        guard var slot = slots[key] else { return }
        slot.count += 1
        slot.due = now + CheckSchedule.pause(slot.every, key, count: slot.count)
        slots[key] = slot
    }

    /// Whether a process is that of a check.
    func hasProcess(_ pid: ProcessID) -> Bool {
        runs.values.contains {
            if case .command(let command) = $0.means { command.process.pid == pid } else { false }
        }
    }

    mutating func follow(_ key: CheckKey, _ run: Run) { runs[key] = run }

    mutating func end(_ key: CheckKey) {
        runs[key] = nil
        reckon()
    }

    /// Finds out when something is to be done next.
    mutating func reckon() {
        var moments = runs.values.filter { !$0.isGivenUp }.map(\.deadline)
        if awaited < CheckSchedule.mostAtOnce {
            moments += slots.filter { runs[$0.key] == nil }.map(\.value.due)
        }
        nextMoment = moments.min()
    }

    /// From one check to the next: up to a tenth shorter or longer, as a hash of the feature, the
    /// check and its count decides (FNV-1a, then SplitMix64).
    package static func pause(_ every: Duration, _ key: CheckKey, count: Int) -> Duration {
        let hash = Fingerprint("\(key.feature)/\(key.check)/\(count)")
        var generator = SplitMix64(seed: hash.value)
        return every * Int.random(in: 900...1100, using: &generator) / 1000
    }
}

extension CheckSchedule.Slot {
    /// Whether it is the same check, whenever it is due.
    fileprivate func isLike(_ other: CheckSchedule.Slot) -> Bool {
        (target, every, within) == (other.target, other.every, other.within)
    }
}
