import PoiseModel

/// Decides which NUMA nodes a feature's memory comes from: its own first, then, unless its policy
/// is strict, the nearest that have room.
struct MemoryPlacement {
    struct Share {
        /// Node ids.
        var nodes: [Int]
        /// What of its memory these nodes hold for it.
        var bytes: Int
    }

    private let machine: Machine
    /// Ids of the nodes whose memory the kernel gives to anybody.
    private let ordinary: [Int]
    /// Bytes not given away yet, by node id; nil where the machine does not tell.
    private(set) var free: [Int?]

    init(machine: Machine, reserveBytes: Int) {
        self.machine = machine
        free = machine.nodes.map(\.bytes)
        ordinary = MemoryPlacement.ordinary(machine)
        var left = reserveBytes
        for node in ordinary {
            guard let bytes = free[node] else { continue }
            let part = min(left, bytes)
            free[node] = bytes - part
            left -= part
        }
    }

    /// Memory of all nodes that features may use, without the reserve; nil when any is unknown.
    static func supply(_ machine: Machine, reserveBytes: Int) -> Int? {
        var sum = 0
        for node in ordinary(machine) {
            guard let bytes = machine.nodes[node].bytes else { return nil }
            sum += bytes
        }
        return max(0, sum - reserveBytes)
    }

    /// Ids of the nodes whose memory the kernel gives to anybody: not a GPU's.
    static func ordinary(_ machine: Machine) -> [Int] {
        machine.nodes.indices.filter { machine.nodes[$0].kind != .gpu }
    }

    /// Takes `bytes` for a feature whose cores are in the nodes `own`.
    mutating func take(_ bytes: Int, own: [Int], locality: MemoryWish.Locality) -> Share {
        var missing = bytes
        var used = locality == .any ? ordinary : own
        for node in own { missing -= take(missing, from: node) }
        guard locality != .strict, missing > 0 else {
            return Share(nodes: used, bytes: bytes - missing)
        }
        let others = ordinary.filter { !own.contains($0) }
        let near = others.map { (distance: distance(own, $0), node: $0) }.sorted(by: <)
        for (_, node) in near where missing > 0 {
            let part = take(missing, from: node)
            missing -= part
            if part > 0, !used.contains(node) { used.append(node) }
        }
        return Share(nodes: used.sorted(), bytes: bytes - missing)
    }

    private mutating func take(_ wanted: Int, from node: Int) -> Int {
        guard let bytes = free[node] else { return wanted }
        let part = min(wanted, bytes)
        free[node] = bytes - part
        return part
    }

    private func distance(_ own: [Int], _ node: Int) -> Int {
        own.map { machine.distance(from: $0, to: node) }.min() ?? 0
    }
}
