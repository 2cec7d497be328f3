import PoiseEngine
import PoiseModel

/// Poise's own planner, asked for a plan against the one in force after every operation.
struct PoiseAllocator: ChurnAllocator {
    private let planner: Planner
    private let names: [FeatureID]
    private var wanted: [FeatureID: Demand] = [:]
    private(set) var plan: AllocationPlan
    private(set) var owners: [Int]

    init(_ machine: ChurnMachine) {
        let count = ChurnStream.tenantsPerClass * CoreClass.allCases.count
        let names = (0..<count).map { tenant in
            guard let id = FeatureID("tenant\(tenant)") else {
                preconditionFailure("tenant\(tenant) names no feature")
            }
            return id
        }
        let features = names.indices.map { tenant in
            let coreClass = ChurnStream.coreClass(of: tenant)
            var cores = PerClass<CoreWish?>(repeating: nil)
            cores[coreClass] = CoreWish(
                min: 1000, want: 1000, max: max(1, machine.coreCount[coreClass]) * 1000,
                fallback: .none)
            return FeaturePolicy(id: names[tenant], source: .command(["true"]), cores: cores)
        }
        self.names = names
        // Every operation is to be served as asked, also where it is a small change.
        let policy = Policy(
            name: "churn", features: features, rebalance: Rebalance(deadbandPercent: 0))
        planner = Planner(machine: machine.machine, policy: policy)
        plan = AllocationPlan(machine: machine.machine.name, policy: policy.name)
        owners = [Int](repeating: -1, count: machine.coreOfPU.count)
    }

    mutating func apply(_ operation: ChurnOperation) {
        let id = names[operation.tenant]
        wanted[id] = nil
        if operation.cores > 0 {
            var demand = Demand()
            demand.wanted[operation.coreClass] = operation.cores * 1000
            wanted[id] = demand
        }
        plan = planner.plan(demands: wanted, inForce: plan, running: Set(wanted.keys))
        readOwners()
    }

    /// Places tenants of the given sizes in cores, by class, from nothing.
    mutating func place(_ sizes: PerClass<[Int]>) {
        for coreClass in CoreClass.allCases {
            for (index, cores) in sizes[coreClass].enumerated() {
                var demand = Demand()
                demand.wanted[coreClass] = cores * 1000
                wanted[names[coreClass.rank * ChurnStream.tenantsPerClass + index]] = demand
            }
        }
        plan = planner.plan(demands: wanted, running: Set(wanted.keys))
        readOwners()
    }

    private mutating func readOwners() {
        for cpu in owners.indices { owners[cpu] = -1 }
        for tenant in names.indices where wanted[names[tenant]] != nil {
            for cpu in plan[names[tenant]]?.exclusive ?? [] { owners[cpu] = tenant }
        }
    }
}
