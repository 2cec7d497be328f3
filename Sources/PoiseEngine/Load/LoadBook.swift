package import PoiseModel

/// What is known of the load of each feature, and what each is taken to want for it.
package struct LoadBook: Sendable {
    /// The last look at each feature.
    package private(set) var readings: [FeatureID: LoadReading] = [:]
    /// The last look at the machine.
    package private(set) var machine: MachineLoad?

    package init() {}

    package mutating func take(_ turn: LoadTurn, now: Instant) {
        for (feature, reading) in turn.features { readings[feature] = reading }
        if let load = turn.machine { machine = load }
    }
}
