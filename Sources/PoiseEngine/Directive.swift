package import PoiseModel

/// Everything that may happen to the daemon's engine.
package enum Input: Sendable, Equatable {
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
    case need(FeatureID, CoreClass, millicores: Int, for: Duration)
    case shutdown
}

/// Everything that the engine may ask of the shell.
package enum Directive: Sendable, Equatable {
    /// A new plan is in force.
    case adopt(AllocationPlan)
    /// Start the feature's process with this allocation.
    case start(FeatureID, ResourceAllocation, generation: Int)
    /// Hold a running feature to a new allocation; `shrinks` when it loses CPUs, so that it is told
    /// before they are taken.
    case enforce(FeatureID, ResourceAllocation, generation: Int, shrinks: Bool)
    /// Ask it to finish what it does and end, within the time.
    case askToStop(FeatureID, within: Duration)
    /// End all of its processes.
    case kill(FeatureID)
    case note(EngineEvent)
    /// Everything has ended; the daemon may too.
    case quit
}

/// Something worth telling the operator.
package struct EngineEvent: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case planned, policyChanged, starting, started, stopping, stopped, failed, backingOff
        case keptOut, placed, need, late
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
