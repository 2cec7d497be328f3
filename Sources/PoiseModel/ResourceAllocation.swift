/// What one feature gets.
package struct ResourceAllocation: Sendable, Equatable, Codable {
    package var feature: FeatureID
    package var priority: Int
    package var level: ServiceLevel
    /// PUs that nobody else uses: whole cores.
    package var exclusive: CPUSet
    /// PUs that it shares with other features.
    package var shared: CPUSet
    /// PUs of another feature's idle budget, given back on demand.
    package var borrowed: CPUSet
    /// PUs of its own on which others run while it leaves them idle; it goes first there.
    package var lent: CPUSet = []
    /// Whole exclusive cores, by the class they are.
    package var cores: PerClass<Int>
    /// The CPU time it is entitled to, exclusive and shared, by the class it comes from.
    package var millicores: PerClass<Int>
    /// The demand this answers, after the policy's limits; what the deadband compares with.
    package var wanted: PerClass<Int>
    /// Its share of the cores that it shares (`cpu.weight`), 1…10000.
    package var weight: Int
    /// Where its memory comes from (`cpuset.mems`).
    package var nodes: NodeSet
    package var memory: MemoryBudget
    package var accelerators: [AcceleratorShare]
    package var unmet: [Unmet]
    /// Why it has what it has, as a person would say it.
    package var because: String

    /// All PUs it may run on.
    package var cpus: CPUSet { exclusive.union(shared).union(borrowed) }

    package init(
        feature: FeatureID, priority: Int = 50, level: ServiceLevel = .full,
        exclusive: CPUSet = [], shared: CPUSet = [], borrowed: CPUSet = [],
        cores: PerClass<Int> = .zero, millicores: PerClass<Int> = .zero,
        wanted: PerClass<Int> = .zero, weight: Int = 100, nodes: NodeSet = [],
        memory: MemoryBudget = MemoryBudget(), accelerators: [AcceleratorShare] = [],
        unmet: [Unmet] = [], because: String = ""
    ) {
        self.feature = feature
        self.priority = priority
        self.level = level
        self.exclusive = exclusive
        self.shared = shared
        self.borrowed = borrowed
        self.cores = cores
        self.millicores = millicores
        self.wanted = wanted
        self.weight = weight
        self.nodes = nodes
        self.memory = memory
        self.accelerators = accelerators
        self.unmet = unmet
        self.because = because
    }
}

/// Memory of one feature in bytes, by the words of cgroup v2; nil sets no limit.
package struct MemoryBudget: Sendable, Equatable, Codable {
    /// Never reclaimed (`memory.min`).
    package var minBytes: Int
    /// Kept from reclaim (`memory.low`).
    package var lowBytes: Int
    /// Throttled above (`memory.high`).
    package var highBytes: Int?
    /// Never above (`memory.max`).
    package var maxBytes: Int?

    package init(
        minBytes: Int = 0, lowBytes: Int = 0, highBytes: Int? = nil, maxBytes: Int? = nil
    ) {
        self.minBytes = minBytes
        self.lowBytes = lowBytes
        self.highBytes = highBytes
        self.maxBytes = maxBytes
    }
}

/// A part of an accelerator: memory of a GPU, or a share of an NPU.
package struct AcceleratorShare: Sendable, Equatable, Codable {
    package var id: String
    package var bytes: Int
    package var sharePercent: Int?

    package init(id: String, bytes: Int, sharePercent: Int?) {
        self.id = id
        self.bytes = bytes
        self.sharePercent = sharePercent
    }
}

/// A wish that the machine does not grant, and why.
package struct Unmet: Sendable, Equatable, Codable {
    /// What was wished for, and in which unit `wanted` and `got` count it.
    package enum Resource: Sendable, Equatable, Codable {
        /// Millicores of a class.
        case cores(CoreClass)
        /// Bytes.
        case memory
        /// Bytes of one GPU.
        case gpu
        /// Per cent of one NPU.
        case npu
    }

    package var resource: Resource
    package var wanted: Int
    package var got: Int
    package var because: String

    package init(resource: Resource, wanted: Int, got: Int, because: String) {
        self.resource = resource
        self.wanted = wanted
        self.got = got
        self.because = because
    }
}

/// How firmly this host holds a line of a budget.
package enum Held: String, Sendable, CaseIterable, Codable {
    /// The kernel holds the feature to it.
    case enforced
    /// Nobody stops it, but crossing it is seen.
    case monitored
    /// Only told to the feature.
    case advisory
}
