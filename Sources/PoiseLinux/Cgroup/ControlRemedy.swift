import PoiseModel

/// What an operator can do about a refused step.
enum ControlRemedy {
    static func text(for step: ControlStep, _ errno: Errno) -> String {
        switch step {
        case .make: making(step.feature, errno)
        case .remove: removing(step.feature, errno)
        case .write(_, let key, let value, _): writing(key, value, errno)
        }
    }

    /// For a value that the kernel took and shows otherwise.
    static func text(forDifferent key: ControlKey, has: String) -> String {
        guard key.file == .cpusetPartition else {
            return "the kernel made \(has) of it; ask for a value that it can hold"
        }
        return "the kernel holds no partition here: \(has); the group shares its cores' "
            + "scheduling domain instead. A partition needs cores of its own, and on kernels "
            + "before 6.7 a cgroup directly below the mount (poised --cgroup)"
    }

    private static let delegation =
        "the cgroup is not delegated to poised: set Delegate=yes in its unit, or run it as root"

    private static func making(_ feature: FeatureID, _ errno: Errno) -> String {
        switch errno.code {
        case 1, 13: delegation
        case 11, 28:
            "the limit of cgroups is reached: raise cgroup.max.descendants or cgroup.max.depth"
        case 17: "a group \(feature) is there that poised did not make: remove it (rmdir)"
        case 30: "the cgroup file system is mounted read-only: mount it writable"
        default: "see cgroups(7)"
        }
    }

    private static func removing(_ feature: FeatureID, _ errno: Errno) -> String {
        switch errno.code {
        case 1, 13: delegation
        case 16: "a process is still in the group \(feature): see its cgroup.procs, and end it"
        default: "see cgroups(7)"
        }
    }

    private static func writing(_ key: ControlKey, _ value: String, _ errno: Errno) -> String {
        switch errno.code {
        case 1, 13: delegation
        case 2, 95:
            "this kernel has no \(key.file.rawValue), or the parent does not offer the controller "
                + "\(key.file.controller): see cgroup.subtree_control"
        case 16: busy(key.file)
        case 19:
            key.file == .ioMax || key.file == .ioWeight
                ? "\(key.device ?? value) is no block device of this machine: see lsblk"
                : "the group was removed by somebody else"
        case 22, 34: invalid(key.file, value)
        case 28: noSpace(key.file)
        case 30: "the cgroup file system is mounted read-only: mount it writable"
        default: "see cgroups(7)"
        }
    }

    private static func busy(_ file: ControlFile) -> String {
        switch file {
        case .cpusetCPUs, .cpusetMems, .cpusetPartition:
            "a real-time or deadline thread in the group needs CPUs that it would lose: end it, or "
                + "leave it more"
        case .memoryHigh, .memoryMax, .memorySwapMax, .hugetlb2MBMax, .hugetlb1GBMax:
            "the group uses more than that and nothing can be reclaimed"
        default: "something in the group holds on to it; try again"
        }
    }

    private static func invalid(_ file: ControlFile, _ value: String) -> String {
        switch file {
        case .cpusetCPUs:
            "a CPU in \(value) is unknown here, or belongs to a partition of another group: see "
                + "/sys/devices/system/cpu/possible"
        case .cpusetMems:
            "a node in \(value) is unknown or has no memory: see "
                + "/sys/devices/system/node/has_memory"
        case .cpuWeight: "the group is idle (cpu.idle), or the weight is outside of 1 to 10000"
        default: "the kernel does not take \(value) for \(file.rawValue)"
        }
    }

    private static func noSpace(_ file: ControlFile) -> String {
        file.controller == "cpuset"
            ? "the group would be without CPUs or memory nodes while processes are in it"
            : "the kernel has no room for more groups with \(file.rawValue)"
    }
}
