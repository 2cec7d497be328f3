import PoiseModel

/// One step of a stream: from now on a tenant has so many cores of its class.
struct ChurnOperation: Equatable, Sendable {
    /// Its number; tenants of one class have numbers of their own.
    var tenant: Int
    var coreClass: CoreClass
    /// 0: it goes.
    var cores: Int
}

/// A stream of operations that a seed decides: 60 % resizes of ±1…4 cores (2…8 CPUs where a core
/// has two), the rest arrivals of 2…16 cores and departures, up to a given load.
///
/// The load is a limit for each class; arrivals and growth keep the machine close below it. Smaller
/// machines see smaller steps. All allocators of a run get the same streams.
struct ChurnStream: Sendable {
    /// Tenants of one class at most.
    static let tenantsPerClass = 32

    let operations: [ChurnOperation]
    /// Cores in use after an operation, of all cores, on average.
    let meanLoad: Double

    init(machine: ChurnMachine, loadPercent: Int, operations count: Int, seed: UInt64) {
        var maker = ChurnMaker(machine: machine, loadPercent: loadPercent, seed: seed)
        var used = 0
        operations = (0..<count).map { _ in
            let operation = maker.next()
            used += maker.usedCores
            return operation
        }
        let cores = machine.machine.cores.count
        meanLoad = Double(used) / Double(max(1, count * cores))
    }

    /// The class and the number that tell a tenant, from its number alone.
    static func coreClass(of tenant: Int) -> CoreClass {
        CoreClass.allCases[tenant / tenantsPerClass]
    }
}

/// What is there while a stream is made.
private struct ChurnMaker {
    private var random: SplitMix
    private let machine: ChurnMachine
    private let loadPercent: Int
    private let classes: [CoreClass]
    private var cores: [Int]
    private var used = PerClass<Int>.zero

    init(machine: ChurnMachine, loadPercent: Int, seed: UInt64) {
        self.machine = machine
        self.loadPercent = loadPercent
        random = SplitMix(seed: seed)
        classes = CoreClass.allCases.filter { machine.coreCount[$0] > 0 }
        cores = [Int](repeating: 0, count: ChurnStream.tenantsPerClass * CoreClass.allCases.count)
    }

    var usedCores: Int { used.total }

    /// Classes take turns by how many cores they have.
    mutating func next() -> ChurnOperation {
        var pick = random.below(machine.machine.cores.count)
        var coreClass = classes[0]
        for candidate in classes {
            coreClass = candidate
            if pick < machine.coreCount[candidate] { break }
            pick -= machine.coreCount[candidate]
        }
        return change(coreClass)
    }

    private mutating func change(_ coreClass: CoreClass) -> ChurnOperation {
        let first = coreClass.rank * ChurnStream.tenantsPerClass
        let slots = first..<(first + ChurnStream.tenantsPerClass)
        let here = slots.filter { cores[$0] > 0 }
        let total = machine.coreCount[coreClass]
        let most = max(1, total * loadPercent / 100)
        let room = most - used[coreClass]
        // Towards the target: the further below it, the more grows and arrives.
        let target = Double(total * loadPercent) / 100
        let reach = max(2, Double(total) / 4)
        let growth = 0.5 + (target - Double(used[coreClass])) / reach
        let isGrowth = random.fraction() < growth
        if random.below(10) < 6, !here.isEmpty {
            let tenant = here[random.below(here.count)]
            let step = 1 + random.below(min(4, max(1, total / 8)))
            let grown = min(step, room)
            let size =
                isGrowth && grown > 0 ? cores[tenant] + grown : max(1, cores[tenant] - step)
            return set(tenant, coreClass, to: size)
        }
        let free = slots.first { cores[$0] == 0 }
        if let free, room > 0, isGrowth || here.isEmpty {
            let largest = min(16, max(1, total / 4))
            return set(free, coreClass, to: min(room, random.within(min(2, largest)...largest)))
        }
        return set(here[random.below(here.count)], coreClass, to: 0)
    }

    private mutating func set(
        _ tenant: Int, _ coreClass: CoreClass, to size: Int
    ) -> ChurnOperation {
        used[coreClass] += size - cores[tenant]
        cores[tenant] = size
        return ChurnOperation(tenant: tenant, coreClass: coreClass, cores: size)
    }
}
