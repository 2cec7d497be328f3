/// How one line of a budget is held on this host.
package struct HeldLine: Sendable, Equatable {
    /// `cpus` `cpuTime` `memory` `io` `pids` `hugetlb` `accelerators`.
    package var resource: String
    package var held: Held
    /// The files or calls that hold it, or why nothing does.
    package var by: String
}

extension HostCapabilities {
    /// What the recommended backend holds here, line by line.
    package var heldLines: [HeldLine] {
        let lines =
            recommendedBackend == .cgroup2 ? controlledLines : HostCapabilities.affinityLines
        return lines + [
            HeldLine(
                resource: "accelerators", held: .advisory,
                by: "features are told their share; the kernel has no limit for it")
        ]
    }

    private static let affinityLines = [
        HeldLine(
            resource: "cpus", held: .enforced,
            by: "CPU masks of all threads, compared every second"),
        HeldLine(
            resource: "cpuTime", held: .advisory, by: "nice values: a weight, and no limit"),
        HeldLine(
            resource: "memory", held: .enforced, by: "RLIMIT_DATA of each process by itself"),
        HeldLine(resource: "io", held: .advisory, by: "nothing without a cgroup"),
        HeldLine(resource: "pids", held: .advisory, by: "nothing without a cgroup"),
        HeldLine(resource: "hugetlb", held: .advisory, by: "nothing without a cgroup"),
    ]

    private var controlledLines: [HeldLine] {
        [
            hasController("cpuset")
                ? line("cpus", ["cpuset.cpus", "cpuset.mems"])
                : HostCapabilities.affinityLines[0],
            line("cpuTime", ["cpu.weight", "cpu.max", "cpu.idle"], controller: "cpu"),
            line("memory", ["memory.max", "memory.high", "memory.low", "memory.swap.max"]),
            line("io", ["io.max", "io.weight"]), line("pids", ["pids.max"]),
            line("hugetlb", ["hugetlb.2MB.max", "hugetlb.1GB.max"]),
        ]
    }

    private func hasController(_ name: String) -> Bool { controllers?.contains(name) == true }

    private func line(_ resource: String, _ names: [String], controller: String? = nil) -> HeldLine
    {
        let name = controller ?? String(names[0].prefix { $0 != "." })
        guard hasController(name) else {
            return HeldLine(
                resource: resource, held: .advisory,
                by: "nothing: the controller \(name) is missing")
        }
        let files = subtree?.files ?? []
        // The root of a hierarchy has none of the files that the groups below it have.
        let present = files.contains(names[0]) ? names.filter(files.contains) : names
        guard resource != "hugetlb" || !files.isDisjoint(with: names) || !files.contains("pids.max")
        else {
            return HeldLine(
                resource: resource, held: .advisory, by: "nothing: there are no huge pages here")
        }
        return HeldLine(
            resource: resource, held: .enforced, by: present.joined(separator: ", "))
    }
}
