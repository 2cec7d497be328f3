package import PoiseModel

/// An allocation in the words of cgroup v2.
package struct ControlBudget: Sendable, Equatable {
    package private(set) var group: ControlGroup
    /// What the policy asks for and this host cannot hold.
    package private(set) var notHeld: [NotHeld] = []

    private let support: ControlSupport

    /// - Parameters:
    ///   - inForce: what the group is set to; settings that the new budget does not name are given
    ///     back, and `cpuset.mems` stays unless the policy lets pages move.
    package init(
        _ allocation: ResourceAllocation, of feature: FeaturePolicy, on machine: Machine,
        _ support: ControlSupport, inForce: ControlGroup? = nil
    ) {
        self.support = support
        group = ControlGroup(
            cpus: allocation.cpus,
            exclusive: allocation.exclusive.subtracting(allocation.lent),
            fewestCPUs: Self.fewest(allocation, feature, machine))
        cpuTime(allocation, feature)
        nodes(allocation, feature, inForce)
        memory(allocation.memory, feature)
        if feature.partition != .member || inForce?[ControlKey(.cpusetPartition)] != nil {
            set(.cpusetPartition, feature.partition.rawValue)
        }
        if let weight = feature.ioWeight { set(.ioWeight, "default \(weight)") }
        if let most = feature.mostProcesses { set(.pidsMax, "\(most)") }
        for (size, file) in [
            (HugePageSize.twoMiB, ControlFile.hugetlb2MBMax), (.oneGiB, .hugetlb1GBMax),
        ] {
            if let bytes = feature.hugePages[size] { set(file, pages(bytes)) }
        }
        for limit in feature.ioLimits { set(limit) }
        for (key, _) in inForce?.values ?? [:] where group.values[key] == nil {
            group.values[key] = key.file.standard
        }
    }

    /// A minimum below a core is time on a core that others use too, and never needs two.
    private static func fewest(
        _ allocation: ResourceAllocation, _ feature: FeaturePolicy, _ machine: Machine
    ) -> Int {
        let minimum = CoreClass.allCases.reduce(0) { $0 + (feature.cores[$1]?.min ?? 0) }
        guard feature.isExclusive, minimum >= 1000 else { return 1 }
        let widths = machine.cores.filter { $0.pus.isSubset(of: allocation.exclusive) }
            .map(\.pus.count).sorted()
        return max(1, widths.prefix(minimum / 1000).reduce(0, +))
    }

    /// Time on shared cores is held by weight, which leaves idle time to whoever wants it; a
    /// feature that may not borrow is stopped at its maximum, and one with nothing of its own gets
    /// only what is idle.
    private mutating func cpuTime(_ allocation: ResourceAllocation, _ feature: FeaturePolicy) {
        let entitled = allocation.millicores.total
        let onlyBorrows = allocation.exclusive.isEmpty && entitled == 0 && feature.borrow
        set(.cpuIdle, onlyBorrows ? "1" : "0")
        if !onlyBorrows { set(.cpuWeight, "\(allocation.weight)") }
        let most = CoreClass.allCases.reduce(0) { $0 + (feature.cores[$1]?.max ?? 0) }
        let cap = max(most, entitled, 10)
        let isCapped =
            allocation.exclusive.isEmpty && !feature.borrow && cap < allocation.cpus.count * 1000
        // Microseconds in a period of 100 ms.
        set(.cpuMax, isCapped ? "\(cap * 100) 100000" : ControlFile.cpuMax.standard)
    }

    /// Only `strict` is a wall: what is preferred comes from the nodes of the CPUs first by itself.
    private mutating func nodes(
        _ allocation: ResourceAllocation, _ feature: FeaturePolicy, _ inForce: ControlGroup?
    ) {
        let isStrict = feature.memory.locality == .strict && !allocation.nodes.isEmpty
        let wanted = isStrict ? allocation.nodes.description : ""
        let before = inForce?.values[ControlKey(.cpusetMems)]
        // The kernel copies all pages of the group before the write returns.
        if let before, !feature.memory.migrate {
            set(.cpusetMems, before)
        } else if isStrict || before != nil {
            set(.cpusetMems, wanted)
        }
    }

    private mutating func memory(_ budget: MemoryBudget, _ feature: FeaturePolicy) {
        set(.memoryMin, pages(budget.minBytes))
        set(.memoryLow, pages(budget.lowBytes))
        set(.memoryHigh, budget.highBytes.map(pages) ?? ControlFile.memoryHigh.standard)
        set(.memoryMax, budget.maxBytes.map(pages) ?? ControlFile.memoryMax.standard)
        if let swap = feature.memory.swap { set(.memorySwapMax, pages(swap)) }
    }

    private func pages(_ bytes: Int) -> String { "\(bytes - bytes % support.pageBytes)" }

    private mutating func set(_ file: ControlFile, _ value: String) {
        guard support.files.contains(file) else {
            guard value != file.standard else { return }
            let because = support.lacking[file] ?? "this kernel has no \(file.rawValue)"
            notHeld.append(NotHeld(setting: file.rawValue, because: because))
            return
        }
        group.values[ControlKey(file)] = value
    }

    private mutating func set(_ limit: IOLimit) {
        guard let device = support.devices[limit.device] else {
            notHeld.append(
                NotHeld(
                    setting: "io.max of \(limit.device)",
                    because: "there is no block device \(limit.device)"))
            return
        }
        guard support.files.contains(.ioMax) else {
            let because = support.lacking[.ioMax] ?? "this kernel has no io.max"
            notHeld.append(NotHeld(setting: "io.max", because: because))
            return
        }
        let words: [(String, Int?)] = [
            ("rbps", limit.readBytes), ("wbps", limit.writeBytes), ("riops", limit.readOperations),
            ("wiops", limit.writeOperations),
        ]
        let text = words.map { "\($0.0)=\($0.1.map(String.init) ?? "max")" }
        group.values[ControlKey(.ioMax, device: device)] = text.joined(separator: " ")
    }
}
