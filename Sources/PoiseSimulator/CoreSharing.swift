import PoiseModel

/// Who runs where for a short time in which nothing changes.
///
/// The model of the world:
/// - Cores count whole, whatever their SMT width, as a policy's millicores do. A core of a slower
///   class does less work in the same time (`speeds`).
/// - A feature's own cores are its own first. Shared cores are divided by entitlement, as
///   `cpu.weight` does, and what one leaves the others use (the kernel conserves work). Guests
///   (borrowers, and features without time of their own, `cpu.idle`) get what is left then.
/// - Work runs on the fastest cores first; work that is meant for a class goes there first and
///   elsewhere when there is no room.
struct CoreSharing {
    /// Work of one kind that a feature has to do now.
    struct Stream {
        var feature: Int
        var preferred: CoreClass?
        /// Work left, in performance cores.
        var left: Double
        /// Done in this time, in performance cores.
        var done = 0.0
    }

    /// What one feature uses.
    struct Use: Equatable {
        /// Cores it could still use: its threads that have none.
        var threads: Double
        /// Cores in use, and of these by class.
        var cores = 0.0
        var byClass = PerClass<Double>(repeating: 0)
        /// Used beyond its entitlement, and left to others of it.
        var borrowed = 0.0
        var lent = 0.0
        /// CPU time by the kernel's count, where each PU of a core counts.
        var cpuTime = 0.0
    }

    let speeds: PerClass<Double>
    var streams: [Stream]
    var uses: [Use]
    /// Cores in use in each region.
    private var busy: [Double] = []
    private var usedBy: [[Double]] = []
    private var streamsOf: [[Int]]
    private var classesOf: [PerClass<Bool>] = []

    init(speeds: PerClass<Double>, streamsOf: [[Int]], streams: [Stream]) {
        self.speeds = speeds
        self.streams = streams
        self.streamsOf = streamsOf
        uses = streamsOf.map { _ in Use(threads: 0) }
    }

    /// Notes which classes each feature has cores of; to be called when the regions change.
    mutating func prepare(_ regions: [CoreRegion]) {
        classesOf = uses.map { _ in PerClass(repeating: false) }
        for region in regions {
            for share in region.entitled + region.guests {
                classesOf[share.feature][region.coreClass] = true
            }
        }
        usedBy = regions.map { _ in [Double](repeating: 0, count: uses.count) }
        busy = regions.map { _ in 0 }
    }

    /// Divides the cores; `streams[].left` and `uses[].threads` say what is wanted.
    mutating func divide(_ regions: [CoreRegion]) {
        for index in regions.indices {
            busy[index] = 0
            for feature in uses.indices { usedBy[index][feature] = 0 }
        }
        for isForAll in [false, true] {
            for index in regions.indices where regions[index].owner != nil {
                give(regions[index].entitled, index, regions[index], isForAll)
            }
        }
        // First everybody's own time, then what some leave of it.
        for (isForAll, isCapped) in [(false, true), (true, true), (true, false)] {
            for index in regions.indices where regions[index].owner == nil {
                give(regions[index].entitled, index, regions[index], isForAll, isCapped)
            }
        }
        for isForAll in [false, true] {
            for index in regions.indices where !regions[index].guests.isEmpty {
                give(regions[index].guests, index, regions[index], isForAll)
            }
        }
        for index in regions.indices where busy[index] > 0 { account(index, regions[index]) }
    }

