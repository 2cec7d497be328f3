import PoiseEngine
import PoiseModel
import PoiseTestSupport

/// A process of a feature as the kernel of a `ChaosRun` has it.
struct FakeProcess {
    /// What the kernel holds it to.
    var held: ResourceAllocation
    /// The last generation that it was told.
    var generation: Int
    /// It never answers again.
    var isHung = false
    /// It has said that it works.
    var isWorking = false
    /// When it ends by itself or because it was told to; nil while nothing says so.
    var endsAt: Int?
    var ending = FeatureLife.Ending.done
}

/// The odds of what goes wrong, each of a thousand.
struct Odds {
    var crash = 30
    var hang = 15
    var late = 150
    var never = 30
    var spawnFails = 60
    var refuses = 60
    var lostReport = 20
    var leap = 15
    var daemonCrash = 10

    /// Nothing goes wrong any more.
    static let calm = Odds(
        crash: 0, hang: 0, late: 0, never: 0, spawnFails: 0, refuses: 0, lostReport: 0, leap: 0,
        daemonCrash: 0)
    static let usual = Odds()
}

extension SeededGenerator {
    /// True in so many of a thousand cases.
    mutating func happens(_ perMille: Int) -> Bool {
        Int.random(in: 0..<1000, using: &self) < perMille
    }

    mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}

extension FeaturePolicy {
    /// Wants one to three whole cores of its own, and many more when it needs them.
    mutating func haveWholeCores(using random: inout SeededGenerator) {
        let want = random.pick(1...3)
        cores = PerClass(repeating: nil)
        cores.performance = PoiseTestSupport.cores(random.pick(0...1), want, want + 8)
        sharing = .exclusive
    }
}

extension Machine {
    /// The machine while the CPUs of some cores (by position) are offline: places are numbered
    /// anew, as hwloc does.
    func without(cores offline: Set<Int>) -> Machine {
        var made = self
        let gone = offline.reduce(into: CPUSet()) { $0.formUnion(cores[$1].pus) }
        made.cores = cores.indices.filter { !offline.contains($0) }.map { cores[$0] }
        var clusters: [Cluster] = []
        var newNumber: [Int: Int] = [:]
        for cluster in self.clusters where !cluster.pus.isSubset(of: gone) {
            newNumber[cluster.id] = clusters.count
            clusters.append(cluster)
            clusters[clusters.count - 1].id = clusters.count - 1
            clusters[clusters.count - 1].pus = cluster.pus.subtracting(gone)
        }
        made.clusters = clusters
        for index in made.cores.indices {
            made.cores[index].id = index
            made.cores[index].cluster = made.cores[index].cluster.flatMap { newNumber[$0] }
        }
        for index in made.nodes.indices {
            made.nodes[index].pus = made.nodes[index].pus.subtracting(gone)
        }
        for index in made.packages.indices {
            made.packages[index].pus = made.packages[index].pus.subtracting(gone)
        }
        return made
    }
}
