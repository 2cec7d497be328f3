package import PoiseModel

/// Everything that may happen to the daemon's engine.
package enum Input: Sendable, Equatable, Codable {
    /// A new policy that has passed its checks.
    case policy(Policy)
    case operatorStart(FeatureID)
    case operatorStop(FeatureID)
    case operatorRestart(FeatureID)
    /// Turns a feature on or off for good: also the next daemon keeps to it.
    case operatorEnable(FeatureID, Bool)
    case breaker(FeatureID, BreakerCommand)
    /// The service level by hand; nil lets the load decide again.
    case level(ServiceLevel?)
    case rollout(RolloutCommand)
    /// The process could not be started, or its plugin not be found; `permanent` when trying again
    /// is of no use.
    case spawnFailed(FeatureID, because: String, permanent: Bool)
    case started(FeatureID)
    case applied(FeatureID, generation: Int)
    /// The host says that a step failed; its end follows.
    case reportedFailure(FeatureID, because: String)
    /// `kind` says in which way it failed, where it did.
    case ended(FeatureID, FeatureLife.Ending, because: String, kind: FailureKind = .crash)
    /// It failed and has not ended.
    case failed(FeatureID, FailureKind, because: String)
    /// What its plugin says of its health: when that changes, and each second while its breaker is
    /// half open.
    case health(FeatureID, HealthWord)
    /// The outcome of one check (`HealthPolicy.Check`).
    case checked(FeatureID, check: String, CheckOutcome)
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
    /// Tell a feature's plugin at which service level the machine is now.
    case serviceLevel(FeatureID, ServiceLevel)
    /// Have the kernel take so much memory back from a feature (`memory.reclaim`).
    case reclaim(FeatureID, bytes: Int)
    /// Ask a feature's plugin to give up so much memory.
    case shrink(FeatureID, bytes: Int)
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
        /// A breaker: what it decided and did not do, opened, tries again, closed.
        case detected, opened, probing, closed
        case health, level, memory, rollout, enabled, disabled
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

/// How a check went.
package enum CheckOutcome: Sendable, Equatable, Codable {
    case passed
    /// And why.
    case failed(String)
}

/// What an operator may tell a breaker.
package enum BreakerCommand: String, Sendable, Codable, CaseIterable {
    /// Closes it and forgets its failures.
    case reset
    /// Opens it until it is reset.
    case hold
}
