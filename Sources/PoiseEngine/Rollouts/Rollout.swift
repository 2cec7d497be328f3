package import PoiseModel

/// One rollout of a version of a plugin: two versions side by side, the new one with more and more
/// of the budget.
///
/// - *preparing*: the new version starts, with the first step's share; nothing is compared yet.
/// - *step*: both run; when its time is over and the new one is not worse, the next begins.
/// - *takingOver*: the new version has served with the whole budget; the features themselves are
///   started anew with it while its canaries still serve.
/// - *returning*: a feature that was to take over goes back to the old version, while the canary
///   still serves.
package struct Rollout: Sendable, Codable {
    package enum Stage: Sendable, Equatable, Codable {
        case preparing
        /// By its position in the settings' steps.
        case step(Int)
        case takingOver
        case returning(because: String)
    }

    /// One feature that runs the plugin, and what is seen of its two versions in this step.
    package struct Side: Sendable, Codable {
        package var feature: FeatureID
        package var canary: FeatureID
        var oldWindow = RolloutWindow()
        var newWindow = RolloutWindow()
        /// What the old version was like while it had enough to be compared with.
        var reference: RolloutFigures?
        /// Memory that the old version used when the step began.
        var bytesInUse: Int?
        /// Its canary was heard in this stage.
        var isHeard = false

        package var old: RolloutFigures { oldWindow.figures }
        package var new: RolloutFigures { newWindow.figures }
    }

    /// How one step of one feature went.
    package struct StepResult: Sendable, Equatable, Codable {
        package var share: Int
        package var feature: FeatureID
        package var old: RolloutFigures
        package var new: RolloutFigures
        package var verdict: RolloutVerdict
    }

    package let plugin: String
    package let from: PluginVersion
    package let to: PluginVersion
    package let settings: RolloutSettings
    /// Whether figures count; a rollback is not held up by them.
    package let compares: Bool
    /// In the order of their names.
    package internal(set) var sides: [Side]
    package internal(set) var stage = Stage.preparing
    /// When the stage began.
    package internal(set) var since: Instant
    package internal(set) var results: [StepResult] = []
    /// The step's time is over, and it goes on until its canaries run.
    var isLate = false

    /// What a canary of a feature is called; nil when that is too long.
    package static func canary(of feature: FeatureID) -> FeatureID? {
        FeatureID(feature.name + ".canary")
    }

    /// While the features start anew with the new version, its canaries keep the rest.
    static let shareOfStarting = 25

    /// The share of the canaries now, per cent.
    package var share: Int {
        switch stage {
        // Who has nothing at first must not be left without, and who is to go on needs time.
        case .preparing: min(settings.steps.first ?? 100, Rollout.shareOfStarting)
        case .step(let index): settings.steps[index]
        case .takingOver, .returning: 100 - Rollout.shareOfStarting
        }
    }

    /// Which version the features themselves are to run.
    var versionOfFeatures: PluginVersion { stage == .takingOver ? to : from }

    /// When the stage is over at the latest, or is to be looked at.
    var due: Instant {
        switch stage {
        case .preparing, .takingOver, .returning: since + settings.readyWithin
        case .step where isLate: since + settings.stepFor + settings.readyWithin
        case .step: since + settings.stepFor
        }
    }

    /// Before this nothing counts in a step: what is told then is still of the step before.
    var settled: Instant {
        since + min(.seconds(3), .nanoseconds(settings.stepFor.wholeNanoseconds / 5))
    }

    /// Begins a stage: what was seen before does not count in it.
    mutating func enter(_ stage: Stage, _ now: Instant) {
        self.stage = stage
        since = now
        isLate = false
        forgetWindows()
    }

    mutating func forgetWindows() {
        for index in sides.indices {
            sides[index].oldWindow = RolloutWindow()
            sides[index].newWindow = RolloutWindow()
            sides[index].isHeard = false
        }
    }

    /// Takes what was seen of its features in one look.
    mutating func take(_ turn: LoadTurn, _ now: Instant) {
        for index in sides.indices {
            let old = turn.features[sides[index].feature]
            let new = turn.features[sides[index].canary]
            if new != nil { sides[index].isHeard = true }
            switch stage {
            case .preparing: old.map { sides[index].oldWindow.add($0) }
            case .step where now >= settled:
                old.map { sides[index].oldWindow.add($0) }
                new.map { sides[index].newWindow.add($0) }
            case .step, .takingOver, .returning: break
            }
        }
    }

    /// What the old version is compared by: at 100 % it has nothing left to show.
    func baseline(_ side: Side) -> RolloutFigures {
        share == 100 ? side.reference ?? RolloutFigures() : side.old.filled(from: side.reference)
    }

    /// How the features compare now.
    package func comparisons() -> [StepResult] {
        guard case .step = stage else { return [] }
        return sides.map { side in
            let (old, new) = (baseline(side), side.new)
            return StepResult(
                share: share, feature: side.feature, old: old, new: new,
                verdict: RolloutVerdict(old: old, new: new, settings))
        }
    }
}

extension Rollout: SelfChecking {
    package var contradiction: String? {
        if case .step(let index) = stage, !settings.steps.indices.contains(index) {
            return "is at a step that it has not"
        }
        if zip(sides, sides.dropFirst()).contains(where: { $0.feature >= $1.feature }) {
            return "features are not in the order of their names"
        }
        if sides.contains(where: { $0.canary != Rollout.canary(of: $0.feature) }) {
            return "has a canary of another name"
        }
        return sides.allSatisfy { (0...1 << 40).contains($0.bytesInUse ?? 0) }
            ? nil : "uses memory that cannot be"
    }
}

/// How a rollout ended.
package struct RolloutOutcome: Sendable, Codable {
    package enum Result: String, Sendable, Codable {
        /// The new version is in force.
        case finished
        /// The old one stays.
        case rolledBack
        /// Nothing of it is wanted any more.
        case ended
    }

    package let plugin: String
    package let from: PluginVersion
    package let to: PluginVersion
    package let result: Result
    package let because: String
    package let results: [Rollout.StepResult]
    /// Nil when it was before this boot.
    package internal(set) var at: Instant?

    /// The earliest first.
    var order: Instant { at ?? Instant(nanoseconds: .min) }
}
