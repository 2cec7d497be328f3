package import PoiseModel

/// Everything that may happen to the daemon's engine.
package enum Input: Sendable, Equatable, Codable {
    /// A new policy that has passed its checks.
    case policy(Policy)
    case operatorStart(FeatureID)
    case operatorStop(FeatureID)
    case operatorRestart(FeatureID)
    /// The process could not be started, or its plugin not be found; `permanent` when trying again
    /// is of no use.
    case spawnFailed(FeatureID, because: String, permanent: Bool)
    case started(FeatureID)
    case applied(FeatureID, generation: Int)
    /// The host says that a step failed; its end follows.
    case reportedFailure(FeatureID, because: String)
    case ended(FeatureID, FeatureLife.Ending, because: String)
    /// A look at the load of features.
    case load(LoadTurn)
    case need(FeatureID, CoreClass, millicores: Int, for: Duration)
    /// A feature that an earlier daemon started is running.
    case found(FeatureID, Found)
    /// The kernel did not take the last `enforce`; everything is as it was before.
    case refused(because: String)
    /// CPUs came or went.
    case machine(Machine)
    case shutdown

    /// What is known of a feature that an earlier daemon started.
    package struct Found: Sendable, Equatable, Codable {
        package var allocation: ResourceAllocation
        package var generation: Int
        package var restarts: Int
        package var failures: Int
        package var since: Instant

        package init(
            allocation: ResourceAllocation, generation: Int, restarts: Int = 0, failures: Int = 0,
            since: Instant
        ) {
            self.allocation = allocation
            self.generation = generation
            self.restarts = restarts
            self.failures = failures
            self.since = since
        }
    }
}

/// Everything that the engine may ask of the shell.
package enum Directive: Sendable, Equatable, Codable {
    /// A new plan is in force.
    case adopt(AllocationPlan)
    /// Start the feature's process with this allocation.
    case start(FeatureID, ResourceAllocation, generation: Int)
    /// Tell a feature's host what it has, without changing what it is held to.
    case tell(FeatureID, ResourceAllocation, generation: Int)
    /// Hold features to new allocations, all or none of them, then tell each; those that lose CPUs
    /// come first.
    case enforce([Change])
    /// Ask it to finish what it does and end, within the time.
    case askToStop(FeatureID, within: Duration)
    /// End all of its processes.
    case kill(FeatureID)
    case note(EngineEvent)
    /// Everything has ended; the daemon may too.
    case quit

    /// A new allocation of a feature that has one.
    package struct Change: Sendable, Equatable, Codable {
        package var feature: FeatureID
        package var allocation: ResourceAllocation
        package var generation: Int
    }
}

/// Something worth telling the operator.
package struct EngineEvent: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case planned, policyChanged, starting, started, stopping, stopped, failed, backingOff
        case keptOut, placed, need, late, forced, refused, found, machineChanged
        case load, doubted, lent, returned
    }

    package var kind: Kind
    package var feature: FeatureID?
    package var text: String

    package init(_ kind: Kind, _ feature: FeatureID? = nil, _ text: String) {
        self.kind = kind
        self.feature = feature
        self.text = text
    }
}
