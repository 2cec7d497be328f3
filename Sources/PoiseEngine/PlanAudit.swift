package import PoiseModel

/// Checks a plan against the invariants that every plan holds; gives a sentence for each breach.
///
/// Used by the tests on every plan, and by the daemon before a plan is let near the kernel.
package struct PlanAudit {
    package private(set) var breaches: [String] = []
    private let plan: AllocationPlan
    private let machine: Machine
    private let policy: Policy

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
    }

    package init(_ plan: AllocationPlan, machine: Machine, policy: Policy) {
        self.plan = plan
        self.machine = machine
        self.policy = policy
        checkOwnership()
        checkWholeCores()
        checkMinimums()
        checkSharedTime()
        checkMemory()
        checkAccelerators()
    }

    private mutating func expect(_ holds: Bool, _ breach: String) {
        if !holds { breaches.append(breach) }
    }

    /// 1. No PU is exclusive to two, none reserved is given, nobody has an empty set.
    private mutating func checkOwnership() {
        var owned = plan.reserved
        for allocation in plan.features {
            let name = allocation.feature
            expect(!allocation.cpus.isEmpty, "\(name) has no CPU")
            expect(
                allocation.exclusive.isDisjoint(with: owned),
                "\(name) owns CPUs that are reserved or another's: \(allocation.exclusive)")
            owned.formUnion(allocation.exclusive)
        }
        for allocation in plan.features {
            expect(
                allocation.shared.isDisjoint(with: owned),
                "\(allocation.feature) shares CPUs that are reserved or exclusive")
            expect(
                allocation.cpus.isSubset(of: machine.pus),
                "\(allocation.feature) has CPUs that the machine lacks")
            owned.formUnion(allocation.borrowed)
        }
        let used = plan.features.reduce(into: plan.reserved) { $0.formUnion($1.cpus) }
        expect(plan.idle == machine.pus.subtracting(used), "idle is \(plan.idle)")
    }

    /// 2. Exclusive means whole cores, as many as it says.
    private mutating func checkWholeCores() {
        for allocation in plan.features {
            var cores = PerClass<Int>.zero
            var covered = CPUSet()
            for core in machine.cores where !core.pus.isDisjoint(with: allocation.exclusive) {
                expect(
                    core.pus.isSubset(of: allocation.exclusive),
                    "\(allocation.feature) has a part of core \(core.id)")
                cores[core.class] += 1
                covered.formUnion(core.pus)
            }
            expect(covered == allocation.exclusive, "\(allocation.feature) owns unknown CPUs")
            expect(
                cores == allocation.cores,
                "\(allocation.feature) counts \(allocation.cores), has \(cores)")
        }
    }

    /// 3. Every running feature has its minimum; the others are named.
    private mutating func checkMinimums() {
        for feature in policy.features where feature.shortage == .keepOut {
            guard let allocation = plan[feature.id] else { continue }
            var minimum = 0
            for wish in CoreClass.allCases { minimum += feature.cores[wish]?.min ?? 0 }
            expect(
                allocation.millicores.total >= minimum,
                "\(feature.id) has \(allocation.millicores.total) of at least \(minimum)")
            expect(
                allocation.memory.lowBytes >= feature.memory.min, "\(feature.id) lacks memory")
        }
        for kept in plan.keptOut {
            expect(plan[kept.feature] == nil, "\(kept.feature) is in and kept out")
            expect(!kept.unmet.isEmpty, "\(kept.feature) is kept out for no reason")
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
                expect(
                    allocation.millicores[coreClass] >= allocation.cores[coreClass] * 1000,
                    "\(allocation.feature) counts less time than cores")
            }
            let poolCores = machine.cores.count {
                $0.class == coreClass && !$0.pus.isDisjoint(with: pool)
            }
            expect(
                given <= poolCores * 1000,
                "\(given) millicores shared on \(poolCores) \(coreClass.rawValue) cores")
        }
    }

    private mutating func checkMemory() {
        if let supply = MemoryPlacement.supply(machine, reserveBytes: policy.reserve.memoryBytes) {
            let given = plan.features.reduce(0) { $0 + $1.memory.lowBytes }
            expect(given <= supply, "\(given) bytes given of \(supply)")
        }
    }

    private mutating func checkAccelerators() {
        for device in machine.accelerators {
            let shares = plan.features.flatMap(\.accelerators).filter { $0.id == device.id }
            let bytes = shares.reduce(0) { $0 + $1.bytes }
            let percent = shares.reduce(0) { $0 + ($1.sharePercent ?? 0) }
            expect(bytes <= device.bytes ?? .max, "\(device.id) gives \(bytes) bytes")
            expect(percent <= 100, "\(device.id) gives \(percent) %")
        }
    }
}
