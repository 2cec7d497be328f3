/// What the operator wants, without any machine in mind.
///
/// Read from YAML by `PoisePolicyFile`; every value here has passed its checks. Cores are counted
/// in millicores (1000 is one whole core of whatever SMT width), memory in bytes.
package struct Policy: Sendable, Equatable, Codable {
    package var name: String
    package var reserve: Reserve
    /// In the order of their names; the order in the file means nothing.
    package var features: [FeaturePolicy]
    package var rebalance: Rebalance
    package var levels: [ServiceLevel: LevelTrigger]
    /// Limits of breakers and restarts over all features.
    package var supervision = SupervisionPolicy()
    /// What features say to each other.
    package var bus = BusPolicy()

    package init(
        name: String, reserve: Reserve = Reserve(), features: [FeaturePolicy],
        rebalance: Rebalance = Rebalance(), levels: [ServiceLevel: LevelTrigger] = [:]
    ) {
        self.name = name
        self.reserve = reserve
        self.features = features.sorted { $0.id < $1.id }
        self.rebalance = rebalance
        self.levels = levels
    }

    /// What it says of a feature; nil when it does not name it.
    package subscript(feature: FeatureID) -> FeaturePolicy? {
        features.first { $0.id == feature }
    }
}

/// What is kept for the operating system and `poised`.
package struct Reserve: Sendable, Equatable, Codable {
    /// Whole cores are taken out of use; a fraction is time left free on the shared cores.
    package var millicores: Int
    package var memoryBytes: Int
    /// Which cores; nil takes them from the least capable class that has enough.
    package var coreClass: CoreClass?

    package init(millicores: Int = 0, memoryBytes: Int = 0, coreClass: CoreClass? = nil) {
        self.millicores = millicores
        self.memoryBytes = memoryBytes
        self.coreClass = coreClass
    }
}

/// When and how far the plan follows the load.
package struct Rebalance: Sendable, Equatable, Codable {
    package var every: Duration
    /// Changes of demand up to this many per cent of the demand in force change nothing.
    package var deadbandPercent: Int
    package var growAtOnce: Bool
    package var shrinkAfter: Duration
    /// Nil foretells nothing.
    package var forecast: ForecastSetting? = ForecastSetting()

    package init(
        every: Duration = .milliseconds(100), deadbandPercent: Int = 5, growAtOnce: Bool = true,
        shrinkAfter: Duration = .seconds(2)
    ) {
        self.every = every
        self.deadbandPercent = deadbandPercent
        self.growAtOnce = growAtOnce
        self.shrinkAfter = shrinkAfter
    }
}

/// How demand is foretold from earlier seasons.
package struct ForecastSetting: Sendable, Equatable, Codable {
    /// The length of a season.
    package var season: Duration
    /// The season is cut into steps of this length; it is foretold one step ahead.
    package var step: Duration

    package init(season: Duration = .seconds(86_400), step: Duration = .seconds(60)) {
        self.season = season
        self.step = step
    }
}

