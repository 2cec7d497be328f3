/// The cgroup below which features get theirs.
package struct ControlSubtree: Sendable, Equatable {
    /// How it was found.
    package enum Origin: String, Sendable {
        /// The cgroup of the process that looks.
        case own
        /// The operator named it.
        case named
        /// That of the unit `poise-features.service`.
        case unit
    }

    package var folder: String
    package var origin: Origin
    /// Names of the files in it; nil when the folder is not there.
    package var files: Set<String>?
    /// The folders above that do not hand a controller down, from the mount downwards, by the
    /// controller's name. Only controllers that the mount has are here.
    package var gaps: [String: [String]]
    /// Whether its pressure is measured (`cgroup.pressure`).
    package var measuresPressure: Bool?

    package init(
        folder: String, origin: Origin, files: Set<String>? = nil, gaps: [String: [String]] = [:],
        measuresPressure: Bool? = nil
    ) {
        self.folder = folder
        self.origin = origin
        self.files = files
        self.gaps = gaps
        self.measuresPressure = measuresPressure
    }

    /// The last part of the folder that names a unit of systemd, such as `user@1000.service`.
    package var unit: String? {
        folder.split(separator: "/").last { part in
            [".service", ".scope", ".slice"].contains { part.hasSuffix($0) }
        }.map(String.init)
    }
}

/// What systemd knows of Poise.
package struct SystemdState: Sendable, Equatable {
    /// 252, by the name of its shared library.
    package var version: Int?
    /// Whether `poised.service` is in a folder of units.
    package var isInstalled: Bool
    /// Whether `multi-user.target` wants it.
    package var isEnabled: Bool
    /// Whether its cgroup is there.
    package var isRunning: Bool?

    package init(
        version: Int? = nil, isInstalled: Bool = false, isEnabled: Bool = false,
        isRunning: Bool? = nil
    ) {
        self.version = version
        self.isInstalled = isInstalled
        self.isEnabled = isEnabled
        self.isRunning = isRunning
    }
}

/// The programs that change the kernel's command line.
package enum BootLoader: String, Sendable {
    /// `/etc/default/grub` and `update-grub`.
    case grub
    case grubby
}

/// CPUs as the kernel and its drivers run them (`/sys/devices/system/cpu`).
package struct ProcessorState: Sendable, Equatable {
    package var present: CPUSet?
    package var online: CPUSet?
    /// Taken out of load balancing at boot (`isolcpus=`).
    package var isolated: CPUSet?
    /// Without a clock tick while one thread runs (`nohz_full=`).
    package var tickless: CPUSet?
    /// The governors in use and the drivers behind them, each pair once (`scaling_governor`,
    /// `scaling_driver`).
    package var governors: [Governor]?

    /// How the clock of a group of CPUs is chosen.
    package struct Governor: Sendable, Hashable, Comparable {
        package var name: String
        package var driver: String
        /// `energy_performance_preference`, where the driver has one.
        package var preference: String?
        /// `scaling_available_governors`.
        package var available: [String]

        package init(
            name: String, driver: String, preference: String? = nil, available: [String] = []
        ) {
            self.name = name
            self.driver = driver
            self.preference = preference
            self.available = available
        }

        package static func < (left: Governor, right: Governor) -> Bool {
            (left.name, left.driver, left.preference ?? "")
                < (right.name, right.driver, right.preference ?? "")
        }
    }

    package init() {}
}

/// Who is in `/etc/group` and `/etc/passwd`; accounts of a directory service are not seen there.
package struct AccountState: Sendable, Equatable {
    package var groups: Set<String>
    package var users: Set<String>
    /// Whether a file of `sysusers.d` makes those of Poise.
    package var hasRecipe: Bool

    package init(groups: Set<String>, users: Set<String>, hasRecipe: Bool) {
        self.groups = groups
        self.users = users
        self.hasRecipe = hasRecipe
    }
}

/// What the kernel has to confine plugins with.
package struct ConfinementState: Sendable, Equatable {
    /// `prctl(PR_SET_NO_NEW_PRIVS)`.
    package var hasNoNewPrivileges: Bool?
    /// System-call filters (`seccomp(2)`).
    package var hasSeccomp: Bool?
    /// Security modules at work (`/sys/kernel/security/lsm`).
    package var modules: [String]?
    /// Who may trace whom, 0 is any process of the same user (`kernel.yama.ptrace_scope`).
    package var traceScope: Int?

    package init() {}
}

/// A block device and who orders its requests.
package struct BlockDeviceState: Sendable, Equatable {
    package var name: String
    /// `MAJOR:MINOR`.
    package var number: String
    /// The scheduler in use, such as `bfq`.
    package var scheduler: String
    /// Whether `io.cost.qos` is on for it.
    package var hasCostModel: Bool

    package init(name: String, number: String, scheduler: String, hasCostModel: Bool) {
        self.name = name
        self.number = number
        self.scheduler = scheduler
        self.hasCostModel = hasCostModel
    }

    /// Whether `io.weight` has any effect on it.
    package var heedsWeight: Bool { hasCostModel || scheduler == "bfq" }
}
