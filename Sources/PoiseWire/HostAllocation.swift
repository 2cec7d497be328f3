package import PoiseModel

/// An allocation as it travels from `poised` to a plugin's host.
package struct HostAllocation: Sendable, Equatable {
    /// A whole core of the feature's own.
    package struct OwnCore: Sendable, Equatable {
        package var cpus: CPUSet
        package var coreClass: CoreClass

        package init(cpus: CPUSet, coreClass: CoreClass) {
            self.cpus = cpus
            self.coreClass = coreClass
        }
    }

    /// Goes up with every allocation.
    package var generation: Int
    package var exclusive: CPUSet
    package var shared: CPUSet
    package var borrowed: CPUSet
    /// What the feature keeps for as long as it runs.
    package var baseline: CPUSet
    package var cores: [OwnCore] = []
    package var millicores = PerClass<Int>.zero
    package var weight = 100
    package var memoryLowBytes = 0
    package var memoryMaxBytes: Int?
    package var accelerators: [AcceleratorShare] = []

    package init(
        generation: Int, exclusive: CPUSet = [], shared: CPUSet = [], borrowed: CPUSet = [],
        baseline: CPUSet = []
    ) {
        self.generation = generation
        self.exclusive = exclusive
        self.shared = shared
        self.borrowed = borrowed
        self.baseline = baseline
    }

    package var json: JSON {
        [
            "generation": .integer(generation),
            "exclusive": .string(exclusive.description), "shared": .string(shared.description),
            "borrowed": .string(borrowed.description), "baseline": .string(baseline.description),
            "cores": .array(
                cores.map {
                    ["cpus": .string($0.cpus.description), "class": .string($0.coreClass.rawValue)]
                }),
            "millicores": millicores.json, "weight": .integer(weight),
            "memoryLowBytes": .integer(memoryLowBytes), "memoryMaxBytes": JSON(memoryMaxBytes),
            "accelerators": .array(accelerators.map { .object($0.members) }),
        ]
    }

    package init(json: JSON) throws(WireError) {
        guard let generation = json["generation"]?.integer else {
            throw WireError("generation", "an allocation has a generation")
        }
        self.init(
            generation: generation,
            exclusive: try json.cpuSet("exclusive", at: "allocation"),
            shared: try json.cpuSet("shared", at: "allocation"),
            borrowed: try json.cpuSet("borrowed", at: "allocation"),
            baseline: try json.cpuSet("baseline", at: "allocation"))
        for core in json["cores"]?.array ?? [] {
            guard let coreClass = core["class"]?.string.flatMap(CoreClass.init(rawValue:)) else {
                throw WireError("allocation.cores", "a core has a class")
            }
            cores.append(
                OwnCore(cpus: try core.cpuSet("cpus", at: "allocation"), coreClass: coreClass))
        }
        millicores = try json.perClass("millicores", at: "allocation") ?? .zero
        weight = json["weight"]?.integer ?? 100
        memoryLowBytes = json["memoryLowBytes"]?.integer ?? 0
        memoryMaxBytes = json["memoryMaxBytes"]?.integer
        for share in json["accelerators"]?.array ?? [] {
            accelerators.append(try AcceleratorShare(json: share, at: "allocation.accelerators"))
        }
    }
}
