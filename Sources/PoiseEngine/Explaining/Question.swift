package import PoiseModel

/// What somebody asks whether a feature could have.
package enum Question: Sendable, Equatable {
    /// Millicores of a class, or of any class.
    case cores(CoreClass?, Int)
    /// Bytes that are kept for it.
    case memory(Int)
    /// Cores in the NUMA node of this number (the kernel's).
    case node(Int)
    /// These CPUs, all of them.
    case cpus(CPUSet)
    /// Bytes on one GPU.
    case gpu(Int)
    /// Per cent of one NPU.
    case npu(Int)
    /// A place in the plan, and to run.
    case running

    /// Whether a plan gives it to the feature.
    package func isMet(for feature: FeatureID, by plan: AllocationPlan, on machine: Machine) -> Bool
    {
        guard let allocation = plan[feature] else { return false }
        switch self {
        case .cores(let coreClass?, let amount):
            return allocation.millicores[coreClass] >= amount
        case .cores(nil, let amount): return allocation.millicores.total >= amount
        case .memory(let bytes): return allocation.memory.lowBytes >= bytes
        case .node(let number):
            let pus = machine.nodes.first { $0.osIndex == number }?.pus ?? []
            return !allocation.cpus.isDisjoint(with: pus)
        case .cpus(let cpus): return cpus.isSubset(of: allocation.cpus)
        case .gpu(let bytes): return allocation.accelerators.contains { $0.bytes >= bytes }
        case .npu(let percent):
            return allocation.accelerators.contains { $0.sharePercent ?? 0 >= percent }
        case .running: return true
        }
    }

    /// What the feature would have to signal for it, beside what it needs already; nil when no
    /// signal asks for it.
    package func need(of feature: FeatureID, in situation: Situation) -> Demand? {
        var demand = situation.demands[feature] ?? Demand()
        // What it has asked for beyond its maximums is no part of this question.
        for coreClass in CoreClass.allCases where demand.wanted[coreClass] != nil {
            demand.wanted[coreClass] = situation.target(of: feature, coreClass)
        }
        switch self {
        case .cores(let coreClass?, let amount):
            let wish = Question.wish(of: feature, for: coreClass, in: situation)
            demand.wanted[wish] = max(amount, situation.target(of: feature, wish) ?? 0)
        case .cores(nil, let amount): spread(amount, of: feature, in: situation, &demand)
        case .cpus(let cpus):
            for coreClass in CoreClass.allCases {
                let count = situation.machine.cores.count {
                    $0.class == coreClass && !$0.pus.isDisjoint(with: cpus)
                }
                guard count > 0 else { continue }
                let wish = Question.wish(of: feature, for: coreClass, in: situation)
                demand.wanted[wish] = max(
                    count * 1000, situation.target(of: feature, wish) ?? 0)
            }
        case .memory, .node, .gpu, .npu, .running: return nil
        }
        return demand
    }

    /// The wish that a feature has cores of a class by: its wish for them, or one for cores that
    /// this machine lacks and that may be met with these.
    package static func wish(
        of feature: FeatureID, for coreClass: CoreClass, in situation: Situation
    ) -> CoreClass {
        guard let policy = situation.policy(of: feature), policy.cores[coreClass] == nil else {
            return coreClass
        }
        let classes = situation.machine.classes
        let standIn = CoreClass.allCases.first { wish in
            guard let cores = policy.cores[wish], !classes.contains(wish) else { return false }
            return Apportionment.sources(of: wish, cores.fallback).contains(coreClass)
        }
        return standIn ?? coreClass
    }

    /// Cores of whatever class go to the first wish that its policy lets grow.
    private func spread(
        _ amount: Int, of feature: FeatureID, in situation: Situation, _ demand: inout Demand
    ) {
        guard let policy = situation.policy(of: feature) else { return }
        var missing = amount
        for wish in CoreClass.allCases {
            missing -= situation.target(of: feature, wish) ?? 0
        }
        for wish in CoreClass.allCases where missing > 0 {
            guard let target = situation.target(of: feature, wish),
                let most = policy.cores[wish]?.max
            else { continue }
            let part = min(missing, most - target)
            demand.wanted[wish] = target + part
            missing -= part
        }
        guard missing > 0 else { return }
        // The rest is beyond its maximums: the first wish would have to grow.
        let first = CoreClass.allCases.first { policy.cores[$0] != nil } ?? .performance
        let most = policy.cores[first]?.max ?? 0
        demand.wanted[first] = most + missing
    }

    /// The unmet wish that asks the same, and how much of it.
    package var resource: Unmet.Resource? {
        switch self {
        case .cores(let coreClass, _): coreClass.map { .cores($0) }
        case .memory: .memory
        case .gpu: .gpu
        case .npu: .npu
        case .node, .cpus, .running: nil
        }
    }
}
