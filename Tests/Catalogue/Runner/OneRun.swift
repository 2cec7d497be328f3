import CatalogueKit
import Glibc
import PoiseLinux
import PoiseModel
import PoiseWire

/// Runs one bad plugin beside its victims, from the start of poised to its end.
struct OneRun {
    private let settings: Settings
    private let policy: CataloguePolicy
    private let poised: PoisedRun
    private var finding: Finding
    private var harms: [HarmStamp] = []
    private var events: Set<Finding.Event> = []
    private var heardUntil = 0.0
    private var pids: [String: Int] = [:]
    private var hasAsked = false

    static func run(_ plugin: BadPlugin, plugins: String, _ settings: Settings) throws -> Finding {
        var run = try OneRun(plugin, plugins: plugins, settings)
        defer { do { try run.poised.clean() } catch { complain(error) } }
        do {
            try run.poised.start(run.policy.text)
            try run.untilHarm()
            try run.untilItIsOver()
            run.listen()
        } catch let problem as RunProblem {
            run.finding.broken.append(problem.description)
        }
        if let problem = try run.poised.stop() {
            run.finding.broken.append("poised: \(problem)")
        }
        run.conclude()
        return run.finding
    }

    private init(_ plugin: BadPlugin, plugins: String, _ settings: Settings) throws {
        self.settings = settings
        poised = try PoisedRun(settings)
        let folder = plugin.library == BadPlugin.swiftLibrary ? Programs.own : plugins
        let cpus = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var policy = CataloguePolicy(
            plugins: plugins, bad: plugin, cpus: cpus, socket: poised.socket)
        policy.swiftPlugins = folder
        policy.layout = settings.layout
        policy.period = settings.period
        policy.work = settings.work
        // A second until all of them run is not measured.
        policy.after = Int((settings.before + settings.slowness) * 1000)
        self.policy = policy
        finding = Finding(plugin: plugin)
    }

    private var patience: Duration { .seconds(60 * settings.slowness) }

    /// Waits until the bad one says that it begins, and all is well until then.
    private mutating func untilHarm() throws {
        let end = MonotonicClock.now + patience + .seconds(policy.after / 1000)
        while true {
            let status = poised.ask(.status)
            if poised.isSame(status) { note(status) }
            noteHarms()
            if !harms.isEmpty, CataloguePolicy.victims.allSatisfy({ pids[$0] != nil }) { return }
            try askToStopInTime()
            guard MonotonicClock.now < end else {
                throw RunProblem("waiting for the harm", "it did not begin")
            }
            usleep(20_000)
        }
    }

    private mutating func noteHarms() {
        harms = HarmStamp.all(in: poised.kept(CataloguePolicy.bad, "harm"))
    }

    /// What never stops does its harm when it is asked to.
    private mutating func askToStopInTime() throws {
        guard case .stops = finding.plugin.fate, !hasAsked, let status = poised.ask(.status),
            let since = feature(CataloguePolicy.bad, status)?["since"]?.number,
            feature(CataloguePolicy.bad, status)?["state"]?.string == "running",
            since * 1000 > Double(policy.after) + 200
        else { return }
        hasAsked = poised.ask(.featureStop, ["feature": .string(CataloguePolicy.bad)]) != nil
    }

    /// Watches until the bad one has come to its end, or it is plain that it does not.
    private mutating func untilItIsOver() throws {
        let begin = MonotonicClock.now
        let least = Duration.seconds(settings.during)
        let most = Duration.seconds((finding.plugin.isSlow ? 40 : 15) * settings.slowness)
        while true {
            usleep(50_000)
            let status = poised.ask(.status)
            guard poised.isSame(status) else { throw RunProblem("asking poised", "it is gone") }
            note(status)
            checkFloors()
            listen()
            let took = MonotonicClock.now - begin
            if took >= most || (took >= least && isOver) { return }
        }
    }

    /// Whether its cgroup is what bounds it here.
    private var isHeld: Bool { finding.backend == "cgroup2" && finding.plugin.isHeldByCgroup }

    private var isOver: Bool {
        switch finding.plugin.fate {
        case .opens, .neverStarts:
            isHeld || openedEvent != nil && (policy.layout == .sharing || relendingEvent != nil)
        case .runsOn: true
        case .stops: finding.state == "stopped"
        }
    }

    private func feature(_ name: String, _ status: JSON?) -> JSON? {
        status?["features"]?.array?.first { $0["feature"]?.string == name }
    }

    /// Victims are the same processes as before, run, and were never started again.
    private mutating func note(_ status: JSON?) {
        finding.backend = status?["backend"]?.string ?? finding.backend
        finding.state = feature(CataloguePolicy.bad, status)?["state"]?.string ?? finding.state
        finding.residentMiB = poised.residentMiB ?? finding.residentMiB
        for name in CataloguePolicy.victims {
            let victim = feature(name, status)
            let state = victim?["state"]?.string ?? "gone"
            if pids[name] == nil {
                if state == "running" { pids[name] = victim?["pid"]?.integer }
                continue
            }
            if state != "running" { breach("\(name) is \(state)") }
            if victim?["pid"]?.integer != pids[name] { breach("\(name) is another process") }
            let restarts = victim?["restarts"]?.integer ?? 0
            if restarts != 0 { breach("\(name) was started again \(restarts) times") }
        }
    }

