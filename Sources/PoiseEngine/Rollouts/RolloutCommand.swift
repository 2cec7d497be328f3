package import PoiseModel

/// What the operator may ask of rollouts.
package enum RolloutCommand: Sendable, Equatable, Codable {
    /// Roll a version of a plugin out.
    case begin(plugin: String, version: PluginVersion, RolloutSettings)
    /// Back to the version before.
    case rollBack(plugin: String)

    package var plugin: String {
        switch self {
        case .begin(let plugin, _, _), .rollBack(let plugin): plugin
        }
    }
}

/// How a rollout goes on, and when it goes back.
package struct RolloutSettings: Sendable, Equatable, Codable {
    /// The new version's share at each step, per cent; ends with 100.
    package var steps = [5, 25, 50, 75, 100]
    /// How long each step lasts.
    package var stepFor = Duration.seconds(30)
    /// The new version may have so many more errors in a thousand.
    package var moreErrorsPerMille = 10
    /// Its 99th percentile of latency may be higher by so many per cent.
    package var moreLatencyPercent = 20
    /// It may do so many per cent less for each core that it uses.
    package var lessThroughputPercent = 20
    /// How long it may take until it runs, and a feature until it runs it.
    package var readyWithin = Duration.seconds(60)

    /// Old and new side by side until the new one runs, then all at once.
    package static let atOnce = [100]
    package static let mostSteps = 16

    package init() {}

    /// What is wrong with it; nil when nothing is.
    package var mistake: String? {
        guard (1...RolloutSettings.mostSteps).contains(steps.count), steps.last == 100,
            (steps.first ?? 0) >= 1, zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 })
        else { return "steps are shares from 1 to 100 that grow and end with 100" }
        guard (.seconds(1) ... .seconds(86_400)).contains(stepFor) else {
            return "a step lasts from 1s to 24h"
        }
        guard (0...1000).contains(moreErrorsPerMille), (0...10_000).contains(moreLatencyPercent),
            (0...100).contains(lessThroughputPercent),
            (.seconds(1) ... .seconds(86_400)).contains(readyWithin)
        else { return "what is tolerated is a share" }
        return nil
    }
}

extension RolloutSettings: SelfChecking {
    package var contradiction: String? { mistake }
}
