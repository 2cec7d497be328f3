import PoiseModel

/// The simulated machine with the features on it: what arrives, what runs, what waits.
///
/// `CoreSharing` tells how cores are divided. Time is in nanoseconds since the start.
struct World {
    /// What one feature did since the look before.
    struct Seen {
        /// Seconds.
        var time = 0.0
        /// Core seconds by the kernel's count, thread seconds without a CPU, and the time in which
        /// some thread had none.
        var used = 0.0
        var waiting = 0.0
        var pressed = 0.0
    }

    /// What one feature did in a stretch of time in which nothing changed, as rates.
    struct Rates {
        var arriving = 0.0
        var use = CoreSharing.Use(threads: 0)
        var done = 0.0
        /// Cores that it would have used beyond those that it had.
        var waiting = 0.0
    }

    let machine: Machine
    let features: [FeatureID]
    private let settings: SimulationSettings
    private(set) var now = 0
    /// What each feature may run on; nil while it has no process that works.
    private var allocations: [ResourceAllocation?]
    private var regions: [CoreRegion] = []
    private var sharing: CoreSharing
    /// The column that each stream of work comes from; the last ones are those of requests.
    private var queues: [WorkQueue]
    /// Performance cores' worth of work that arrives, for each stream.
    var arrivals: [Double]
    /// The most cores that each feature can use at once: its threads.
    private let threads: [Double]
    private(set) var seen: [Seen]
    private(set) var rates: [Rates]
    private(set) var waits: [WaitHistogram]
    private(set) var unserved: [Double]
    private(set) var arrived: [Double]

    init(
        machine: Machine, features: [FeatureID], streams: [(feature: Int, preferred: CoreClass?)],
        threads: [Double], settings: SimulationSettings
    ) {
        self.machine = machine
        self.features = features
        self.settings = settings
        self.threads = threads
        allocations = features.map { _ in nil }
        queues = streams.map { _ in WorkQueue() }
        arrivals = streams.map { _ in 0 }
        sharing = CoreSharing(
            speeds: settings.speeds,
            streamsOf: features.indices.map { feature in
                streams.indices.filter { streams[$0].feature == feature }
            },
            streams: streams.map { .init(feature: $0.feature, preferred: $0.preferred, left: 0) })
        seen = features.map { _ in Seen() }
        rates = features.map { _ in Rates() }
        waits = features.map { _ in WaitHistogram() }
        unserved = features.map { _ in 0 }
        arrived = features.map { _ in 0 }
        sharing.prepare([])
    }

    /// Lets a feature run on what it has; nil when it has no process that works.
    mutating func give(_ allocation: ResourceAllocation?, to feature: Int) {
        guard allocations[feature] != allocation else { return }
        allocations[feature] = allocation
        mustRegroup = true
    }

    private var mustRegroup = false

    /// Work that arrives at one moment.
    mutating func add(_ cost: Double, to stream: Int) {
        queues[stream].add(cost, since: now)
        arrived[sharing.streams[stream].feature] += cost
    }

    /// Forgets what was seen, after a look.
    mutating func look(at feature: Int) -> Seen {
        defer { seen[feature] = Seen() }
        return seen[feature]
    }

    /// Work that waits, in seconds of a performance core.
    func waiting(of feature: Int) -> Double {
        var sum = 0.0
        for stream in queues.indices where sharing.streams[stream].feature == feature {
            sum += queues[stream].amount
        }
        return sum
    }

    /// Lets time pass in which nothing changes.
    mutating func advance(to moment: Int) {
        guard moment > now else { return }
        let seconds = Double(moment - now) / 1e9
        if mustRegroup {
            regions = CoreRegion.regions(of: machine, given: allocations)
            sharing.prepare(regions)
            mustRegroup = false
        }
        for feature in features.indices {
            let isRunning = allocations[feature] != nil
            sharing.uses[feature] = CoreSharing.Use(threads: isRunning ? threads[feature] : 0)
            rates[feature] = Rates()
        }
        for stream in queues.indices {
            sharing.streams[stream].left = arrivals[stream] + queues[stream].amount / seconds
            sharing.streams[stream].done = 0
        }
        sharing.divide(regions)
        let start = now
        now = moment
        for stream in queues.indices { serve(stream, seconds, since: start) }
        for feature in features.indices { note(feature, seconds) }
    }

    private mutating func serve(_ stream: Int, _ seconds: Double, since start: Int) {
        let feature = sharing.streams[stream].feature
        let done = sharing.streams[stream].done * seconds
        let fresh = arrivals[stream] * seconds
        arrived[feature] += fresh
        rates[feature].arriving += arrivals[stream]
        rates[feature].done += sharing.streams[stream].done
        // What was there before goes first; what arrived meanwhile and is done waited for nothing.
        let old = min(done, queues[stream].amount)
        queues[stream].take(old, now: now, waits: &waits[feature])
        let direct = min(fresh, done - old)
        if direct > 0 { waits[feature].add(direct, nanoseconds: 0) }
        if fresh - direct > 1e-12 { queues[stream].add(fresh - direct, since: start) }
        unserved[feature] += queues[stream].drop(before: now - settings.patience.wholeNanoseconds)
    }

    private mutating func note(_ feature: Int, _ seconds: Double) {
        guard let allocation = allocations[feature] else { return }
        let use = sharing.uses[feature]
        var left = 0.0
        for stream in sharing.streams where stream.feature == feature { left += stream.left }
        let slowest = allocation.millicores.performance > 0 ? 1 : settings.speeds.efficiency
        rates[feature].use = use
        rates[feature].waiting = left > 1e-9 ? min(use.threads, left / slowest) : 0
        seen[feature].time += seconds
        seen[feature].used += use.cpuTime * seconds
        seen[feature].waiting += rates[feature].waiting * seconds
        if rates[feature].waiting > 1e-6 { seen[feature].pressed += seconds }
    }
}
