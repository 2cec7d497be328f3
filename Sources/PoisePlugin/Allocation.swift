public import PoiseModel

/// What a feature may use.
public struct Allocation: Sendable, Hashable {
    /// A core that the feature may run on.
    public struct Core: Sendable, Hashable {
        /// Its PUs (SMT siblings).
        public var cpus: CPUSet
        /// What kind of core it is.
        public var coreClass: CoreClass

        /// A core of a class.
        public init(_ cpus: CPUSet, _ coreClass: CoreClass) {
            self.cpus = cpus
            self.coreClass = coreClass
        }
    }

    /// CPU time by class; 1000 is one core.
    public struct Millicores: Sendable, Hashable {
        /// Of performance cores.
        public var performance: Int
        /// Of efficiency cores.
        public var efficiency: Int
        /// Of low-power cores.
        public var lowPower: Int

        /// So much of each class.
        public init(performance: Int = 0, efficiency: Int = 0, lowPower: Int = 0) {
            self.performance = performance
            self.efficiency = efficiency
            self.lowPower = lowPower
        }

        /// Of all classes together.
        public var total: Int { performance + efficiency + lowPower }

        /// Of one class.
        public subscript(coreClass: CoreClass) -> Int {
            switch coreClass {
            case .performance: performance
            case .efficiency: efficiency
            case .lowPower: lowPower
            }
        }
    }

    /// A part of an accelerator.
    public struct Accelerator: Sendable, Hashable {
        /// Poise's name of it, such as `gpu0`.
        public var id: String
        /// Memory of it.
        public var bytes: Int
        /// Share of its time, when one was given.
        public var sharePercent: Int?

        /// A part of an accelerator.
        public init(id: String, bytes: Int, sharePercent: Int?) {
            self.id = id
            self.bytes = bytes
            self.sharePercent = sharePercent
        }
    }

    /// Goes up before CPUs are taken away.
    public var generation = 0
    /// PUs that nobody else uses: whole cores.
    public var exclusive: CPUSet = []
    /// PUs that it shares with other features.
    public var shared: CPUSet = []
    /// Another feature's idle PUs, taken back on demand.
    public var borrowed: CPUSet = []
    /// PUs that it keeps for as long as it runs.
    public var baseline: CPUSet = []
    /// The cores it may run on whose class is known.
    public var knownCores: [Core] = []
    /// CPU time it is entitled to, exclusive and shared together.
    public var millicores = Millicores()
    /// Its weight on PUs that it shares, 1…10000.
    public var weight = 100
    /// Memory kept from reclaim.
    public var memoryLowBytes = 0
    /// Memory it never gets above; nil sets no limit.
    public var memoryMaxBytes: Int?
    /// What it has of accelerators.
    public var accelerators: [Accelerator] = []

    /// Nothing.
    public init() {}

    /// All PUs it may run on.
    public var cpus: CPUSet { exclusive.union(shared).union(borrowed) }

    /// The exclusive cores, a set of SMT siblings each.
    public var cores: [CPUSet] { exclusiveCores.map(\.cpus) }

    /// The exclusive cores with their class.
    public var exclusiveCores: [Core] {
        knownCores.filter { !$0.cpus.isEmpty && $0.cpus.isSubset(of: exclusive) }
    }

    /// The exclusive PUs of one class.
    public func exclusive(_ coreClass: CoreClass) -> CPUSet { part(of: exclusive, coreClass) }

    /// The shared PUs of one class.
    public func shared(_ coreClass: CoreClass) -> CPUSet { part(of: shared, coreClass) }

    /// The borrowed PUs of one class.
    public func borrowed(_ coreClass: CoreClass) -> CPUSet { part(of: borrowed, coreClass) }

    private func part(of set: CPUSet, _ coreClass: CoreClass) -> CPUSet {
        var result = CPUSet()
        for core in knownCores where core.coreClass == coreClass {
            result.formUnion(core.cpus.intersection(set))
        }
        return result
    }
}
