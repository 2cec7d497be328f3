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
    /// Whether this process may make cgroups below its own and move processes there: it may write
    /// `cgroup.procs` and `cgroup.subtree_control` of its own cgroup.
    package var isDelegated: Bool?
    /// The controllers that its own cgroup offers, sorted (`cgroup.controllers`).
    package var controllers: [String]?
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

    package init() {}

    /// The strongest backend that Poise can use here.
    ///
    /// The `cgroup2` backend is not built yet, so this is `affinity` everywhere; it needs no
    /// permission that an ordinary user lacks.
    package var recommendedBackend: Backend { .affinity }
}

/// Something that this host lacks, and how to get it.
package struct Advice: Sendable, Equatable {
    /// One word for scripts: `cgroup2`, `delegation`, `controllers`, `pressure`, `smt`, `nice`,
    /// `systemd`.
    package var topic: String
    package var missing: String
    /// What Poise cannot do because of it.
    package var cost: String
    /// What mends it; nil when nothing does on this host.
    package var command: String?

    package init(topic: String, missing: String, cost: String, command: String?) {
        self.topic = topic
        self.missing = missing
        self.cost = cost
        self.command = command
    }
}

extension HostCapabilities {
    /// What is missing here, the costliest first; what is not known is not complained of.
    package var advice: [Advice] {
        [
            cgroupAdvice, delegationAdvice, controllerAdvice, pressureAdvice, niceAdvice, smtAdvice,
            systemdAdvice,
        ].compactMap(\.self)
    }

    private var cgroupAdvice: Advice? {
        let command =
            "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and start again"
        switch cgroups {
        case nil: return nil
        case .unified:
            return Advice(
                topic: "cgroup2",
                missing: "the cgroup2 backend, which this version of Poise does not have",
                cost: "budgets are held by CPU masks, nice values and resource limits only",
                command: nil)
        case .hybrid, .legacy:
            return Advice(
                topic: "cgroup2", missing: "cgroup v2 as the only hierarchy",
                cost: "memory and CPU time of a feature cannot be limited as a whole",
                command: command)
        case .absent:
            return Advice(
                topic: "cgroup2", missing: "a mounted cgroup v2",
                cost: "memory and CPU time of a feature cannot be limited as a whole",
                command: "sudo mount -t cgroup2 none /sys/fs/cgroup")
        }
    }

    private var delegationAdvice: Advice? {
        guard cgroups == .unified, isDelegated == false else { return nil }
        let command =
            hasSystemd == true
            ? "systemd-run --user --scope -p Delegate=yes poised"
            : "sudo chown -R \"$USER\" \(cgroupFolder ?? "/sys/fs/cgroup/poise")"
        return Advice(
            topic: "delegation", missing: "a cgroup that this user may divide",
            cost: "each process is bound by itself, and children that change their mask get away",
            command: command)
    }

    private var controllerAdvice: Advice? {
        guard cgroups == .unified, let controllers else { return nil }
        let wanted = ["cpu", "cpuset", "io", "memory"].filter { !controllers.contains($0) }
        guard !wanted.isEmpty else { return nil }
        let names = wanted.map { "+\($0)" }.joined(separator: " ")
        let command =
            hasSystemd == true
            ? "sudo systemctl set-property user@$(id -u).service Delegate=\""
                + "cpu cpuset io memory pids\""
            : "echo '\(names)' | sudo tee \(cgroupMount ?? "/sys/fs/cgroup")/cgroup.subtree_control"
        return Advice(
            topic: "controllers",
            missing: "the controllers \(wanted.joined(separator: ", ")) in this cgroup",
            cost: "these resources of a feature can be watched but not held", command: command)
    }

    private var pressureAdvice: Advice? {
        guard let pressure else { return nil }
        let lacking = ["cpu", "io", "memory"].filter { !pressure.contains($0) }
        guard !lacking.isEmpty else { return nil }
        return Advice(
            topic: "pressure",
            missing: "pressure stall information of \(lacking.joined(separator: ", "))",
            cost: "service levels cannot follow the pressure on the machine",
            command: "add psi=1 to the kernel's command line and start again")
    }

    private var niceAdvice: Advice? {
        guard hasSysNice == false, let lowestNice, lowestNice > -20 else { return nil }
        return Advice(
            topic: "nice", missing: "the right to nice values below \(lowestNice)",
            cost: "high priorities are expressed by holding the low ones back only",
            command: "echo \"$USER - nice -20\" | sudo tee /etc/security/limits.d/poise.conf")
    }

    private var smtAdvice: Advice? {
        guard smt == .off else { return nil }
        return Advice(
            topic: "smt", missing: "the second threads of the cores, which are switched off",
            cost: "fewer PUs; some operators want that",
            command: "echo on | sudo tee /sys/devices/system/cpu/smt/control")
    }

    private var systemdAdvice: Advice? {
        guard hasSystemd == false else { return nil }
        return Advice(
            topic: "systemd", missing: "systemd as process 1",
            cost: "features that are units cannot be run, and nothing restarts poised",
            command: nil)
    }
}
