package import PoiseModel

/// What tests draw their random cases from.
package typealias SeededGenerator = SplitMix64

/// One group of equal cores, for building machines in tests.
package struct CoreGroup {
    package var count: Int
    package var `class`: CoreClass
    package var threads: Int
    /// Cores a shared cache; 0 shares none.
    package var perCluster: Int

    package init(
        _ count: Int, _ coreClass: CoreClass = .performance, threads: Int = 1, perCluster: Int = 0
    ) {
        self.count = count
        self.class = coreClass
        self.threads = threads
        self.perCluster = perCluster
    }
}

/// A machine whose nodes all have the given groups of cores.
package func machine(
    nodes: Int = 1, _ groups: [CoreGroup], gibibytesPerNode: Int? = 16,
    accelerators: [Accelerator] = []
) -> Machine {
    var made = Machine(
        name: "test", packages: [], nodes: [], clusters: [], cores: [], accelerators: accelerators)
    var pu = 0
    for node in 0..<nodes {
        var ofNode = CPUSet()
        for group in groups {
            for index in 0..<group.count {
                let pus = CPUSet(pu..<(pu + group.threads))
                pu += group.threads
                ofNode.formUnion(pus)
                if group.perCluster > 0, index % group.perCluster == 0 {
                    made.clusters.append(
                        Cluster(id: made.clusters.count, pus: [], cache: "L3", bytes: 1 << 24))
                }
                let cluster = group.perCluster > 0 ? made.clusters.count - 1 : nil
                if let cluster { made.clusters[cluster].pus.formUnion(pus) }
                made.cores.append(
                    Core(
                        id: made.cores.count, class: group.class, pus: pus, node: node,
                        package: node, cluster: cluster))
            }
        }
        made.packages.append(Package(id: node, pus: ofNode))
        made.nodes.append(
            NUMANode(
                id: node, osIndex: node, pus: ofNode, bytes: gibibytesPerNode.map { $0 << 30 }))
    }
    return made
}

/// A machine of random shape: 1…4 nodes, up to three classes, mixed SMT, clusters or none.
package func randomMachine(using random: inout SeededGenerator) -> Machine {
    var groups = [
        CoreGroup(
            .random(in: 1...8, using: &random), .performance,
            threads: .random(in: 1...2, using: &random),
            perCluster: .random(in: 0...4, using: &random))
    ]
    if Bool.random(using: &random) {
        groups.append(
            CoreGroup(
                .random(in: 1...8, using: &random), .efficiency,
                perCluster: .random(in: 0...4, using: &random)))
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
        groups.append(CoreGroup(2, .lowPower, perCluster: 2))
    }
    return machine(
        nodes: .random(in: 1...4, using: &random), groups,
        gibibytesPerNode: Bool.random(using: &random) ? 16 : nil)
}

/// A feature policy with wishes of the given classes.
package func feature(
    _ name: String, priority: Int = 50, performance: CoreWish? = nil, efficiency: CoreWish? = nil,
    sharing: FeaturePolicy.Sharing = .exclusive
) -> FeaturePolicy {
    guard let id = FeatureID(name) else { preconditionFailure("\(name) names no feature") }
    var cores = PerClass<CoreWish?>(repeating: nil)
    cores.performance = performance
    cores.efficiency = efficiency
    return FeaturePolicy(
        id: id, source: .plugin("test"), priority: priority, cores: cores, sharing: sharing)
}

/// A wish of `min`…`want`…`max` whole cores.
package func cores(
    _ min: Int, _ want: Int, _ max: Int, fallback: CoreWish.Fallback = .any
) -> CoreWish {
    CoreWish(min: min * 1000, want: want * 1000, max: max * 1000, fallback: fallback)
}

/// A policy of random features, some shared, some exclusive, some with fractions.
package func randomPolicy(using random: inout SeededGenerator) -> Policy {
    var features: [FeaturePolicy] = []
    for index in 0..<Int.random(in: 1...7, using: &random) {
        var made = feature(
            "f\(index)", priority: .random(in: 0...3, using: &random) * 25,
            sharing: Bool.random(using: &random) ? .exclusive : .shared)
        for coreClass in CoreClass.allCases where Int.random(in: 0..<3, using: &random) > 0 {
            made.cores[coreClass] = randomWish(using: &random)
        }
        made.weight = [50, 100, 300].randomElement(using: &random) ?? 100
        let memory = Int.random(in: 0...4, using: &random) << 30
        made.memory = MemoryWish(
            min: memory / 2, want: memory, max: memory * 2,
            locality: MemoryWish.Locality.allCases.randomElement(using: &random) ?? .any)
        made.shortage = Int.random(in: 0..<5, using: &random) == 0 ? .start : .keepOut
        features.append(made)
    }
    let reserve = Reserve(
        millicores: [0, 250, 1000].randomElement(using: &random) ?? 0, memoryBytes: 1 << 30)
    return Policy(name: "random", reserve: reserve, features: features)
}

private func randomWish(using random: inout SeededGenerator) -> CoreWish {
    let step = [1000, 1000, 250].randomElement(using: &random) ?? 1000
    let low = Int.random(in: 0...2, using: &random) * step
    let want = low + Int.random(in: 0...4, using: &random) * step
    return CoreWish(
        min: low, want: want, max: want + Int.random(in: 0...3, using: &random) * step,
        fallback: CoreWish.Fallback.allCases.randomElement(using: &random) ?? .any)
}
