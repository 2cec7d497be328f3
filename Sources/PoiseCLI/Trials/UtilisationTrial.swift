import Glibc
import PoiseModel
import PoiseWire

/// Three features of the plugin `streaming` on this machine: the first alone, then with the others.
struct UtilisationTrial {
    /// What was seen in one phase.
    struct Phase {
        /// Events a second of the feature with the highest priority, and of all.
        var topPerSecond: Double
        var allPerSecond: Double
        /// The share of time in which each PU was in use.
        var busy: [Int: Double]
        /// Features that used less than their minimum although they had work.
        var breaches: [String]
    }

    static let minimums = ["top": 1.0, "middle": 0.3, "bottom": 0.3]

    private let daemon: TrialDaemon
    private let seconds: Int

    init(seconds: Int) throws(CommandFailure) {
        self.seconds = seconds
        daemon = try TrialDaemon(policy: UtilisationTrial.policy)
    }

    /// Each has more events to process than any machine can.
    private static let policy = """
        version: 1
        name: utilisation
        reserve: { cores: 0.2 }
        features:
          top: { plugin: streaming, priority: 90,
            cores: { performance: { min: 1, want: 1, max: 1 } },
            config: &load { source: { kind: system }, output: none, anomaly: false,
              window: { kind: tumbling, size: 1s }, load: { shape: steady, high: 50000000 } } }
          middle: { plugin: streaming, priority: 50, config: *load,
            cores: { performance: { min: 300m, want: 500m, max: 1 }, sharing: shared } }
          bottom: { plugin: streaming, priority: 20, config: *load,
            cores: { performance: { min: 300m, want: 300m, max: 1 }, sharing: shared } }

        """

    func run(alone: Bool) throws(CommandFailure) -> Phase {
        for feature in ["middle", "bottom"] {
            _ = try daemon.ask(
                alone ? .featureStop : .featureStart, ["feature": .string(feature)])
        }
        let count = alone ? 1 : 3
        try daemon.waitUntil("\(count) features run", within: .seconds(20)) { status in
            let states = (status["features"]?.array ?? []).map { $0["state"] }
            return states.count { $0 == "running" } == count
                && states.count { $0 == "stopped" } == 3 - count
        }
        sleep(3)
        return try look()
    }

    private func look() throws(CommandFailure) -> Phase {
        guard let before = CPUBusy() else {
            throw CommandFailure(.no, "reading failed on /proc/stat (is /proc mounted?)")
        }
        let usedBefore = try used()
        let start = Stopwatch.now
        var rates: [String: [Double]] = [:]
        for _ in 0..<seconds {
            sleep(1)
            for feature in try daemon.ask(.status)["features"]?.array ?? [] {
                guard let name = feature["feature"]?.string,
                    let rate = feature["report"]?["throughputPerSecond"]?.number
                else { continue }
                rates[name, default: []].append(rate)
            }
        }
        let span = (Stopwatch.now - start).inSeconds
        guard let after = CPUBusy(), let top = rates["top"], !top.isEmpty else {
            throw CommandFailure(.no, "the feature top reported no throughput")
        }
        let usedAfter = try used()
        let mean = { (values: [Double]) in values.reduce(0, +) / Double(values.count) }
        return Phase(
            topPerSecond: mean(top), allPerSecond: rates.values.reduce(0) { $0 + mean($1) },
            busy: after.share(since: before),
            breaches: UtilisationTrial.minimums.keys.sorted().filter { name in
                guard let now = usedAfter[name], let then = usedBefore[name] else { return false }
                let least = UtilisationTrial.minimums[name] ?? 0
                return rates[name] != nil && (now - then) / span < least * 0.95
            })
    }

    /// CPU seconds that each has used so far.
    private func used() throws(CommandFailure) -> [String: Double] {
        var used: [String: Double] = [:]
        for feature in try daemon.ask(.allocations)["features"]?.array ?? [] {
            guard let name = feature["feature"]?.string else { continue }
            used[name] = feature["usedCoreSeconds"]?.number
        }
        return used
    }
}