    private mutating func breach(_ text: String) {
        if !finding.broken.contains(text) { finding.broken.append(text) }
    }

    /// No victim is ever below its minimum.
    private mutating func checkFloors() {
        let plan = poised.ask(.allocations)
        for name in CataloguePolicy.victims {
            let has = feature(name, plan)?["millicores"]?.integer ?? 0
            let least = policy.least(of: name)
            if has < least { breach("\(name) has \(has) millicores, and at least \(least) is its") }
        }
    }

    /// Takes in what poised has told since the last time.
    private mutating func listen() {
        let parameters: JSON =
            heardUntil > 0 ? ["since": .number(WallClock.now - heardUntil + 1)] : .object([])
        for event in poised.ask(.events, parameters)?["events"]?.array ?? [] {
            let time = event["time"]?.number ?? 0
            heardUntil = max(heardUntil, time)
            events.insert(
                Finding.Event(
                    time: time, kind: event["kind"]?.string ?? "?",
                    feature: event["feature"]?.string, text: event["text"]?.string ?? ""))
        }
    }

    private var ordered: [Finding.Event] { events.sorted { $0.time < $1.time } }

    private var openedEvent: Finding.Event? {
        ordered.first { $0.feature == CataloguePolicy.bad && $0.kind == "opened" }
    }

    /// The first loan of its core after its breaker opened, or the plan that has no place for it.
    private var relendingEvent: Finding.Event? {
        guard policy.layout == .lending, let opened = openedEvent else { return nil }
        return ordered.first { event in
            guard event.time >= opened.time else { return false }
            return event.kind == "lent" && event.text.contains(CataloguePolicy.bad)
                || event.kind == "planned"
                    && event.text.contains("\(CataloguePolicy.bad) 1 → 0 cores")
        }
    }

    private mutating func conclude() {
        noteHarms()
        finding.harms = harms.count
        let outcome = poised.kept(CataloguePolicy.bad, "outcome").split(separator: "\n")
        for line in outcome.map(String.init) where !finding.outcomes.contains(line) {
            finding.outcomes.append(line)
        }
        guard let first = harms.first else { return }
        let isOnBus = finding.plugin.busRole != nil
        let own = ordered.filter {
            ($0.feature == CataloguePolicy.bad || isOnBus && $0.kind == "bus")
                && $0.time >= first.time
        }
        finding.events = own
        let telling = own.first {
            finding.plugin.told.isEmpty
                ? !["planned", "load"].contains($0.kind)
                : finding.plugin.told.contains($0.kind)
        }
        finding.detection = telling.map { ($0.time - first.time) * 1000 }
        finding.opened = openedEvent.map { ($0.time - first.time) * 1000 }
        if let opened = openedEvent, let relending = relendingEvent {
            let last = harms.last { $0.time <= opened.time }
            finding.relent = last.map { (relending.time - $0.time) * 1000 }
        }
        if !finding.plugin.told.isEmpty, telling == nil, !isHeld {
            breach("poised never told of it (\(finding.plugin.told.sorted()))")
        }
        checkFate()
        judgeVictims(first)
        if let role = finding.plugin.busRole { judgeBus(role) }
        if let resident = finding.residentMiB, resident > settings.mostResident {
            breach("poised had \(tenths(resident)) MiB resident")
        }
    }

    private mutating func checkFate() {
        switch finding.plugin.fate {
        case .opens, .neverStarts:
            if openedEvent == nil, !isHeld {
                breach("its breaker did not open; it is \(finding.state)")
            }
        case .runsOn:
            if finding.state != "running" { breach("it does not run on: it is \(finding.state)") }
        case .stops:
            if finding.state != "stopped" { breach("it did not stop: it is \(finding.state)") }
        }
    }

    /// Its link is damaged and made anew, and no other notices.
    private mutating func judgeBus(_ role: BadPlugin.BusRole) {
        for word in ["\(role.link) is damaged", "\(role.link) is made anew"]
        where !events.contains(where: { $0.kind == "bus" && $0.text.contains(word) }) {
            breach("poised never said that \(word)")
        }
        let messages = VictimMessages(poised.kept(CataloguePolicy.shared, "between"))
        if messages.wrong > 0 { breach("\(messages.wrong) messages between victims are wrong") }
        if messages.came(after: harms.last?.at ?? 0) == 0 {
            breach("no message came from victim to victim after the harm")
        }
    }

    private mutating func judgeVictims(_ first: HarmStamp) {
        for name in CataloguePolicy.victims {
            let work = VictimLatencies(poised.kept(name, "latencies"))
            finding.pieces += work.done
            if !work.isWhole { breach("pieces of work of \(name) are missing") }
            let before = first.at - Int(settings.before * 1e9)
            let latency = Finding.Latency(
                before: work.quantile(990, from: before, to: first.at),
                during: work.quantile(990, from: first.at, to: .max))
            finding.latencies[name] = latency
            // What is beyond this is no noise of the machine any more.
            if let early = latency.before, let late = latency.during,
                late > early * 10, late > early + 2e6 * settings.slowness
            {
                breach("the p99 of \(name) went from \(Int(early)) to \(Int(late)) µs")
            }
        }
    }
}

func tenths(_ value: Double) -> String {
    let scaled = Int((value * 10).rounded())
    return "\(scaled / 10).\(abs(scaled % 10))"
}

func complain(_ error: any Error) {
    let line = Array("catalogue: \(error)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}
