package import PoiseModel

/// One minute of one feature; what is not known is nil.
package struct FeatureMinute: Sendable, Equatable {
    package var feature: FeatureID
    /// Minutes since 1970.
    package var minute: Int
    /// What its load and its needs were taken to want, in millicores.
    package var demandMean: Int?
    package var demandPeak: Int?
    package var usedMean: Int?
    package var allocatedMean: Int?
    /// Cores of its own on which others might run, and of others on which it might, in millicores.
    package var lentMean: Int?
    package var borrowedMean: Int?
    /// Time in which some of it waited for a CPU, per mille.
    package var pressureMean: Int?

    package init(feature: FeatureID, minute: Int) {
        self.feature = feature
        self.minute = minute
    }
}

/// A change of what one feature has.
package struct AllocationChange: Sendable, Equatable {
    package var feature: FeatureID
    /// Seconds since 1970.
    package var time: Int
    /// Nil when it had, or has, nothing.
    package var beforeMillicores: Int?
    package var afterMillicores: Int?
    package var cpus: String
    package var because: String

    package init(
        feature: FeatureID, time: Int, beforeMillicores: Int?, afterMillicores: Int?, cpus: String,
        because: String
    ) {
        self.feature = feature
        self.time = time
        self.beforeMillicores = beforeMillicores
        self.afterMillicores = afterMillicores
        self.cpus = cpus
        self.because = because
    }
}

/// What one feature did over a while, for people: at most so many points, and the last changes.
package struct FeatureHistory: Sendable, Equatable {
    /// The minutes that one point stands for.
    package var minutesAPoint: Int
    /// Oldest first; `minute` is the first one of a point. Times without a daemon have no points.
    package var points: [FeatureMinute]
    /// Newest last.
    package var changes: [AllocationChange]

    package init(
        minutesAPoint: Int, points: [FeatureMinute], changes: [AllocationChange]
    ) {
        self.minutesAPoint = minutesAPoint
        self.points = points
        self.changes = changes
    }
}