    /// Fills a region with the work of some features, by their amounts (water-filling): who wants
    /// less than its part leaves the rest to the others.
    private mutating func give(
        _ shares: [CoreRegion.Share], _ index: Int, _ region: CoreRegion, _ isForAll: Bool,
        _ isCapped: Bool = false
    ) {
        var free = region.cores - busy[index]
        guard free > 1e-12 else { return }
        if isCapped {
            for share in shares {
                let most = min(free, share.amount - usedBy[index][share.feature])
                guard most > 1e-12 else { continue }
                run(share.feature, upTo: most, index, region, isForAll)
                free = region.cores - busy[index]
            }
            return
        }
        if shares.count == 1 {
            run(shares[0].feature, upTo: free, index, region, isForAll)
            return
        }
        var open = shares.map { ($0, wanted($0.feature, region, isForAll)) }
            .filter { $0.1 > 1e-12 }
            .sorted { $0.1 * $1.0.amount < $1.1 * $0.0.amount }[...]
        var amounts = open.reduce(0) { $0 + $1.0.amount }
        // The least wanting for their amount first: when it gets less than it wants, all do.
        while let (share, want) = open.popFirst() {
            let part = min(want, free * share.amount / amounts)
            amounts -= share.amount
            free -= part
            run(share.feature, upTo: part, index, region, isForAll)
        }
    }

    private func isEligible(_ stream: Stream, _ region: CoreRegion, _ isForAll: Bool) -> Bool {
        guard !isForAll, let preferred = stream.preferred, preferred != region.coreClass
        else { return true }
        return !classesOf[stream.feature][preferred]
    }

    /// Cores of a region that a feature would use.
    private func wanted(_ feature: Int, _ region: CoreRegion, _ isForAll: Bool) -> Double {
        var work = 0.0
        for stream in streamsOf[feature] where isEligible(streams[stream], region, isForAll) {
            work += streams[stream].left
        }
        return min(uses[feature].threads, work / speeds[region.coreClass])
    }

    private mutating func run(
        _ feature: Int, upTo most: Double, _ index: Int, _ region: CoreRegion, _ isForAll: Bool
    ) {
        let speed = speeds[region.coreClass]
        var free = min(most, uses[feature].threads)
        for stream in streamsOf[feature] where free > 0 {
            guard streams[stream].left > 0, isEligible(streams[stream], region, isForAll)
            else { continue }
            let cores = min(free, streams[stream].left / speed)
            streams[stream].left = max(0, streams[stream].left - cores * speed)
            streams[stream].done += cores * speed
            free -= cores
            uses[feature].threads -= cores
            uses[feature].cores += cores
            uses[feature].byClass[region.coreClass] += cores
            busy[index] += cores
            usedBy[index][feature] += cores
        }
    }

    /// Who used more than its own part of a region, and whose part that was.
    private mutating func account(_ index: Int, _ region: CoreRegion) {
        var spare = region.cores
        var unused = 0.0
        var over = 0.0
        for share in region.entitled {
            spare -= share.amount
            unused += max(0, share.amount - usedBy[index][share.feature])
        }
        for feature in uses.indices where usedBy[index][feature] > 0 {
            let own = region.entitled.first { $0.feature == feature }?.amount ?? 0
            let beyond = max(0, usedBy[index][feature] - own)
            uses[feature].borrowed += beyond
            over += beyond
            uses[feature].cpuTime +=
                usedBy[index][feature] * Self.cpuTime(busy[index] / region.cores, region.width)
        }
        guard over > 0, unused > 0 else { return }
        // What belongs to nobody (idle, or kept for the system) is not lent by anybody.
        let part = over / (unused + max(0, spare))
        for share in region.entitled {
            let left = max(0, share.amount - usedBy[index][share.feature])
            uses[share.feature].lent += left * min(1, part)
        }
    }

    /// What one thread alone does of a core's work; its SMT siblings do the rest.
    private static let aloneOnCore = 0.8

    /// CPU seconds that the kernel counts for a core second of work, when the cores are busy to
    /// this part: threads are spread over the cores first and share them then.
    static func cpuTime(_ busy: Double, _ width: Int) -> Double {
        guard width > 1, busy > 0 else { return 1 }
        if busy <= aloneOnCore { return 1 / aloneOnCore }
        return (1 + (busy - aloneOnCore) / (1 - aloneOnCore) * Double(width - 1)) / busy
    }
}
