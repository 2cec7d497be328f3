import PoiseModel

/// The best placement there is, found by looking at all: for machines of up to 16 cores.
///
/// What is made small is the sum, over tenants, of the caches and of the nodes that each is in.
/// Tenants want cores of one class, so that classes do not meet. The search goes tenant by tenant,
/// remembers what the rest costs for every state of the free cores, and looks only once at caches
/// of one node with equally many free cores.
struct ExactPlacement {
    /// The most cores of a machine that is searched.
    static let mostCores = 16

    private let nodeOfBin: [Int]
    private let sizes: [Int]
    private var known: [[Int]: Int] = [:]

    private init(sizes: [Int], free: [Int], nodeOfBin: [Int]) {
        self.sizes = sizes
        self.nodeOfBin = nodeOfBin
    }

    /// The least sum of caches and nodes for tenants of the given sizes in cores, by class.
    static func leastSpan(_ sizes: PerClass<[Int]>, on machine: ChurnMachine) -> Int {
        var sum = 0
        for coreClass in CoreClass.allCases where !sizes[coreClass].isEmpty {
            var bins: [Int: (node: Int, cores: Int)] = [:]
            for core in machine.machine.cores where core.class == coreClass {
                bins[machine.cacheOfCore[core.id], default: (core.node, 0)].cores += 1
            }
            let ordered = bins.keys.sorted().compactMap { bins[$0] }
            var search = ExactPlacement(
                sizes: sizes[coreClass].sorted(by: >), free: ordered.map(\.cores),
                nodeOfBin: ordered.map(\.node))
            sum += search.least(from: 0, free: ordered.map(\.cores))
        }
        return sum
    }

    private mutating func least(from tenant: Int, free: [Int]) -> Int {
        guard tenant < sizes.count else { return 0 }
        let key = [tenant] + canonical(free)
        if let found = known[key] { return found }
        var best = Int.max
        spread(sizes[tenant], bin: 0, tenant, free, free, &best)
        known[key] = best
        return best
    }

    /// Free cores with the bins of each node in one order.
    private func canonical(_ free: [Int]) -> [Int] {
        var result = free
        let order = free.indices.sorted {
            (nodeOfBin[$0], free[$0]) < (nodeOfBin[$1], free[$1])
        }
        let places = free.indices.sorted { (nodeOfBin[$0], $0) < (nodeOfBin[$1], $1) }
        for (place, bin) in zip(places, order) { result[place] = free[bin] }
        return result
    }

    /// Tries every way to take `missing` cores of the bins from `bin` on.
    private mutating func spread(
        _ missing: Int, bin: Int, _ tenant: Int, _ before: [Int], _ free: [Int], _ best: inout Int
    ) {
        if missing == 0 {
            var caches = 0
            var nodes = Set<Int>()
            for index in free.indices where free[index] < before[index] {
                caches += 1
                nodes.insert(nodeOfBin[index])
            }
            let own = caches + nodes.count
            guard own < best else { return }
            let rest = least(from: tenant + 1, free: free)
            if rest < .max { best = min(best, own + rest) }
            return
        }
        guard bin < free.count else { return }
        let twin = (0..<bin).last { nodeOfBin[$0] == nodeOfBin[bin] && before[$0] == before[bin] }
        let most = min(missing, free[bin], twin.map { before[$0] - free[$0] } ?? .max)
        for part in stride(from: most, through: 0, by: -1) {
            var next = free
            next[bin] -= part
            spread(missing - part, bin: bin + 1, tenant, before, next, &best)
        }
    }
}
