// The streaming feature: reads events, aggregates them by key and window of event time, looks for
// anomalies, and scales its workers with its allocation. The work itself is in StreamingCore; here
// it meets the host: threads, health, load reports and needs.

import PoiseModel
public import PoisePlugin
import StreamingCore
import Synchronization

/// The plugin `streaming`.
public final class StreamingPlugin: Plugin {
    /// The name that policies use.
    public static let name = "streaming"
    /// The plugin's own version.
    public static let version = "0.1.0"

    private static let turn = 50

    private let host: Host
    private let configuration: StreamingConfiguration
    private let pool: WorkerPool
    private let pipeline: Pipeline
    private let output: ResultOutput
    private let busTeller: BusTeller
    private let feed: SourceFeed
    private let turnBell: Doorbell
    private let stopping = Atomic(false)
    private let life = Mutex(Life())

    private struct Life {
        var source: OwnThread?
        var turns: OwnThread?
        var end: SourceEnd?
        var meter = LoadMeter()
        var signal: NeedSignal
        var refusals = Refusals()
        var wasWritable = true

        init() { signal = NeedSignal(most: Pipeline.mostWorkers) }
    }

    /// Checks the configuration; see `StreamingConfiguration` for what it may say.
    public init(host: Host, config: JSON) throws(PluginError) {
        let configuration: StreamingConfiguration
        do throws(ConfigurationMistakes) {
            configuration = try StreamingConfiguration(config)
        } catch {
            throw PluginError.configuration(error.description)
        }
        self.host = host
        self.configuration = configuration
        let bell: Doorbell
        do throws(Errno) {
            bell = try Doorbell()
            turnBell = try Doorbell()
        } catch {
            throw PluginError.environment("cannot make a pipe: \(error) (too many open files?)")
        }
        let pool = WorkerPool(name: "streaming", allocation: host.allocation)
        let output = ResultOutput(configuration.output(in: host.stateFolder))
        let teller = AnomalyTeller(host: host)
        let busTeller = BusTeller(bus: host.bus)
        self.busTeller = busTeller
        var settings = configuration.settings
        settings.publishesWindows = host.bus.isAvailable
        self.pool = pool
        self.output = output
        pipeline = Pipeline(
            settings: settings,
            surroundings: Pipeline.Surroundings(
                now: { SystemClock.now() }, submit: { _ = pool.submit(.latency, $0) },
                deliver: { lines, anomalies in
                    if !lines.isEmpty { output.write(lines) }
                    for anomaly in anomalies {
                        busTeller.tell(anomaly)
                        teller.tell(anomaly)
                    }
                }, publish: { busTeller.tell(windows: $0) }, onRoom: { bell.ring() }))
        feed = SourceFeed(
            pipeline: pipeline, configuration: configuration, bell: bell,
            note: { host.log(.info, $0) })
    }

    /// Starts the source's thread and the one that takes stock twenty times a second.
    public func start() throws(PluginError) {
        let source = configuration.makeSource { [host] port in
            host.log(.info, "listening", ["port": "\(port)"])
        }
        do throws(Errno) {
            let thread = try OwnThread(name: "streaming-in") { [self] in
                let end = source.run(feed)
                life.withLock { $0.end = end }
                noteEnd(end)
            }
            let turns = try OwnThread(name: "streaming-turn") { [self] in takeTurns() }
            life.withLock { life in
                life.source = thread
                life.turns = turns
            }
        } catch {
            throw PluginError.environment("cannot start a thread: \(error)")
        }
    }

    /// Lets the workers follow the allocation.
    public func apply(_ allocation: Allocation) { pool.follow(allocation) }

    /// Below full, anomalies are not looked for: windows are what others wait for.
    public func serviceLevel(_ level: ServiceLevel) { pipeline.setDetection(level == .full) }

    /// Gives up what was learnt for anomalies and half of the queue, for a minute.
    public func shrink(by bytes: Int) {
        pipeline.shrink()
        // The host gives back to the kernel what is free when this returns.
        waitUntil(SystemClock.now() + .milliseconds(200)) { pipeline.isIdle }
    }

    /// Stops the source, works off what is under way, and gives out the open windows as partial.
    public func drain(within time: Duration) {
        let deadline = SystemClock.now() + time
        feed.stop()
        waitUntil(deadline) { life.withLock { $0.end != nil || $0.source == nil } }
        waitUntil(deadline) { pipeline.isIdle }
        pipeline.flush()
        waitUntil(deadline) { pipeline.isIdle }
        output.close()
    }

    /// Ends all threads.
    public func stop() {
        feed.stop()
        stopping.store(true, ordering: .releasing)
        turnBell.ring()
        let (source, turns) = life.withLock { life in
            defer { (life.source, life.turns) = (nil, nil) }
            return (life.source, life.turns)
        }
        source?.join()
        turns?.join()
        pool.stop()
        output.close()
    }

