import CHwloc
import Glibc
package import PoiseModel

extension Machine {
    /// Learns a machine from `source`; every PU of it is online and allowed to this process.
    package static func discover(
        from source: MachineSource,
        profileFolders: [String] = MachineSource.profileFolders()
    ) throws(TopologyError) -> Machine {
        switch source {
        case .thisSystem:
            let topology = try Topology()
            var machine = topology.machine(named: nil)
            machine.isThisSystem = topology.isThisSystem
            return machine
        case .file(let path):
            let topology = try Topology(file: path)
            let file = path.split(separator: "/").last.map(String.init) ?? path
            let name = file.hasSuffix(".xml") ? String(file.dropLast(4)) : file
            return topology.machine(named: topology.productName ?? name)
        case .profile(let name):
            let path = try MachineSource.path(ofProfile: name, in: profileFolders)
            return try Topology(file: path).machine(named: name)
        }
    }
}

extension Topology {
    /// The whole topology as values; a nil name is found in the topology or the system.
    borrowing func machine(named name: String?) -> Machine {
        let cores = coreParts()
        let memory = nodeParts(of: cores)
        let clusters = clusterParts(of: cores)
        let packages = packageParts(of: cores)
        let withL3 = cores.reduce(into: CPUSet()) { set, core in
            if core.caches.contains(where: { $0.level == 3 }) { set.formUnion(core.pus) }
        }
        let classes = CoreClasses.derive(from: kinds(), withL3: withL3)
        return Machine(
            name: name ?? productName ?? hostName,
            packages: packages.packages, nodes: memory.nodes, clusters: clusters.clusters,
            cores: cores.indices.map { id in
                Core(
                    id: id, class: classes.classOf(cores[id].pus), pus: cores[id].pus,
                    node: memory.ofCore[id], package: packages.ofCore[id],
                    cluster: clusters.ofCore[id])
            },
            accelerators: accelerators(on: memory.nodes),
            distances: distances(between: memory.nodes))
    }

    /// The maker's name for the machine; nil when it is missing or a blank form.
    var productName: String? {
        let blanks = ["", "System Product Name", "Default string", "None", "Not Specified"]
        guard let text = root?.info("DMIProductName") else { return nil }
        let name = text.split(separator: " ").joined(separator: " ")
        let isBlank = name.lowercased().hasPrefix("to be filled") || blanks.contains(name)
        return isBlank ? nil : name
    }

    private var hostName: String {
        if let name = root?.info("HostName") { return name }
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "this machine" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The latencies between `nodes` by their ids, or nil when a pair is missing.
    private borrowing func distances(between nodes: [NUMANode]) -> [[Int]]? {
        var ids: [Int: Int] = [:]
        for node in nodes { ids[node.osIndex] = node.id }
        var matrix = nodes.map { _ in [Int?](repeating: nil, count: nodes.count) }
        for entry in nodeLatencies() {
            guard let from = ids[entry.from], let to = ids[entry.to] else { continue }
            matrix[from][to] = entry.latency
        }
        let rows = matrix.map { row in row.compactMap(\.self) }
        return !nodes.isEmpty && rows.allSatisfy { $0.count == nodes.count } ? rows : nil
    }
}

extension PerClass<CPUSet> {
    /// The class of a core with these PUs; performance when it is in no set.
    fileprivate func classOf(_ pus: CPUSet) -> CoreClass {
        CoreClass.allCases.first { !self[$0].isDisjoint(with: pus) } ?? .performance
    }
}
