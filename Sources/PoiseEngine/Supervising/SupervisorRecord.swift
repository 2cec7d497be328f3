package import PoiseModel

extension Supervisor {
    /// How long each step may take.
    package struct Deadlines: Sendable, Codable {
        package var start = Duration.seconds(10)
        package var apply = Duration.seconds(5)
        /// From a question for health and load until a host has answered any.
        package var answer = Duration.seconds(5)
        /// From being told that cores are taken until they are.
        package var yield = Duration.milliseconds(10)
        package var stop = Duration.seconds(5)
        /// From a kill until it is tried again.
        package var kill = Duration.seconds(1)

        package init() {}
    }

    /// What is known of one feature.
    package struct Record: Sendable, Codable {
        package var life: FeatureLife
        package var generation = 0
        /// What it is held to.
        package var allocation: ResourceAllocation?
        /// What its host was last told that it has.
        package var told: ResourceAllocation?
        /// When cores that it was asked to give up are taken anyway.
        package var yieldBy: Instant?
        package var since: Instant
        package var lastProblem: String?
        package var restarts = 0
        /// When the engine looks at it again by itself, and why.
        package var deadline: Instant?
        package var unanswered: Int?
        package var keptOut: KeptOut?
        package internal(set) var breaker = Breaker()
        /// In which way it failed last.
        package internal(set) var lastFailure: FailureKind?
        /// When it was started again by itself.
        var restartsLately = EventWindow()
        /// When the next probe of it counts.
        var probeAt: Instant?
        var promise = PromiseWatch()
        /// Turned off by the operator.
        package internal(set) var isDisabled = false
        /// What its plugin said of its health last.
        package internal(set) var healthWord: HealthWord?
        var memory = MemoryGuard()
        /// What was read of it in this turn.
        var memoryReading: LoadReading?
    }
}