    /// Failing when the source cannot go on, degraded when results cannot be written.
    public var health: Health {
        if case .broken(let text) = life.withLock({ $0.end }) { return .failing(text) }
        if let problem = output.problem { return .degraded(problem) }
        if configuration.settings.anomalyThreshold != nil, !pipeline.detects {
            return .degraded("looks for no anomalies for now, to spare the machine")
        }
        return .good
    }

    /// The load of the last fraction of a second, and what was counted since the start.
    public func report() -> Report {
        let counters = pipeline.counters
        var report = Report()
        (report.utilisation, report.throughputPerSecond) = life.withLock {
            ($0.meter.utilisation, $0.meter.eventsPerSecond)
        }
        report.queueDepth = pipeline.queueDepth
        report.latencyP50 = pipeline.latency(quantile: 0.5)
        report.latencyP99 = pipeline.latency(quantile: 0.99)
        let malformed = counters.malformed.load(ordering: .relaxed)
        report.errors = malformed
        report.gauges = [
            ("events", Double(counters.events.load(ordering: .relaxed))),
            ("late", Double(counters.late.load(ordering: .relaxed))),
            ("malformed", Double(malformed)),
            ("anomalies", Double(counters.anomalies.load(ordering: .relaxed))),
            ("keys", Double(counters.keys.load(ordering: .relaxed))),
            ("refused_keys", Double(counters.refusedKeys.load(ordering: .relaxed))),
            ("windows_open", Double(pipeline.openWindows)),
            ("windows_closed", Double(counters.windows.load(ordering: .relaxed))),
            ("workers", Double(pool.workers)),
            ("lost_bytes", Double(output.lostBytes)),
            ("published", Double(busTeller.sent.load(ordering: .relaxed))),
            ("unpublished", Double(busTeller.unsent.load(ordering: .relaxed))),
        ]
        return report
    }
}

extension StreamingPlugin {
    private func takeTurns() {
        while !stopping.load(ordering: .acquiring) {
            turnBell.wait(milliseconds: Self.turn)
            let now = SystemClock.now()
            pipeline.tick()
            let change = life.withLock { life -> NeedSignal.Change? in
                let isNew = life.meter.take(
                    busy: pool.busyTime,
                    events: pipeline.counters.events.load(ordering: .relaxed),
                    workers: pool.workers, at: now)
                guard isNew, let utilisation = life.meter.utilisation else { return nil }
                return life.signal.look(
                    utilisation: utilisation, queued: pipeline.queueDepth, workers: pool.workers,
                    at: now)
            }
            if let change { tell(change) }
            noteRefusals(now)
            noteOutput()
        }
    }

    /// Asks in the class that it has most of; a need is told as all that it wants of that class.
    private func tell(_ change: NeedSignal.Change) {
        let has = host.allocation.millicores
        let coreClass: CoreClass = has.efficiency > has.performance ? .efficiency : .performance
        switch change {
        case .ask(let workers):
            let more = max(1, workers - pool.workers) * 1000
            host.need(
                millicores: has[coreClass] + more, of: coreClass, for: NeedSignal.validity)
        case .takeBack: host.need(millicores: 0, of: coreClass, for: .zero)
        }
    }

    /// Tells of refused lines, with one of them, at most every five seconds.
    private func noteRefusals(_ now: Instant) {
        let count = pipeline.counters.malformed.load(ordering: .relaxed)
        let due = life.withLock { $0.refusals.due(count, at: now) }
        guard let due, let sample = pipeline.counters.takeSample() else { return }
        host.log(
            .warning, "\(due) lines could not be read: \(sample.reason.text)",
            ["line": sample.text])
    }

    private func noteOutput() {
        let problem = output.problem
        let changed = life.withLock { life in
            defer { life.wasWritable = problem == nil }
            return life.wasWritable != (problem == nil)
        }
        guard changed else { return }
        host.log(problem == nil ? .info : .error, problem ?? "results can be written again")
    }

    private func noteEnd(_ end: SourceEnd) {
        switch end {
        case .stopped: break
        case .finished: host.log(.info, "the source has no more events")
        case .broken(let text): host.log(.error, text)
        }
    }

    private func waitUntil(_ deadline: Instant, _ holds: () -> Bool) {
        while !holds(), SystemClock.now() < deadline { turnBell.wait(milliseconds: 2) }
    }
}

/// Bounds how often refused lines are told.
private struct Refusals {
    private var told = 0
    private var last: Instant?

    /// How many there are that were not told, when it is time to; nil otherwise.
    mutating func due(_ count: Int, at now: Instant) -> Int? {
        guard count > told else { return nil }
        if let last, now - last < .seconds(5) { return nil }
        defer { (told, last) = (count, now) }
        return count - told
    }
}
