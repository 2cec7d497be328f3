extension Machine: SelfChecking {
    package var contradiction: String? {
        let parts: [(String, [Int])] = [
            ("packages", packages.map(\.id)), ("nodes", nodes.map(\.id)),
            ("clusters", clusters.map(\.id)), ("cores", cores.map(\.id)),
        ]
        for (name, ids) in parts where ids != Array(0..<ids.count) {
            return "\(name) are not numbered by their places"
        }
        if cores.isEmpty { return "has no cores" }
        return coreContradiction ?? accelerators.lazy.compactMap(contradiction(of:)).first
            ?? distanceContradiction
    }

    private var coreContradiction: String? {
        var seen = CPUSet()
        for core in cores {
            let name = "core \(core.id)"
            if core.pus.isEmpty { return "\(name) has no CPUs" }
            if !core.pus.isDisjoint(with: seen) { return "\(name) shares a CPU with another core" }
            seen.formUnion(core.pus)
            if !nodes.indices.contains(core.node) { return "\(name) is on no node" }
            if !packages.indices.contains(core.package) { return "\(name) is in no package" }
            if let cluster = core.cluster, !clusters.indices.contains(cluster) {
                return "\(name) is in no cluster"
            }
        }
        let sizes = nodes.map(\.bytes) + clusters.map(\.bytes)
        if sizes.contains(where: { !(0...Amounts.mostBytes).contains($0 ?? 0) }) {
            return "has memory of a size that cannot be"
        }
        return nil
    }

    private func contradiction(of accelerator: Accelerator) -> String? {
        if let node = accelerator.node, !nodes.indices.contains(node) {
            return "\(accelerator.id) is on no node"
        }
        guard (0...Amounts.mostBytes).contains(accelerator.bytes ?? 0) else {
            return "\(accelerator.id) has memory of a size that cannot be"
        }
        return nil
    }

    private var distanceContradiction: String? {
        guard let distances else { return nil }
        let isSquare =
            distances.count == nodes.count && distances.allSatisfy { $0.count == nodes.count }
        guard isSquare, distances.joined().allSatisfy({ (0...1 << 20).contains($0) }) else {
            return "its distances are not one for each pair of nodes"
        }
        return nil
    }
}

/// The largest amounts that sums of are still far from overflow.
enum Amounts {
    static let mostBytes = 1 << 52
    static let mostMillicores = 1 << 40
    static let longest = Duration.seconds(1 << 32)
}
