// Others that place threads, interrupts, clocks or cgroups on the same machine.
extension HostCapabilities {
    /// Programs by the name that the kernel knows them by, at most 15 bytes (`/proc/PID/comm`).
    package static let knownNeighbours: [String: (cost: String, command: String?)] = [
        "irqbalance": (
            "interrupts of devices land on cores of a feature's own too",
            "systemctl edit irqbalance  # Environment=IRQBALANCE_BANNED_CPULIST=0-3"
        ),
        "tuned": ("its profile may set governors and CPU masks against the policy", nil),
        "auto-cpufreq": ("it sets governors as it sees fit", nil),
        "thermald": ("it lowers clocks when the machine is hot", nil),
        "intel_lpmd": ("it moves systemd's slices to few cores when the load is low", nil),
        "numad": (
            "it writes cpusets and moves memory between nodes", "systemctl disable --now numad"
        ),
        "ananicy-cpp": ("it sets nice values of programs by their names", nil),
        "cgrulesengd": ("it moves processes to other cgroups", nil),
        "kubelet": (
            "its static CPU policy gives CPUs to containers that Poise gives too", nil
        ),
        "dockerd": ("containers with --cpuset-cpus hold CPUs that Poise gives too", nil),
        "libvirtd": ("virtual machines with pinned CPUs hold some that Poise gives too", nil),
        "virtqemud": ("virtual machines with pinned CPUs hold some that Poise gives too", nil),
        "nomad": ("tasks with cores of their own hold some that Poise gives too", nil),
        "slurmd": ("jobs are bound to cores that Poise gives too", nil),
    ]

    var neighbourAdvice: [Advice?] {
        let programs = (neighbours ?? []).compactMap { name -> Advice? in
            guard let known = HostCapabilities.knownNeighbours[name] else { return nil }
            return Advice(
                "neighbour", .note, missing: "\(name) at rest: it is at work here",
                cost: known.cost, command: known.command.map { sudo + $0 })
        }
        let folders = heldCPUs.sorted { $0.key < $1.key }.map { folder, cpus in
            Advice(
                "neighbour", .note, missing: "\(folder) without CPUs of its own: it has \(cpus)",
                cost: "what runs there keeps to them, whoever else is given them",
                command: nil)
        }
        return programs + folders
    }
}
