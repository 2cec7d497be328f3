package import PoiseModel

/// How firmly each line of a budget is held here, and by what.
package struct Holding: Sendable, Equatable {
    package var cpus: Held
    package var memory: Held
    package var accelerators: Held
    package var io: Held

    package init(cpus: Held, memory: Held, accelerators: Held, io: Held) {
        self.cpus = cpus
        self.memory = memory
        self.accelerators = accelerators
        self.io = io
    }

    /// What a machine from a file is held to: nothing, it is only planned on.
    package static let none = Holding(
        cpus: .advisory, memory: .advisory, accelerators: .advisory, io: .advisory)

    /// What a backend holds on the running system.
    package init(backend: Backend) {
        switch backend {
        case .observe: self = .none
        // CPU masks hold the CPUs; RLIMIT_DATA holds the memory of each process.
        case .affinity:
            self.init(cpus: .enforced, memory: .enforced, accelerators: .advisory, io: .advisory)
        case .cgroup2:
            self.init(cpus: .enforced, memory: .enforced, accelerators: .advisory, io: .enforced)
        }
    }

    /// What the cgroups of this host hold; `files` are those that are there.
    package init(files: Set<ControlFile>) {
        let holds = { (file: ControlFile) in files.contains(file) ? Held.enforced : .advisory }
        self.init(
            cpus: holds(.cpusetCPUs), memory: holds(.memoryMax), accelerators: .advisory,
            io: holds(.ioWeight))
    }

    var json: JSON {
        [
            "cpus": .string(cpus.rawValue), "memory": .string(memory.rawValue),
            "accelerators": .string(accelerators.rawValue), "io": .string(io.rawValue),
        ]
    }
}

extension AllocationPlan {
    /// The plan as `poise plan --json` prints it.
    ///
    /// - Parameter notHeld: what of each feature's budget this host does not hold, and why.
    package func json(
        holding: Holding, solveMicroseconds: Int?, notHeld: [FeatureID: [NotHeld]] = [:]
    ) -> JSON {
        [
            "machine": .string(machine), "policy": .string(policy),
            "solveMicroseconds": JSON(solveMicroseconds),
            "reserved": .string(reserved.description), "idle": .string(idle.description),
            "reservedMillicores": .integer(reservedMillicores),
            "features": .array(
                features.map { $0.json(holding: holding, notHeld: notHeld[$0.feature] ?? []) }),
            "keptOut": .array(keptOut.map(\.json)),
        ]
    }
}

extension ResourceAllocation {
    /// One entry of `features` in `poise plan --json` and `poise allocations --json`.
    package func json(holding: Holding, notHeld: [NotHeld] = []) -> JSON {
        [
            "feature": .string(feature.name), "priority": .integer(priority),
            "level": .string(level.rawValue),
            "cpus": .string(cpus.description), "exclusive": .string(exclusive.description),
            "shared": .string(shared.description), "borrowed": .string(borrowed.description),
            "lent": .string(lent.description),
            "cores": cores.json, "millicores": .integer(millicores.total),
            "millicoresByClass": millicores.json, "wantedMillicores": wanted.json,
            "weight": .integer(weight), "nodes": .string(nodes.description),
            "memory": [
                "minBytes": .integer(memory.minBytes), "lowBytes": .integer(memory.lowBytes),
                "highBytes": JSON(memory.highBytes), "maxBytes": JSON(memory.maxBytes),
            ],
            "accelerators": .array(
                accelerators.map { share in
                    .object(
                        share.members
                            + [.init("held", .string(holding.accelerators.rawValue))])
                }),
            "held": holding.json,
            "notHeld": .array(
                notHeld.map {
                    ["setting": .string($0.setting), "because": .string($0.because)]
                }),
            "unmet": .array(unmet.map(\.json)), "because": .string(because),
        ]
    }
}

extension KeptOut {
    package var json: JSON {
        [
            "feature": .string(feature.name), "priority": .integer(priority),
            "level": .string(level.rawValue), "unmet": .array(unmet.map(\.json)),
            "because": .string(because),
        ]
    }
}

extension Unmet {
    package var json: JSON {
        [
            "resource": .string(resource.key), "wanted": resource.amount(wanted),
            "got": resource.amount(got), "because": .string(because),
        ]
    }
}

extension Unmet.Resource {
    /// The key of the policy file that asked for it.
    package var key: String {
        switch self {
        case .cores(let coreClass): "cores.\(coreClass.rawValue)"
        case .memory: "memory"
        case .gpu: "gpu.memory"
        case .npu: "npu.share"
        }
    }

    /// Cores as a number of cores; everything else as it is.
    func amount(_ value: Int) -> JSON {
        guard case .cores = self, value % 1000 != 0 else {
            if case .cores = self { return .integer(value / 1000) }
            return .integer(value)
        }
        return .number(Double(value) / 1000)
    }
}

extension PerClass where Value == Int {
    var json: JSON {
        .object(CoreClass.allCases.map { JSON.Member($0.rawValue, .integer(self[$0])) })
    }
}

extension AcceleratorShare {
    var members: [JSON.Member] {
        [
            .init("id", .string(id)), .init("bytes", .integer(bytes)),
            .init("sharePercent", JSON(sharePercent)),
        ]
    }
}
