/// The hardware that Poise plans for, as plain values: what hwloc knows, without hwloc.
///
/// `id` of packages, nodes, clusters and cores is hwloc's logical index and the position in its
/// array; PU numbers are the kernel's. PUs that are offline or not allowed to this process are left
/// out, so every PU here can be given to a feature.
package struct Machine: Sendable, Equatable, Codable {
    /// A name for people: the profile's, or the product name, or the host's.
    package var name: String
    /// True only when this was read from the running system; a machine from a file is planned on
    /// and never enforced on.
    package var isThisSystem: Bool
    package var packages: [Package]
    package var nodes: [NUMANode]
    package var clusters: [Cluster]
    package var cores: [Core]
    package var accelerators: [Accelerator]
    /// Relative latency from node to node (`hwloc_distances_s`, ACPI SLIT: 10 is local), indexed
    /// `[from][to]` by node id; nil when the machine does not tell.
    package var distances: [[Int]]?

    package init(
        name: String, isThisSystem: Bool = false, packages: [Package], nodes: [NUMANode],
        clusters: [Cluster], cores: [Core], accelerators: [Accelerator] = [],
        distances: [[Int]]? = nil
    ) {
        self.name = name
        self.isThisSystem = isThisSystem
        self.packages = packages
        self.nodes = nodes
        self.clusters = clusters
        self.cores = cores
        self.accelerators = accelerators
        self.distances = distances
    }

    /// All PUs of all cores.
    package var pus: CPUSet { cores.reduce(into: CPUSet()) { $0.formUnion($1.pus) } }

    /// Whether any core has more than one PU.
    package var smt: Bool { cores.contains { $0.pus.count > 1 } }

    /// The classes that this machine has cores of, most capable first.
    package var classes: [CoreClass] {
        CoreClass.allCases.filter { wanted in cores.contains { $0.class == wanted } }
    }

    /// The relative latency between two nodes; 10 within one and 20 between two when unknown.
    package func distance(from: Int, to: Int) -> Int {
        distances?[from][to] ?? (from == to ? 10 : 20)
    }
}

/// A physical package (socket).
package struct Package: Sendable, Equatable, Codable {
    package var id: Int
    package var pus: CPUSet

    package init(id: Int, pus: CPUSet) {
        self.id = id
        self.pus = pus
    }
}

/// A NUMA node: memory, and the PUs that are local to it (none for memory-only nodes).
package struct NUMANode: Sendable, Equatable, Codable {
    /// What the memory is made of.
    package enum Kind: String, Sendable, Codable { case dram, hbm, cxl, gpu, nvm }

    package var id: Int
    /// The kernel's number (`/sys/devices/system/node/nodeN`).
    package var osIndex: Int
    /// Empty for a memory-only node.
    package var pus: CPUSet
    /// Nil when unknown.
    package var bytes: Int?
    package var kind: Kind

    package init(id: Int, osIndex: Int, pus: CPUSet, bytes: Int?, kind: Kind = .dram) {
        self.id = id
        self.osIndex = osIndex
        self.pus = pus
        self.bytes = bytes
        self.kind = kind
    }
}

/// Cores that share a cache: the smallest cache that more than one core shares (an L3 domain, or
/// the L2 of a group of efficiency cores).
package struct Cluster: Sendable, Equatable, Codable {
    package var id: Int
    package var pus: CPUSet
    /// `L2`, `L3`, `L4`.
    package var cache: String
    /// Nil when unknown.
    package var bytes: Int?

    package init(id: Int, pus: CPUSet, cache: String, bytes: Int?) {
        self.id = id
        self.pus = pus
        self.cache = cache
        self.bytes = bytes
    }
}

/// A core and its PUs (SMT siblings); the width may differ between cores of one machine.
package struct Core: Sendable, Equatable, Codable {
    package var id: Int
    package var `class`: CoreClass
    package var pus: CPUSet
    /// The id of the nearest node with ordinary memory.
    package var node: Int
    package var package: Int
    /// Nil when the core shares no cache with another.
    package var cluster: Int?

    package init(
        id: Int, class: CoreClass, pus: CPUSet, node: Int, package: Int, cluster: Int?
    ) {
        self.id = id
        self.class = `class`
        self.pus = pus
        self.node = node
        self.package = package
        self.cluster = cluster
    }
}

/// A GPU, NPU or other coprocessor.
package struct Accelerator: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable { case gpu, npu, other }

    /// `gpu0`, `npu1`: kind and a number in bus order.
    package var id: String
    package var kind: Kind
    /// The node it is local to; nil when the machine does not tell.
    package var node: Int?
    /// Its own memory; nil when unknown.
    package var bytes: Int?
    package var name: String

    package init(id: String, kind: Kind, node: Int?, bytes: Int?, name: String) {
        self.id = id
        self.kind = kind
        self.node = node
        self.bytes = bytes
        self.name = name
    }
}
