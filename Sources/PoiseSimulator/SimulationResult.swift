package import PoiseModel

/// What came of a simulation.
package struct SimulationResult: Sendable, Equatable {
    package var machine: String
    package var policy: String
    package var trace: String
    package var length: Duration
    /// Calls of the engine.
    package var decisions = 0
    /// Plans that differed from the one before.
    package var plans = 0
    /// In the order of their names.
    package var features: [Feature]
    /// Classes of the machine, most capable first.
    package var classes: [Class] = []
    package var chart: Chart

    /// One feature over the whole time.
    package struct Feature: Sendable, Equatable {
        package var feature: FeatureID
        package var priority: Int
        /// What it was entitled to, and what it used (of its own, and of others).
        package var allocatedCoreSeconds = 0.0
        package var usedCoreSeconds = 0.0
        /// What others used of its own, and it of theirs, by the engine's account.
        package var lentCoreSeconds = 0.0
        package var borrowedCoreSeconds = 0.0
        /// The same as it was; what was borrowed of idle cores that are nobody's counts too. The
        /// engine only sees what samplers tell it.
        package var lentInTruth = 0.0
        package var borrowedInTruth = 0.0
        /// How often there began a time of 100 ms or more for most of which it was held to less
        /// than its minimum, or wanted its minimum and could not use it.
        package var minimumBreaches = 0
        package var resizes = 0
        /// CPUs that it had to leave while it ran.
        package var movedCPUs = 0
        /// Work in seconds of a performance core: what arrived, what was done, and what was given
        /// up or left over in the end.
        package var arrivedWork = 0.0
        package var doneWork = 0.0
        package var unservedWork = 0.0
        /// From the arrival of work until it is done; nil when there was none.
        package var waitP99: Duration?
        /// The part of its time in which it waited for a CPU.
        package var pressedSeconds = 0.0
        package var runningSeconds = 0.0
        /// Why it had no place in the end; nil when it had one.
        package var keptOutBecause: String?
    }

    /// How busy the cores of a class were, as a part of all of them.
    package struct Class: Sendable, Equatable {
        package var coreClass: CoreClass
        package var cores: Int
        /// In the busiest five seconds, and from the first to the last.
        package var busyAtPeak: Double
        package var busySustained: Double
    }

    /// The course of the run in equal stretches of time.
    package struct Chart: Sendable, Equatable {
        package var binSeconds: Double
        package var bins: [Bin] = []
        /// Cores of the machine.
        package var cores: Int
        package var marks: [Mark] = []
        /// Marks beyond those that are kept.
        package var furtherMarks = 0
    }

    /// One stretch of time; lists are by feature.
    package struct Bin: Sendable, Equatable {
        package var seconds = 0.0
        package var allocated: [Double]
        package var used: [Double]
        /// Work that arrived, in performance cores' worth.
        package var arriving: [Double]
        /// Part of the time in which it waited for a CPU, 0…1.
        package var pressed: [Double]

        init(features: Int) {
            let none = [Double](repeating: 0, count: features)
            allocated = none
            used = none
            arriving = none
            pressed = none
        }
    }

    /// Something that happened to a feature.
    package struct Mark: Sendable, Equatable {
        package enum Kind: Sendable, Equatable {
            /// It left so many CPUs.
            case moved(Int)
            case breach
        }

        package var seconds: Double
        /// Position of the feature.
        package var feature: Int
        package var kind: Kind
    }

    package subscript(feature: FeatureID) -> Feature? {
        features.first { $0.feature == feature }
    }
}
