package import PoiseModel

/// Checks a plan against the invariants that every plan holds; gives a sentence for each breach.
///
/// Used by the tests on every plan, and by the daemon before a plan is let near the kernel.
package struct PlanAudit {
    package private(set) var breaches: [String] = []
    private let plan: AllocationPlan
    private let machine: Machine
    private let policy: Policy
    private let belowLevel: Set<FeatureID>
    private let resting: Set<FeatureID>

    /// Whether the CPU sets of a plan could be given on a machine: owned once, in whole cores, with
    /// room for the time that is shared.
    static func placesAreValid(_ plan: AllocationPlan, on machine: Machine) -> Bool {
        var audit = PlanAudit(plan: plan, machine: machine)
        audit.checkOwnership()
        audit.checkWholeCores()
        audit.checkSharedTime()
        return audit.breaches.isEmpty
    }

    private init(plan: AllocationPlan, machine: Machine) {
        self.plan = plan
        self.machine = machine
        policy = Policy(name: plan.policy, features: [])
        resting = []
        belowLevel = []
    }

    /// - Parameters:
    ///   - resting: features that do not run while their breaker is open: they lend to everybody.
    ///   - belowLevel: features that lack nothing and are kept out by the service level.
    package init(
        _ plan: AllocationPlan, machine: Machine, policy: Policy, resting: Set<FeatureID> = [],
        belowLevel: Set<FeatureID> = []
    ) {
        self.belowLevel = belowLevel
        self.resting = resting
        self.plan = plan
        self.machine = machine
        self.policy = policy
        checkOwnership()
        checkLoans()
        checkWholeCores()
        checkMinimums()
        checkSharedTime()
        checkMemory()
        checkAccelerators()
    }

    /// 1. No PU is exclusive to two, none reserved is given, nobody has an empty set.
    private mutating func checkOwnership() {
        let pus = machine.pus
        var owned = plan.reserved
        for allocation in plan.features {
            let name = allocation.feature
            if allocation.cpus.isEmpty { breaches.append("\(name) has no CPU") }
            if !allocation.exclusive.isDisjoint(with: owned) {
                breaches.append(
                    "\(name) owns CPUs that are reserved or another's: \(allocation.exclusive)")
            }
            owned.formUnion(allocation.exclusive)
        }
        for allocation in plan.features {
            if !allocation.shared.isDisjoint(with: owned) {
                breaches.append("\(allocation.feature) shares CPUs that are reserved or exclusive")
            }
            if !allocation.cpus.isSubset(of: pus) {
                breaches.append("\(allocation.feature) has CPUs that the machine lacks")
            }
        }
        let used = plan.features.reduce(into: plan.reserved) { $0.formUnion($1.cpus) }
        if plan.idle != pus.subtracting(used) { breaches.append("idle is \(plan.idle)") }
    }

    /// What is borrowed is another's own, which it lends, and whose priority is not lower or who
    /// does not run.
    private mutating func checkLoans() {
        for allocation in plan.features {
            let name = allocation.feature
            if !allocation.lent.isSubset(of: allocation.exclusive) {
                breaches.append("\(name) lends what is not its own: \(allocation.lent)")
            }
            guard !allocation.borrowed.isEmpty else { continue }
            var offered = CPUSet()
            for lender in plan.features
            where lender.feature != name {
                guard lender.priority >= allocation.priority || resting.contains(lender.feature)
                else { continue }
                offered.formUnion(lender.lent)
            }
            if !allocation.borrowed.isSubset(of: offered) {
                breaches.append("\(name) borrows what nobody lends: \(allocation.borrowed)")
            }
        }
    }

    /// 2. Exclusive means whole cores, as many as it says.
    private mutating func checkWholeCores() {
        for allocation in plan.features {
            var cores = PerClass<Int>.zero
            var covered = CPUSet()
            for core in machine.cores where !core.pus.isDisjoint(with: allocation.exclusive) {
                if !core.pus.isSubset(of: allocation.exclusive) {
                    breaches.append("\(allocation.feature) has a part of core \(core.id)")
                }
                cores[core.class] += 1
                covered.formUnion(core.pus)
            }
            if covered != allocation.exclusive {
                breaches.append("\(allocation.feature) owns unknown CPUs")
            }
            if cores != allocation.cores {
                breaches.append("\(allocation.feature) counts \(allocation.cores), has \(cores)")
            }
        }
    }

    /// 3. Every running feature has its minimum; the others are named.
    private mutating func checkMinimums() {
        for feature in policy.features where feature.shortage == .keepOut {
            guard let allocation = plan[feature.id] else { continue }
            var minimum = 0
            for wish in CoreClass.allCases { minimum += feature.cores[wish]?.min ?? 0 }
            if allocation.millicores.total < minimum {
                breaches.append(
                    "\(feature.id) has \(allocation.millicores.total) of at least \(minimum)")
            }
            if allocation.memory.lowBytes < feature.memory.min {
                breaches.append("\(feature.id) lacks memory")
            }
        }
        for kept in plan.keptOut {
            if plan[kept.feature] != nil {
                breaches.append("\(kept.feature) is in and kept out")
            }
            if kept.unmet.isEmpty, !belowLevel.contains(kept.feature) {
                breaches.append("\(kept.feature) is kept out for no reason")
            }
        }
    }

    /// 4. What goes out equals what came in.
    private mutating func checkSharedTime() {
        for coreClass in CoreClass.allCases {
            var given = 0
            var pool = CPUSet()
            for allocation in plan.features {
                given += allocation.millicores[coreClass] - allocation.cores[coreClass] * 1000
                pool.formUnion(allocation.shared)
                if allocation.millicores[coreClass] < allocation.cores[coreClass] * 1000 {
                    breaches.append("\(allocation.feature) counts less time than cores")
                }
            }
            let poolCores = machine.cores.count {
                $0.class == coreClass && !$0.pus.isDisjoint(with: pool)
            }
            if given > poolCores * 1000 {
                breaches.append(
                    "\(given) millicores shared on \(poolCores) \(coreClass.rawValue) cores")
            }
        }
    }

    private mutating func checkMemory() {
        if let supply = MemoryPlacement.supply(machine, reserveBytes: policy.reserve.memoryBytes) {
            let given = plan.features.reduce(0) { $0 + $1.memory.lowBytes }
            if given > supply { breaches.append("\(given) bytes given of \(supply)") }
        }
    }

    private mutating func checkAccelerators() {
        for device in machine.accelerators {
            let shares = plan.features.flatMap(\.accelerators).filter { $0.id == device.id }
            let bytes = shares.reduce(0) { $0 + $1.bytes }
            let percent = shares.reduce(0) { $0 + ($1.sharePercent ?? 0) }
            if bytes > device.bytes ?? .max {
                breaches.append("\(device.id) gives \(bytes) bytes")
            }
            if percent > 100 { breaches.append("\(device.id) gives \(percent) %") }
        }
    }
}
