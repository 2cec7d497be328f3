import PoiseModel

/// How many cores each owner has of each bin and in each node.
///
/// Owners are numbered: features first (by position), then one pool of shared cores a class.
struct CoreCounts {
    let map: CoreMap
    let owners: Int
    private let bins: Int
    private let nodes: Int
    /// Cores that each owner holds of each bin, `owner * bins + bin`.
    private var inBin: [Int]
    /// Cores that each owner holds in each node, `owner * nodes + node`.
    private var inNode: [Int]

    init(map: CoreMap, owners: Int) {
        self.map = map
        self.owners = owners
        bins = map.bins.count
        nodes = map.machine.nodes.count
        inBin = Array(repeating: 0, count: owners * bins)
        inNode = Array(repeating: 0, count: owners * nodes)
    }

    func count(_ owner: Int, in bin: Int) -> Int { inBin[owner * bins + bin] }

    func count(_ owner: Int, inNode node: Int) -> Int { inNode[owner * nodes + node] }

    mutating func add(_ cores: Int, to owner: Int, in bin: Int) {
        inBin[owner * bins + bin] += cores
        inNode[owner * nodes + map.nodeOfBin[bin]] += cores
    }

    /// In how many bins and in how many nodes an owner holds cores.
    func places(of owner: Int) -> (bins: Int, nodes: Int) {
        var places = (bins: 0, nodes: 0)
        for bin in owner * bins..<(owner + 1) * bins where inBin[bin] > 0 { places.bins += 1 }
        for node in owner * nodes..<(owner + 1) * nodes where inNode[node] > 0 { places.nodes += 1 }
        return places
    }

    /// The bins that an owner holds cores of, ascending.
    func bins(of owner: Int) -> [Int] {
        (0..<bins).filter { inBin[owner * bins + $0] > 0 }
    }

    func nodes(of owner: Int) -> [Int] {
        (0..<nodes).filter { inNode[owner * nodes + $0] > 0 }
    }
}

/// Who holds how many cores of which bin: the state on which cores are placed and repaired.
struct Board {
    let map: CoreMap
    private(set) var held: CoreCounts
    /// Cores of each bin that nobody holds.
    private(set) var free: [Int]
    /// Cores that nobody holds in each node, by class.
    private(set) var freeInNode: [PerClass<Int>]

    init(map: CoreMap, owners: Int) {
        self.map = map
        held = CoreCounts(map: map, owners: owners)
        free = map.bins.map(\.cores.count)
        freeInNode = Array(repeating: .zero, count: map.machine.nodes.count)
        for bin in map.bins { freeInNode[bin.node][bin.coreClass] += bin.cores.count }
    }

    var owners: Int { held.owners }

    func count(_ owner: Int, in bin: Int) -> Int { held.count(owner, in: bin) }

    func count(_ owner: Int, inNode node: Int) -> Int { held.count(owner, inNode: node) }

    /// Takes cores out of use for everybody.
    mutating func withdraw(_ cores: Int, from bin: Int) {
        free[bin] -= cores
        freeInNode[map.nodeOfBin[bin]][map.bins[bin].coreClass] -= cores
        precondition(free[bin] >= 0, "bin \(bin) has \(free[bin]) free cores")
    }

    /// Gives `cores` free cores of a bin to an owner; a negative number gives them back.
    mutating func give(_ cores: Int, of bin: Int, to owner: Int) {
        withdraw(cores, from: bin)
        held.add(cores, to: owner, in: bin)
        precondition(count(owner, in: bin) >= 0, "owner \(owner) holds less than nothing")
    }

    /// The bins that an owner holds cores of, ascending.
    func bins(of owner: Int) -> [Int] { held.bins(of: owner) }

    func nodes(of owner: Int) -> [Int] { held.nodes(of: owner) }
}

/// What a feature's place should be close to.
struct Closeness {
    /// For each node, what one core there costs more than in the nearest node: hops to the
    /// feature's accelerators. Empty when it has none.
    var costOfNode: [Int] = []

    /// Whether it makes any difference.
    var matters: Bool { !costOfNode.isEmpty }

    func cost(_ node: Int) -> Int { costOfNode.isEmpty ? 0 : costOfNode[node] }

    static func to(_ accelerators: [AcceleratorShare], on machine: Machine) -> Closeness {
        guard !accelerators.isEmpty else { return Closeness() }
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
