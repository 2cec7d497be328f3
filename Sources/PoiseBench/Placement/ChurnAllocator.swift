import PoiseModel

/// Somebody who gives CPUs to tenants that come, go and are resized.
protocol ChurnAllocator {
    /// Does one operation.
    mutating func apply(_ operation: ChurnOperation)

    /// Who has each PU, by PU number; -1 is nobody.
    var owners: [Int] { get }
}

/// A port that gives and takes CPUs in place: what a tenant has stays where it is.
protocol InPlaceAllocator: ChurnAllocator {
    var board: PUBoard { get set }

    /// Gives so many free CPUs to a tenant.
    mutating func grow(_ tenant: Int, by cpus: Int)
    /// Takes so many CPUs from a tenant.
    mutating func shrink(_ tenant: Int, by cpus: Int)
}

extension InPlaceAllocator {
    var owners: [Int] { board.owners }

    mutating func apply(_ operation: ChurnOperation) {
        let wanted = operation.cores * board.machine.width[operation.coreClass]
        let has = board.cpus(of: operation.tenant).count
        if wanted > has { grow(operation.tenant, by: wanted - has) }
        if wanted < has { shrink(operation.tenant, by: has - wanted) }
    }
}

/// Which PU is whose.
struct PUBoard {
    let machine: ChurnMachine
    private(set) var owners: [Int]

    init(_ machine: ChurnMachine) {
        self.machine = machine
        owners = [Int](repeating: -1, count: machine.coreOfPU.count)
    }

    /// PU numbers of a tenant, ascending; those of -1 are free.
    func cpus(of tenant: Int) -> [Int] {
        owners.indices.filter { owners[$0] == tenant && machine.coreOfPU[$0] >= 0 }
    }

    mutating func give(_ cpus: some Sequence<Int>, to tenant: Int) {
        for cpu in cpus { owners[cpu] = tenant }
    }

    func core(of cpu: Int) -> Core { machine.machine.cores[machine.coreOfPU[cpu]] }
    func cache(of cpu: Int) -> Int { machine.cacheOfCore[machine.coreOfPU[cpu]] }
}
