/// All allocations of one turn, with the reason for each.
package struct AllocationPlan: Sendable, Equatable, Codable {
    package var machine: String
    package var policy: String
    /// PUs that belong to no feature: the operating system's.
    package var reserved: CPUSet
    /// PUs that nobody was given.
    package var idle: CPUSet
    /// Time on the shared cores that is kept for the operating system (a fractional reserve).
    package var reservedMillicores: Int
    /// In the order of the features' names.
    package var features: [ResourceAllocation]
    /// Features that cannot have their minimum, in the order of their names.
    package var keptOut: [KeptOut]

    package init(
        machine: String, policy: String, reserved: CPUSet = [], idle: CPUSet = [],
        reservedMillicores: Int = 0, features: [ResourceAllocation] = [], keptOut: [KeptOut] = []
    ) {
        self.machine = machine
        self.policy = policy
        self.reserved = reserved
        self.idle = idle
        self.reservedMillicores = reservedMillicores
        self.features = features
        self.keptOut = keptOut
    }

    /// What `feature` gets, or nil when it has no place in the plan.
    package subscript(feature: FeatureID) -> ResourceAllocation? {
        features.first { $0.feature == feature }
    }
}

/// A feature that was not given a place, and what it lacks.
package struct KeptOut: Sendable, Equatable, Codable {
    package var feature: FeatureID
    package var priority: Int
    package var level: ServiceLevel
    package var unmet: [Unmet]
    package var because: String

    package init(
        feature: FeatureID, priority: Int, level: ServiceLevel, unmet: [Unmet], because: String
    ) {
        self.feature = feature
        self.priority = priority
        self.level = level
        self.unmet = unmet
        self.because = because
    }
}
