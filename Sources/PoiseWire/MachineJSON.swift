package import PoiseModel

extension Machine {
    /// The machine as `poise topology --json` prints it.
    package var json: JSON {
        [
            "name": .string(name), "isThisSystem": .bool(isThisSystem),
            "pus": .integer(pus.count), "smt": .bool(smt),
            "cores": .array(cores.map(\.json)), "clusters": .array(clusters.map(\.json)),
            "nodes": .array(nodes.map(\.json)), "packages": .array(packages.map(\.json)),
            "classes": .array(classes.map(classJSON)),
            "accelerators": .array(accelerators.map(\.json)),
            "distances": distances.map { rows in
                .array(rows.map { .array($0.map(JSON.integer)) })
            } ?? .null,
        ]
    }

    private func classJSON(_ coreClass: CoreClass) -> JSON {
        let members = cores.filter { $0.class == coreClass }
        let pus = members.reduce(into: CPUSet()) { $0.formUnion($1.pus) }
        return [
            "class": .string(coreClass.rawValue), "cores": .integer(members.count),
            "pus": .string(pus.description),
        ]
    }
}

extension Core {
    var json: JSON {
        [
            "id": .integer(id), "class": .string(self.class.rawValue),
            "pus": .string(pus.description), "node": .integer(node),
            "package": .integer(package), "cluster": JSON(cluster),
        ]
    }
}

extension Cluster {
    var json: JSON {
        [
            "id": .integer(id), "pus": .string(pus.description), "cache": .string(cache),
            "bytes": JSON(bytes),
        ]
    }
}

extension NUMANode {
    var json: JSON {
        [
            "id": .integer(id), "osIndex": .integer(osIndex), "pus": .string(pus.description),
            "bytes": JSON(bytes), "kind": .string(kind.rawValue),
        ]
    }
}

extension Package {
    var json: JSON { ["id": .integer(id), "pus": .string(pus.description)] }
}

extension Accelerator {
    var json: JSON {
        [
            "id": .string(id), "kind": .string(kind.rawValue), "node": JSON(node),
            "bytes": JSON(bytes), "name": .string(name),
        ]
    }
}
