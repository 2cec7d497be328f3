extension AllocationPlan: SelfChecking {
    package var contradiction: String? {
        let lists = [features.map(\.feature), keptOut.map(\.feature)]
        for names in lists {
            for (left, right) in zip(names, names.dropFirst()) where left >= right {
                return "features are not in the order of their names"
            }
        }
        if !(0...Amounts.mostMillicores).contains(reservedMillicores) {
            return "reserves what cannot be"
        }
        return nil
    }

    /// All CPUs that the plan names.
    package var cpus: CPUSet {
        features.reduce(into: reserved.union(idle)) { $0.formUnion($1.cpus.union($1.lent)) }
    }
}

extension ResourceAllocation: SelfChecking {
    package var contradiction: String? {
        for coreClass in CoreClass.allCases {
            let amounts = [millicores[coreClass], wanted[coreClass], cores[coreClass]]
            if amounts.contains(where: { !(0...Amounts.mostMillicores).contains($0) }) {
                return "gives \(coreClass.rawValue) cores that cannot be"
            }
        }
        if !(1...10_000).contains(weight) { return "weight cannot be \(weight)" }
        let bytes = [memory.minBytes, memory.lowBytes, memory.highBytes ?? 0, memory.maxBytes ?? 0]
        if bytes.contains(where: { !(0...Amounts.mostBytes).contains($0) }) {
            return "gives memory that cannot be"
        }
        if accelerators.contains(where: { !(0...Amounts.mostBytes).contains($0.bytes) }) {
            return "gives memory of an accelerator that cannot be"
        }
        return nil
    }
}

extension Instant: SelfChecking {
    /// Moments from which a duration may still be added and taken.
    package var contradiction: String? {
        nanoseconds.magnitude < 1 << 62 ? nil : "\(nanoseconds) is too far away"
    }
}
