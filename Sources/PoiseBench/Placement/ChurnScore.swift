import PoiseModel

/// What an allocator made of a stream: sums over all tenants after every operation.
package struct ChurnScore: Sendable, Equatable {
    private var tenants = 0
    private var cacheSum = 0.0
    private var nodeSum = 0.0
    private var scattered = 0
    private var split = 0
    private var short = 0
    private var foreign = 0
    private var moved = 0
    private var operations = 0

    /// Caches that a tenant's CPUs are in, over the fewest that could hold them; 1 is best.
    package var cacheSpan: Double { mean(cacheSum) }
    /// The same for NUMA nodes.
    package var nodeSpan: Double { mean(nodeSum) }
    /// Share of tenants in more caches or nodes than they need.
    package var scatteredShare: Double { mean(Double(scattered)) }
    /// Share of tenants that have a part of a core of which another has the rest.
    package var splitShare: Double { mean(Double(split)) }
    /// Share of tenants that have fewer CPUs than they asked for.
    package var shortShare: Double { mean(Double(short)) }
    /// Share of tenants with CPUs of another class than they asked for.
    package var foreignShare: Double { mean(Double(foreign)) }
    /// CPUs that a tenant had to leave and did not give up, an operation.
    package var movedPerOperation: Double { Double(moved) / Double(max(1, operations)) }

    private func mean(_ sum: Double) -> Double { tenants == 0 ? 0 : sum / Double(tenants) }

    /// Both together, as if it were one stream.
    static func + (left: ChurnScore, right: ChurnScore) -> ChurnScore {
        var sum = left
        sum.tenants += right.tenants
        sum.cacheSum += right.cacheSum
        sum.nodeSum += right.nodeSum
        sum.scattered += right.scattered
        sum.split += right.split
        sum.short += right.short
        sum.foreign += right.foreign
        sum.moved += right.moved
        sum.operations += right.operations
        return sum
    }

    /// Runs a stream through an allocator.
    init(
        _ stream: ChurnStream, through allocator: inout some ChurnAllocator,
        on machine: ChurnMachine
    ) {
        var wanted = [Int](
            repeating: 0, count: ChurnStream.tenantsPerClass * CoreClass.allCases.count)
        var before = allocator.owners
        for operation in stream.operations {
            wanted[operation.tenant] = operation.cores
            allocator.apply(operation)
            let after = allocator.owners
            operations += 1
            moved += ChurnScore.movedCPUs(from: before, to: after, tenants: wanted.count)
            let view = ChurnView(owners: after, tenants: wanted.count, machine: machine)
            for tenant in wanted.indices where wanted[tenant] > 0 {
                add(tenant, wanting: wanted[tenant], view, machine)
            }
            before = after
        }
    }

    private mutating func add(
        _ tenant: Int, wanting cores: Int, _ view: ChurnView, _ machine: ChurnMachine
    ) {
        let coreClass = ChurnStream.coreClass(of: tenant)
        let leastCaches = machine.leastCaches(cores, coreClass)
        let leastNodes = machine.leastNodes(cores, coreClass)
        let (caches, nodes) = (view.caches[tenant], view.nodes[tenant])
        tenants += 1
        cacheSum += Double(caches) / Double(leastCaches)
        nodeSum += Double(nodes) / Double(leastNodes)
        if caches > leastCaches || nodes > leastNodes { scattered += 1 }
        if view.hasSplitCore[tenant] { split += 1 }
        if view.cpus[tenant] < cores * machine.width[coreClass] { short += 1 }
        if view.hasOtherClass[tenant] { foreign += 1 }
    }

    /// What each tenant lost beyond what it gave up.
    private static func movedCPUs(from before: [Int], to after: [Int], tenants: Int) -> Int {
        var had = [Int](repeating: 0, count: tenants)
        var has = had
        var left = had
        for cpu in before.indices {
            if before[cpu] >= 0 {
                had[before[cpu]] += 1
                if after[cpu] != before[cpu] { left[before[cpu]] += 1 }
            }
            if after[cpu] >= 0 { has[after[cpu]] += 1 }
        }
        var sum = 0
        for tenant in 0..<tenants where has[tenant] > 0 {
            sum += max(0, left[tenant] - max(0, had[tenant] - has[tenant]))
        }
        return sum
    }
}

/// Where the CPUs of every tenant are.
private struct ChurnView {
    var cpus: [Int]
    var caches: [Int]
    var nodes: [Int]
    var hasSplitCore: [Bool]
    var hasOtherClass: [Bool]

    init(owners: [Int], tenants: Int, machine: ChurnMachine) {
        cpus = [Int](repeating: 0, count: tenants)
        caches = cpus
        nodes = cpus
        hasSplitCore = [Bool](repeating: false, count: tenants)
        hasOtherClass = hasSplitCore
        let nodeCount = machine.machine.nodes.count
        var inCache = [Bool](repeating: false, count: tenants * machine.caches)
        var inNode = [Bool](repeating: false, count: tenants * nodeCount)
        for core in machine.machine.cores {
            var first = -1
            for cpu in core.pus where owners[cpu] >= 0 {
                let tenant = owners[cpu]
                cpus[tenant] += 1
                let cache = tenant * machine.caches + machine.cacheOfCore[core.id]
                if !inCache[cache] { caches[tenant] += 1 }
                inCache[cache] = true
                if !inNode[tenant * nodeCount + core.node] { nodes[tenant] += 1 }
                inNode[tenant * nodeCount + core.node] = true
                if core.class != ChurnStream.coreClass(of: tenant) { hasOtherClass[tenant] = true }
                if first >= 0, first != tenant {
                    hasSplitCore[tenant] = true
                    hasSplitCore[first] = true
                }
                first = tenant
            }
        }
    }
}