/// What one feature is and what it is to get.
package struct FeaturePolicy: Sendable, Equatable, Codable {
    /// What runs.
    package enum Source: Sendable, Equatable, Codable {
        /// A plugin by name (found in the plugin folders) or by path (with a `/` in it).
        case plugin(String)
        /// A command line; the first word is the program.
        case command([String])
        /// A systemd unit that already exists.
        case unit(String)
    }

    package enum Sharing: String, Sendable, CaseIterable, Codable { case exclusive, shared }

    /// What happens when a minimum cannot be met.
    package enum Shortage: String, Sendable, CaseIterable, Codable {
        /// The feature is kept out and says so.
        case keepOut
        /// The feature starts with what there is.
        case start
    }

    /// How its CPUs stand apart from the scheduler's other CPUs (`cpuset.cpus.partition`).
    package enum Partition: String, Sendable, CaseIterable, Codable {
        /// Not at all.
        case member
        /// A scheduling domain of its own.
        case root
        /// Without load balancing.
        case isolated
    }

    /// Whether the host of a plugin shuts itself in before it opens the plugin.
    package enum Sandbox: String, Sendable, CaseIterable, Codable { case full, none }

    /// When a feature that ended is started again (OTP's words).
    package enum Restart: String, Sendable, CaseIterable, Codable {
        /// Always.
        case permanent
        /// After a failure, not after it ended by itself in good order.
        case transient
        /// Never.
        case temporary
    }

    package var id: FeatureID
    package var source: Source
    /// 0…100; higher goes first.
    package var priority: Int
    package var level: ServiceLevel
    package var cores: PerClass<CoreWish?>
    package var sharing: Sharing
    package var shortage: Shortage
    /// Share of a core among features of one priority, and of a shared core (`cpu.weight`),
    /// 1…10000.
    package var weight: Int
    package var memory: MemoryWish
    /// Memory wanted on one GPU; 0 wants none.
    package var gpuBytes: Int
    /// Share of one NPU wanted, per cent; 0 wants none.
    package var npuPercent: Int
    /// `io.weight`, 1…10000; nil leaves it alone.
    package var ioWeight: Int?
    /// `io.max`, one entry a block device, in the order of their paths.
    package var ioLimits: [IOLimit]
    /// `pids.max`: processes and threads; nil sets no limit.
    package var mostProcesses: Int?
    /// `hugetlb.*.max` in bytes, by the size of a page.
    package var hugePages: [HugePageSize: Int]
    /// `cpuset.cpus.partition`.
    package var partition: Partition
    /// Files of its host beyond its own.
    package var files: FileAccess
    package var sandbox: Sandbox
    package var lend: Bool
    package var borrow: Bool
    package var restart: Restart
    /// Whether it runs at all, until somebody says otherwise (`poise feature enable`).
    package var enabled: Bool
    package var restartBudget: RestartBudgetPolicy
    package var breaker: BreakerPolicy
    package var health: HealthPolicy
    package var slo: ServiceObjective
    /// Handed to the feature as it stands.
    package var config: JSON

    package init(
        id: FeatureID, source: Source, priority: Int = 50, level: ServiceLevel = .full,
        cores: PerClass<CoreWish?> = PerClass(repeating: nil), sharing: Sharing = .exclusive,
        shortage: Shortage = .keepOut, weight: Int = 100, memory: MemoryWish = MemoryWish()
    ) {
        self.id = id
        self.source = source
        self.priority = priority
        self.level = level
        self.cores = cores
        self.sharing = sharing
        self.shortage = shortage
        self.weight = weight
        self.memory = memory
        gpuBytes = 0
        npuPercent = 0
        ioWeight = nil
        ioLimits = []
        mostProcesses = nil
        hugePages = [:]
        partition = .member
        files = FileAccess()
        sandbox = .full
        lend = true
        borrow = true
        restart = .permanent
        enabled = true
        restartBudget = RestartBudgetPolicy()
        breaker = BreakerPolicy()
        health = HealthPolicy()
        slo = ServiceObjective()
        config = .object([])
    }

    /// Exclusive only where the policy says so and every minimum it names is a whole core or more,
    /// or none: a minimum below one core is always shared.
    package var isExclusive: Bool {
        guard sharing == .exclusive else { return false }
        return CoreClass.allCases.allSatisfy { (cores[$0]?.min ?? 1000) >= 1000 }
    }
}

/// How many cores of one class: min ≤ want ≤ max, in millicores.
package struct CoreWish: Sendable, Equatable, Codable {
    /// Where the time may come from when the class has too little or is not there.
    package enum Fallback: String, Sendable, CaseIterable, Codable {
        case any, performance, efficiency, none
    }

    package var min: Int
    package var want: Int
    package var max: Int
    package var fallback: Fallback

    package init(min: Int, want: Int, max: Int, fallback: Fallback = .any) {
        self.min = min
        self.want = want
        self.max = max
        self.fallback = fallback
    }
}

/// How much memory, in bytes, and from where.
package struct MemoryWish: Sendable, Equatable, Codable {
    package enum Locality: String, Sendable, CaseIterable, Codable { case strict, preferred, any }

    package var min: Int
    package var want: Int
    /// Nil sets no limit.
    package var max: Int?
    package var locality: Locality
    /// `memory.swap.max`; nil leaves it alone.
    package var swap: Int?
    /// Whether pages follow when its nodes change while it runs (a write of `cpuset.mems` that the
    /// kernel answers by copying all of them).
    package var migrate: Bool

    package init(min: Int = 0, want: Int = 0, max: Int? = nil, locality: Locality = .preferred) {
        self.min = min
        self.want = want
        self.max = max
        self.locality = locality
        swap = nil
        migrate = false
    }
}

/// What a feature may at most read from and write to one block device in a second (`io.max`); nil
/// sets no limit.
package struct IOLimit: Sendable, Equatable, Codable {
    /// `/dev/vda`.
    package var device: String
    package var readBytes: Int?
    package var writeBytes: Int?
    package var readOperations: Int?
    package var writeOperations: Int?

    package init(
        device: String, readBytes: Int? = nil, writeBytes: Int? = nil, readOperations: Int? = nil,
        writeOperations: Int? = nil
    ) {
        self.device = device
        self.readBytes = readBytes
        self.writeBytes = writeBytes
        self.readOperations = readOperations
        self.writeOperations = writeOperations
    }
}

/// A size of huge pages that the kernel counts by itself (`hugetlb.2MB.max`).
package enum HugePageSize: String, Sendable, CaseIterable, Codable {
    case twoMiB = "2MiB"
    case oneGiB = "1GiB"
}

/// Files and folders that a plugin may use beyond its own, as absolute paths.
package struct FileAccess: Sendable, Equatable, Codable {
    /// Empty: whatever the rights of its user allow.
    package var read: [String]
    package var write: [String]

    package init(read: [String] = [], write: [String] = []) {
        self.read = read
        self.write = write
    }
}
