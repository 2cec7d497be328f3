// The hierarchy of control groups, who may divide it, and its controllers.
extension HostCapabilities {
    var cgroupAdvice: Advice? {
        let cost = "memory, CPU time and requests of a feature cannot be limited as a whole"
        switch cgroups {
        case nil, .unified: return nil
        case .hybrid, .legacy:
            let bound = legacyControllers.map { list in
                list.isEmpty ? "" : "; version 1 has \(list.joined(separator: ", "))"
            }
            let command =
                hasSystemd == false
                ? "umount the hierarchies of version 1, then: \(mounting)"
                : adding(kernelArgument: "systemd.unified_cgroup_hierarchy=1")
            return Advice(
                "cgroup2", .enforcement, missing: "cgroup v2 as the only hierarchy\(bound ?? "")",
                cost: cost, command: command)
        case .absent:
            return Advice(
                "cgroup2", .enforcement, missing: "a mounted cgroup v2", cost: cost,
                command: mounting)
        }
    }

    private var mounting: String { "\(sudo)mount -t cgroup2 none /sys/fs/cgroup" }

    var delegationAdvice: Advice? {
        guard cgroups == .unified, isDelegated == false else { return nil }
        let place = subtree.map { " (\($0.folder) is not)" } ?? ""
        return Advice(
            "delegation", .enforcement, missing: "a cgroup that poised may divide\(place)",
            cost: "each process is bound by itself, and children that change their mask get away",
            command: delegationCommand)
    }

    private var delegationCommand: String {
        guard hasSystemd == true else {
            let folder = subtree?.folder ?? "/sys/fs/cgroup/poise"
            let making = subtree?.files == nil ? "\(sudo)mkdir -p \(folder) && " : ""
            return isRoot == true
                ? "\(making)poised --cgroup \(folder)"
                : "\(making)sudo chown -R \"$USER\" \(folder)"
        }
        if subtree?.origin == .own, systemd?.isInstalled == true {
            return "\(sudo)systemctl enable --now poised"
        }
        guard let unit = subtree?.unit else {
            // The mount itself, and what is not below it, is nothing to be divided.
            let mount = cgroupMount ?? "/sys/fs/cgroup"
            let named = subtree?.folder ?? ""
            let folder = named.hasPrefix(mount + "/") ? named : "\(mount)/poise"
            let use = folder == named ? "" : " && poised --cgroup \(folder)"
            return "\(sudo)mkdir -p \(folder)" + (isRoot == true ? "" : owning(folder)) + use
        }
        if unit.hasSuffix(".service"), subtree?.origin != .own || isRoot == true {
            return dropIn("Delegate=yes", for: unit)
        }
        return isRoot == true
            ? "systemd-run --scope -p Delegate=yes poised"
            : "systemd-run --user --scope -p Delegate=yes poised"
    }

    private func owning(_ folder: String) -> String { " && sudo chown -R \"$USER\" \(folder)" }

    /// The controllers that a budget needs, each with what it holds.
    private static let wantedControllers: [(name: String, cost: String, option: String)] = [
        (
            "cpuset",
            "features are kept to their CPUs by masks that a process may change, "
                + "and to memory nodes by nothing", "CONFIG_CPUSETS"
        ),
        ("cpu", "the time of shared cores is divided by nice values only", "CONFIG_CGROUP_SCHED"),
        ("memory", "the memory of a feature is not limited as a whole", "CONFIG_MEMCG"),
        ("io", "reads and writes of a feature are not limited", "CONFIG_BLK_CGROUP"),
        ("pids", "a feature may start processes without end", "CONFIG_CGROUP_PIDS"),
        ("hugetlb", "huge pages of a feature are not limited", "CONFIG_CGROUP_HUGETLB"),
    ]

    var controllerAdvice: [Advice] {
        guard cgroups == .unified, let controllers else { return [] }
        return HostCapabilities.wantedControllers.compactMap { name, cost, option in
            if controllers.contains(name) { return nil }
            // Nobody is short of limits on what the machine has none of.
            let weight = name == "hugetlb" && (hugePages ?? 0) == 0 ? Advice.Weight.note : nil
            let (missing, command) = remedy(forController: name, option: option)
            return Advice(
                name, weight ?? .enforcement, missing: missing, cost: cost, command: command)
        }
    }

    private func remedy(
        forController name: String, option: String
    ) -> (missing: String, command: String?) {
        if let kernelControllers, !kernelControllers.contains(name) {
            let missing = "the controller \(name), which this kernel does not have"
            guard let disabling = kernelArgument("cgroup_disable="),
                disabling.dropFirst(15).split(separator: ",").contains(Substring(name))
            else { return (missing, "boot a kernel that was built with \(option)=y") }
            return (missing, removing(kernelArgument: disabling))
        }
        guard let subtree, let gaps = subtree.gaps[name], let parent = gaps.first else {
            return ("the controller \(name) in \(subtree?.folder ?? "this cgroup")", nil)
        }
        return (
            "the controller \(name), which \(parent) does not hand down",
            handingDown(name, from: gaps, to: subtree)
        )
    }

    /// Systemd enables these by itself, where a unit asks, and none of the others.
    private static let systemdControllers: Set = ["cpuset", "cpu", "io", "memory", "pids"]

    private func handingDown(
        _ name: String, from gaps: [String], to subtree: ControlSubtree
    ) -> String {
        let isSystemds = hasSystemd == true && Self.systemdControllers.contains(name)
        if isSystemds, isDelegated == false { return delegationCommand }
        let user = subtree.folder.split(separator: "/").first { part in
            part.hasPrefix("user@") && part.hasSuffix(".service")
        }
        // What is above the user's own systemd is for the system's to enable.
        if isSystemds, let user, gaps.contains(where: { !$0.contains("/\(user)") }) {
            let folder = "/etc/systemd/system/user@.service.d"
            return "\(sudo)mkdir -p \(folder) && printf "
                + "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | "
                + "\(sudo)tee \(folder)/delegate.conf && \(sudo)systemctl daemon-reload"
                + "  # then log in again"
        }
        let toStay = isSystemds ? subtree.unit.map { "  # to stay: Delegate=yes in \($0)" } : nil
        let command =
            gaps.count == 1
            ? echo("+\(name)", into: "\(gaps[0])/cgroup.subtree_control")
            : "for folder in \(gaps.joined(separator: " ")); do "
                + echo("+\(name)", into: "$folder/cgroup.subtree_control") + "; done"
        return command + (toStay ?? "")
    }
}
