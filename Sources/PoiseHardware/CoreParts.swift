import CHwloc
import PoiseModel

/// A core as hwloc has it, with what is above it in the tree.
struct CorePart {
    /// A cache above the core.
    struct Cache {
        var id: UInt64
        var level: Int
        var bytes: Int
    }

    var pus: CPUSet
    /// Caches that hold data, nearest first.
    var caches: [Cache]
    /// `gp_index` of the package; nil when hwloc knows none.
    var package: UInt64?
    /// The nodes of each object above the core that has any, nearest first.
    var nodes: [NodeSet]

    init(_ object: TopologyObject) {
        pus = object.pus
        caches = []
        package = nil
        nodes = []
        for above in object.ancestors {
            if let cache = above.dataCache {
                caches.append(Cache(id: above.id, level: cache.level, bytes: cache.bytes))
            }
            if above.type == HWLOC_OBJ_PACKAGE { package = above.id }
            let local = above.nodes
            if !local.isEmpty, nodes.last != local { nodes.append(local) }
        }
    }
}

extension Topology {
    /// Every core, in logical order; a PU without a core above it is a core of its own.
    borrowing func coreParts() -> [CorePart] {
        var seen: Set<UInt64> = []
        var parts: [CorePart] = []
        for pu in objects(HWLOC_OBJ_PU) {
            let core = pu.ancestors.first { $0.type == HWLOC_OBJ_CORE } ?? pu
            guard seen.insert(core.id).inserted, !core.pus.isEmpty else { continue }
            parts.append(CorePart(core))
        }
        return parts
    }

    /// The packages that have cores, and the package of each core.
    ///
    /// Cores without a package are together in one more, so that every core has one.
    borrowing func packageParts(of cores: [CorePart]) -> (packages: [Package], ofCore: [Int]) {
        var packages: [Package] = []
        var ids: [UInt64?: Int] = [:]
        var ofCore: [Int] = []
        for core in cores {
            let id = ids[core.package] ?? packages.count
            if id == packages.count {
                ids[core.package] = id
                packages.append(Package(id: id, pus: []))
            }
            packages[id].pus.formUnion(core.pus)
            ofCore.append(id)
        }
        return (packages, ofCore)
    }

    /// The clusters, and the cluster of each core.
    ///
    /// A core belongs to the smallest cache that it shares with another core, and a cluster's PUs
    /// are those of its own cores: where efficiency cores share an L2 below the common L3, the
    /// cluster of the L3 has the other cores only. So no PU is in two clusters.
    borrowing func clusterParts(of cores: [CorePart]) -> (clusters: [Cluster], ofCore: [Int?]) {
        var sharers: [UInt64: Int] = [:]
        for core in cores {
            for cache in core.caches { sharers[cache.id, default: 0] += 1 }
        }
        var clusters: [Cluster] = []
        var ids: [UInt64: Int] = [:]
        var ofCore: [Int?] = []
        for core in cores {
            guard let cache = core.caches.first(where: { sharers[$0.id, default: 0] > 1 }) else {
                ofCore.append(nil)
                continue
            }
            let id = ids[cache.id] ?? clusters.count
            if id == clusters.count {
                ids[cache.id] = id
                clusters.append(
                    Cluster(
                        id: id, pus: [], cache: "L\(cache.level)",
                        bytes: cache.bytes == 0 ? nil : cache.bytes))
            }
            clusters[id].pus.formUnion(core.pus)
            ofCore.append(id)
        }
        return (clusters, ofCore)
    }
}
