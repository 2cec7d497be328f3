import CHwloc
package import PoiseModel

extension Topology {
    /// The NUMA nodes, and the nearest node with ordinary memory of each core.
    ///
    /// hwloc puts a memory-only node beside the node that it is near to, with the same PUs. The
    /// kernel gives a PU to one node, and so do we: among the nodes around it to one of ordinary
    /// memory, then to the one with the fewest PUs, then to the lowest number.
    borrowing func nodeParts(of cores: [CorePart]) -> (nodes: [NUMANode], ofCore: [Int]) {
        let objects = objects(HWLOC_OBJ_NUMANODE)
        // Recordings made from CPUID alone have 0 everywhere: nobody looked.
        let isMemoryKnown = objects.contains { $0.localMemory > 0 }
        // No node has more than 256 TiB; what says so is no reading, and sums of it would overflow.
        let most = UInt64(1) << 48
        var nodes = objects.enumerated().map { id, object in
            NUMANode(
                id: id, osIndex: object.osIndex ?? id, pus: [],
                bytes: isMemoryKnown && object.localMemory <= most
                    ? Int(object.localMemory) : nil,
                kind: object.memoryKind)
        }
        if nodes.isEmpty { nodes = [NUMANode(id: 0, osIndex: 0, pus: [], bytes: nil)] }
        let around = nodes.indices.map { objects.isEmpty ? CPUSet() : objects[$0].pus }
        let order = nodes.indices.sorted { left, right in
            func rank(_ id: Int) -> (Int, Int, Int) {
                (nodes[id].kind == .dram ? 0 : 1, around[id].count, nodes[id].osIndex)
            }
            return rank(left) < rank(right)
        }
        let ofCore = cores.map { core in
            if let own = order.first(where: { !around[$0].isDisjoint(with: core.pus) }) {
                nodes[own].pus.formUnion(core.pus)
                return own
            }
            // Its own node has no memory or is not allowed: the first one in the smallest part of
            // the machine that has any.
            let near = core.nodes.lazy.compactMap { set in
                order.first { set.contains(nodes[$0].osIndex) }
            }.first
            return near ?? 0
        }
        return (nodes, ofCore)
    }
}

extension TopologyObject {
    /// What the memory of this node is made of.
    var memoryKind: NUMANode.Kind {
        NUMANode.Kind(subtype: subtype, daxType: info("DAXType"), name: name)
    }
}

extension NUMANode.Kind {
    /// By hwloc's subtype of the node, the type of the DAX device that it was made of, and its
    /// name; ordinary memory when none of them says otherwise.
    ///
    /// `SPM` ("specific purpose memory") says only that firmware asked to keep it for those who
    /// want it. On machines of today that is HBM or CXL; without a word for which, it is taken for
    /// the slower one, so that nothing is promised.
    package init(subtype: String?, daxType: String?, name: String?) {
        let words = [subtype, daxType, name].compactMap { $0?.uppercased() }
        func says(_ mark: String) -> Bool { words.contains { $0.contains(mark) } }
        if says("HBM") || says("MCDRAM") {
            self = .hbm
        } else if says("GPU") {
            self = .gpu
        } else if says("NVM") || says("PMEM") {
            self = .nvm
        } else if says("CXL") || words.contains("SPM") {
            self = .cxl
        } else {
            self = .dram
        }
    }
}
