/// What the cgroup of one feature is set to, or is to be set to.
package struct ControlGroup: Sendable, Equatable {
    /// All PUs of `cpuset.cpus`.
    package var cpus: CPUSet
    /// Those of `cpus` that are whole cores of the feature's own: in no other group's `cpus`.
    package var exclusive: CPUSet
    /// How many PUs it must keep in the middle of a change, at least 1.
    package var fewestCPUs: Int
    /// Every other setting in the kernel's own form, as it is read back: `cpu.weight` → `100`,
    /// `memory.max` → `1073741824`, `io.max` of `8:0` → `rbps=max wbps=1024 riops=max wiops=max`.
    ///
    /// A key that is not here is not Poise's: it is neither read nor written. A setting is given
    /// back by `ControlFile.standard`.
    package var values: [ControlKey: String]

    package init(
        cpus: CPUSet = [], exclusive: CPUSet = [], fewestCPUs: Int = 1,
        values: [ControlKey: String] = [:]
    ) {
        self.cpus = cpus
        self.exclusive = exclusive
        self.fewestCPUs = fewestCPUs
        self.values = values
    }

    /// The text of any setting, that of `cpuset.cpus` among them.
    package subscript(key: ControlKey) -> String? {
        key.file == .cpusetCPUs ? cpus.description : values[key]
    }
}

/// One change of the control tree; none of them changes nothing.
package enum ControlStep: Sendable, Equatable, CustomStringConvertible {
    /// Makes the cgroup of a feature (`mkdir`).
    case make(FeatureID)
    /// Writes one setting; `was` is what a rollback writes.
    case write(FeatureID, ControlKey, value: String, was: String)
    /// Removes the empty cgroup of a feature (`rmdir`).
    case remove(FeatureID)

    package var feature: FeatureID {
        switch self {
        case .make(let feature), .remove(let feature): feature
        case .write(let feature, _, _, _): feature
        }
    }

    package var description: String {
        switch self {
        case .make(let feature): "make \(feature)"
        case .write(let feature, let key, let value, _): "\(feature): \(key) = \(value)"
        case .remove(let feature): "remove \(feature)"
        }
    }
}

/// How a step went.
package struct ControlOutcome: Sendable, Equatable {
    package enum Result: Sendable, Equatable {
        case done
        /// The kernel took the write, but shows another value when it is read back.
        case different(String)
        case refused(Errno)
        /// Undone, because a later step of the same change was refused.
        case rolledBack
    }

    package var step: ControlStep
    package var result: Result
    /// What the operator can do about it; empty when nothing is wrong.
    package var remedy: String

    package init(step: ControlStep, result: Result, remedy: String = "") {
        self.step = step
        self.result = result
        self.remedy = remedy
    }
}
