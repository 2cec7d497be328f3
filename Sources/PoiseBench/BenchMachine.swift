package import PoiseModel

/// The machines and policies that `poise bench plan` plans on, made in code.
package struct BenchCase {
    package var name: String
    package var machine: Machine
    package var policy: Policy

    /// 24 PUs and five features: a desktop of 8 performance cores with two PUs each and 8
    /// efficiency cores in clusters of four.
    package static var desktop: BenchCase {
        var machine = Machine(
            name: "8P+8E", packages: [], nodes: [], clusters: [], cores: [])
        machine.addCluster(of: 8, .performance, threads: 2, package: 0, cache: "L3")
        for _ in 0..<2 {
            machine.addCluster(of: 4, .efficiency, threads: 1, package: 0, cache: "L2")
        }
        machine.close(packages: 1)
        let features = [
            feature("agents", 90, performance: (0, 1, 2), shared: true),
            feature("fusion", 70, performance: (1, 1, 2)),
            feature("nas", 20, performance: (0, 2, 8)),
            feature("streaming", 80, performance: (1, 3, 4), efficiency: (2, 6, 8)),
            feature("twin", 60, performance: (1, 2, 4), efficiency: (1, 4, 8)),
        ]
        return BenchCase(
            name: "24 PUs, 5 features", machine: machine,
            policy: Policy(
                name: "desktop", reserve: Reserve(millicores: 200), features: features))
    }

    /// 384 PUs and 64 features: two packages of 12 last-level caches of 8 cores with two PUs each.
    package static var server: BenchCase {
        var machine = Machine(
            name: "2 x 96 cores", packages: [], nodes: [], clusters: [], cores: [])
        for package in 0..<2 {
            for _ in 0..<12 {
                machine.addCluster(of: 8, .performance, threads: 2, package: package, cache: "L3")
            }
        }
        machine.close(packages: 2)
        let features = (0..<64).map { index in
            let size = 1 + index % 4
            return feature(
                index < 10 ? "feature0\(index)" : "feature\(index)", 20 + (index * 7) % 60,
                performance: (index % 4 == 0 ? 0 : 1, size, size + 4), shared: index % 4 == 0)
        }
        return BenchCase(
            name: "384 PUs, 64 features", machine: machine,
            policy: Policy(
                name: "server", reserve: Reserve(millicores: 2000), features: features))
    }

    private typealias Cores = (min: Int, want: Int, max: Int)

    private static func feature(
        _ name: String, _ priority: Int, performance: Cores? = nil, efficiency: Cores? = nil,
        shared: Bool = false
    ) -> FeaturePolicy {
        guard let id = FeatureID(name) else { preconditionFailure("\(name) names no feature") }
        var cores = PerClass<CoreWish?>(repeating: nil)
        cores.performance = performance.map(wish)
        cores.efficiency = efficiency.map(wish)
        return FeaturePolicy(
            id: id, source: .command(["true"]), priority: priority, cores: cores,
            sharing: shared ? .shared : .exclusive,
            memory: MemoryWish(min: 64 << 20, want: 256 << 20))
    }

    private static func wish(_ cores: Cores) -> CoreWish {
        CoreWish(min: cores.min * 1000, want: cores.want * 1000, max: cores.max * 1000)
    }
}

extension Machine {
    /// Adds cores that share a cache; the package is their node too.
    mutating func addCluster(
        of count: Int, _ coreClass: CoreClass, threads: Int, package: Int, cache: String
    ) {
        var cluster = Cluster(id: clusters.count, pus: [], cache: cache, bytes: 32 << 20)
        var pu = (pus.last ?? -1) + 1
        for _ in 0..<count {
            let own = CPUSet(pu..<(pu + threads))
            pu += threads
            cluster.pus.formUnion(own)
            cores.append(
                Core(
                    id: cores.count, class: coreClass, pus: own, node: package, package: package,
                    cluster: cluster.id))
        }
        clusters.append(cluster)
    }

    /// Makes the packages, with a node each, of the cores that name them.
    mutating func close(packages count: Int) {
        for id in 0..<count {
            let own = cores.filter { $0.package == id }
                .reduce(into: CPUSet()) { $0.formUnion($1.pus) }
            packages.append(Package(id: id, pus: own))
            nodes.append(NUMANode(id: id, osIndex: id, pus: own, bytes: 64 << 30))
        }
    }
}
