import PoiseModel

// What is compared and cut when allocations change.
extension ResourceAllocation {
    /// Whether the kernel and the feature would see no difference.
    func isHeldLike(_ other: ResourceAllocation) -> Bool {
        exclusive == other.exclusive && shared == other.shared && borrowed == other.borrowed
            && lent == other.lent
            && millicores == other.millicores && priority == other.priority
            && weight == other.weight && nodes == other.nodes && memory == other.memory
            && accelerators == other.accelerators
    }

    /// This allocation without the CPUs that `held` does not have yet; nil when no core of its own
    /// is lost, and when none would be left to go to.
    func narrowed(to held: ResourceAllocation) -> ResourceAllocation? {
        guard !held.exclusive.isSubset(of: exclusive) else { return nil }
        // What is borrowed is not asked for: its owner goes first there as it is.
        let narrow = without(cpus.subtracting(held.cpus))
        return narrow.cpus.isEmpty ? nil : narrow
    }

    func without(_ taken: CPUSet) -> ResourceAllocation {
        var narrow = self
        narrow.exclusive = exclusive.subtracting(taken)
        narrow.shared = shared.subtracting(taken)
        narrow.borrowed = borrowed.subtracting(taken)
        narrow.lent = lent.subtracting(taken)
        return narrow
    }

    /// Whether both cannot be held at one time. Only what the one borrows from the other is no
    /// conflict: a core that is lent to a third is nobody else's.
    func isInTheWay(of other: ResourceAllocation) -> Bool {
        feature != other.feature
            && (!exclusive.isDisjoint(with: other.cpus(butLentBy: self))
                || !cpus(butLentBy: other).isDisjoint(with: other.exclusive))
    }

    /// All PUs it may run on, but for those that a lender lets it have.
    private func cpus(butLentBy lender: ResourceAllocation) -> CPUSet {
        exclusive.union(shared).union(borrowed.subtracting(lender.lent))
    }
}

extension AllocationPlan {
    /// The plan as it was before any loan.
    func withoutLoans() -> AllocationPlan {
        var plan = self
        for index in features.indices {
            plan.features[index].borrowed = []
            plan.features[index].lent = []
        }
        return plan
    }

    /// The plan without the CPUs that are not in `pus`.
    func within(_ pus: CPUSet) -> AllocationPlan {
        var plan = self
        plan.reserved = reserved.intersection(pus)
        plan.idle = idle.intersection(pus)
        plan.features = features.map { $0.without($0.cpus.subtracting(pus)) }
        return plan
    }
}
