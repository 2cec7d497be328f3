package import PoiseModel

/// What a simulation assumes of the world beyond machine, policy and load.
package struct SimulationSettings: Sendable, Equatable {
    /// From the start of a process until it works.
    package var startDelay = Duration.milliseconds(50)
    /// From a new allocation until the host has answered.
    package var answerDelay = Duration.milliseconds(1)
    /// From being asked to end until it has ended.
    package var stopDelay = Duration.milliseconds(20)
    /// Work that waits for longer is given up and counts as unserved.
    package var patience = Duration.seconds(5)
    /// What a core of each class does in the time in which a performance core does 1.
    package var speeds = PerClass<Double>(repeating: 1)
    /// The wall clock at the start, in seconds since 1970: midnight of a Tuesday (UTC).
    package var wallStart = 1_699_920_000

    package init() {
        speeds.efficiency = 0.6
        speeds.lowPower = 0.4
    }
}
