import PoiseModel

/// Where one worker of a pool runs.
struct WorkerPlace: Hashable, Sendable {
    /// nil: it serves both lanes alike, as its PUs are shared or of unknown class.
    var coreClass: CoreClass?
    /// The PUs it runs on; empty leaves it where the process is.
    var cpus: CPUSet
}

extension WorkerPlace {
    /// One place a whole core of its own or borrowed, then floating ones on what is shared; never
    /// none.
    static func places(for allocation: Allocation) -> [WorkerPlace] {
        let own = allocation.exclusiveCores
        let lent = allocation.knownCores.filter {
            !$0.cpus.isEmpty && $0.cpus.isSubset(of: allocation.borrowed)
        }
        var places = (own + lent).map { WorkerPlace(coreClass: $0.coreClass, cpus: $0.cpus) }
        places += rest(of: allocation.exclusive, besides: own)
        places += rest(of: allocation.borrowed, besides: lent)
        let floating = WorkerPlace(coreClass: nil, cpus: allocation.shared)
        places += Array(repeating: floating, count: floatingCount(allocation, own: own))
        guard places.isEmpty else { return places }
        return [WorkerPlace(coreClass: nil, cpus: allocation.cpus)]
    }

    // PUs whose core is not known: a worker each, that floats on all of them.
    private static func rest(of set: CPUSet, besides cores: [Allocation.Core]) -> [WorkerPlace] {
        let left = cores.reduce(set) { $0.subtracting($1.cpus) }
        return Array(repeating: WorkerPlace(coreClass: nil, cpus: left), count: left.count)
    }

    // Time that is not that of its own cores is shared time: a worker a core's worth, rounded up.
    private static func floatingCount(_ allocation: Allocation, own: [Allocation.Core]) -> Int {
        guard !allocation.shared.isEmpty else { return 0 }
        let shared = CoreClass.allCases.reduce(0) { sum, coreClass in
            let exclusive = own.count { $0.coreClass == coreClass } * 1000
            return sum + max(0, allocation.millicores[coreClass] - exclusive)
        }
        return min((shared + 999) / 1000, allocation.shared.count)
    }
}
