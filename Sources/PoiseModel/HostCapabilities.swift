/// What this host lets Poise do: the kernel, its cgroups, and what this process may.
///
/// Read once at the start and by `poise doctor`; what could not be read is nil.
package struct HostCapabilities: Sendable, Equatable {
    /// How the control groups are laid out.
    package enum CgroupLayout: String, Sendable, CaseIterable {
        /// Version 2 only.
        case unified
        /// Version 1 controllers, with version 2 mounted beside them.
        case hybrid
        /// Version 1 only.
        case legacy
        /// None mounted.
        case absent
    }

    /// Whether SMT siblings run (`/sys/devices/system/cpu/smt/control`).
    package enum SMT: String, Sendable, CaseIterable {
        case on, off, forceoff, notsupported, notimplemented
    }

    /// `6.1.0-13-amd64` (`uname -r`).
    package var kernelRelease: String?
    package var cgroups: CgroupLayout?
    /// Where version 2 is mounted.
    package var cgroupMount: String?
    /// The folder of the cgroup of version 2 that this process is in.
    package var cgroupFolder: String?
    /// The cgroup below which features get theirs, or would get them.
    package var subtree: ControlSubtree?
    /// Whether cgroups may be made in `subtree` and processes moved there: `cgroup.procs` and
    /// `cgroup.subtree_control` can be written, and systemd leaves it alone.
    package var isDelegated: Bool?
    /// The controllers that `subtree` offers, sorted (`cgroup.controllers`).
    package var controllers: [String]?
    /// The controllers that the mount offers, sorted: those of the kernel that version 1 has not.
    package var kernelControllers: [String]?
    /// The controllers that are bound to version 1, sorted.
    package var legacyControllers: [String]?
    /// The resources whose pressure can be read, sorted: `cpu`, `io`, `memory` (`/proc/pressure`).
    package var pressure: [String]?
    package var smt: SMT?
    /// The lowest nice value that this process may give without `CAP_SYS_NICE` (`RLIMIT_NICE`).
    package var lowestNice: Int?
    /// The highest real-time priority likewise, 0 for none (`RLIMIT_RTPRIO`).
    package var highestRealtimePriority: Int?
    /// Whether it may set any nice value and scheduling class (`CAP_SYS_NICE`).
    package var hasSysNice: Bool?
    /// Whether systemd is process 1 (`/run/systemd/system`).
    package var hasSystemd: Bool?
    package var systemd: SystemdState?
    /// Whether the effective user is root.
    package var isRoot: Bool?
    /// The words of the kernel's command line (`/proc/cmdline`).
    package var kernelArguments: [String]?
    /// What changes the kernel's command line here; nil when none that is known.
    package var bootLoader: BootLoader?
    /// Whether the kernel was built with pressure stall information (`CONFIG_PSI`).
    package var isPressureBuilt: Bool?
    package var processors = ProcessorState()
    package var accounts: AccountState?
    package var confinement = ConfinementState()
    /// The soft limit of open files (`RLIMIT_NOFILE`); `Int.max` is none.
    package var openFiles: Int?
    /// The soft limit of locked memory in bytes (`RLIMIT_MEMLOCK`); `Int.max` is none.
    package var lockedBytes: Int?
    /// All swap in bytes, 0 when there is none (`SwapTotal`).
    package var swapBytes: Int?
    /// How many huge pages the machine keeps, of all sizes (`nr_hugepages`).
    package var hugePages: Int?
    /// Block devices that have a driver's queue.
    package var blockDevices: [BlockDeviceState]?
    /// Programs at work that place threads, interrupts or cgroups too, by their names.
    package var neighbours: [String]?
    /// Folders of cgroups directly below the mount that hold CPUs of their own, with those.
    package var heldCPUs: [String: CPUSet] = [:]

    package init() {}

    /// The strongest backend that Poise can use here: `cgroup2` where version 2 is alone, a subtree
    /// of it is delegated, and it holds at least CPUs or their time. `affinity` needs no permission
    /// that an ordinary user lacks.
    package var recommendedBackend: Backend {
        guard cgroups == .unified, isDelegated == true, let controllers else { return .affinity }
        return controllers.contains("cpuset") || controllers.contains("cpu") ? .cgroup2 : .affinity
    }
}
