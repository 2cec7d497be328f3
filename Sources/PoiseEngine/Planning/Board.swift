import PoiseModel

/// Who holds how many cores of which bin: the state on which cores are placed and repaired.
///
/// Owners are numbered: features first (by position), then one pool of shared cores a class.
struct Board {
    let map: CoreMap
    let owners: Int
    /// Cores that each owner holds of each bin, `owner * bins + bin`.
    private var held: [Int]
    /// Cores that each owner holds in each node, `owner * nodes + node`.
    private var heldInNode: [Int]
    /// Cores of each bin that nobody holds.
    private(set) var free: [Int]
    /// Cores that nobody holds in each node, by class.
    private(set) var freeInNode: [PerClass<Int>]

    init(map: CoreMap, owners: Int) {
        self.map = map
        self.owners = owners
        held = Array(repeating: 0, count: owners * map.bins.count)
        heldInNode = Array(repeating: 0, count: owners * map.machine.nodes.count)
        free = map.bins.map(\.cores.count)
        freeInNode = Array(repeating: .zero, count: map.machine.nodes.count)
        for bin in map.bins { freeInNode[bin.node][bin.coreClass] += bin.cores.count }
    }

    func count(_ owner: Int, in bin: Int) -> Int { held[owner * map.bins.count + bin] }

    func count(_ owner: Int, inNode node: Int) -> Int {
        heldInNode[owner * map.machine.nodes.count + node]
    }

    /// Takes cores out of use for everybody.
    mutating func withdraw(_ cores: Int, from bin: Int) {
        free[bin] -= cores
        freeInNode[map.bins[bin].node][map.bins[bin].coreClass] -= cores
        precondition(free[bin] >= 0, "bin \(bin) has \(free[bin]) free cores")
    }

    /// Gives `cores` free cores of a bin to an owner; a negative number gives them back.
    mutating func give(_ cores: Int, of bin: Int, to owner: Int) {
        withdraw(cores, from: bin)
        held[owner * map.bins.count + bin] += cores
        heldInNode[owner * map.machine.nodes.count + map.bins[bin].node] += cores
        precondition(count(owner, in: bin) >= 0, "owner \(owner) holds less than nothing")
    }

    /// The bins that an owner holds cores of, ascending.
    func bins(of owner: Int) -> [Int] {
        map.bins.indices.filter { count(owner, in: $0) > 0 }
    }

    func nodes(of owner: Int) -> [Int] {
        map.machine.nodes.indices.filter { count(owner, inNode: $0) > 0 }
    }
}

/// What a feature's place should be close to.
struct Closeness {
    /// For each node, what one core there costs more than in the nearest node: hops to the
    /// feature's accelerators. Empty when it has none.
    var costOfNode: [Int] = []

    func cost(_ node: Int) -> Int { costOfNode.isEmpty ? 0 : costOfNode[node] }

    static func to(_ accelerators: [AcceleratorShare], on machine: Machine) -> Closeness {
        let homes = machine.accelerators
            .filter { device in accelerators.contains { $0.id == device.id } }
            .compactMap(\.node)
        guard !homes.isEmpty else { return Closeness() }
        return Closeness(
            costOfNode: machine.nodes.map { node in
                homes.reduce(0) { $0 + machine.distance(from: node.id, to: $1) - 10 }
            })
    }
}
