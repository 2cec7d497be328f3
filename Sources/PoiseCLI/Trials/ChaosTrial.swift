import Glibc
import PoiseModel
import PoiseWire

/// A scenario as it is run: faults at their moments, and what the daemon says and shows meanwhile.
///
/// Times are this program's own, from the scenario's beginning: the daemon's clock may be one of
/// the things that are harmed.
struct ChaosTrial {
    /// Something that the daemon told.
    struct Event {
        var at: Duration
        /// When the daemon says that it happened, in seconds of its wall clock.
        var time: Double?
        var kind: String
        var feature: String?
        var text: String
    }

    /// What came of one step.
    struct Outcome {
        var step: ChaosScenario.Step
        var injectedAt: Duration?
        /// Why it could not be injected.
        var refusal: String?
        /// When it was over, by itself or with the feature.
        var endedAt: Duration?
        /// When what it was done to ran and was healthy again.
        var recoveredAt: Duration?
        fileprivate var number: Int?
        fileprivate var pid: Int?
        fileprivate var isInstant = false
    }

    /// What a feature is, as the status has it.
    struct FeatureState: Equatable {
        var pid: Int?
        var restarts: Int
        var isWell: Bool
    }

    let scenario: ChaosScenario
    private(set) var outcomes: [Outcome]
    private(set) var events: [Event] = []
    private(set) var before: [String: FeatureState] = [:]
    private(set) var after: [String: FeatureState] = [:]
    private let call: DaemonCall
    private let start: Instant

    /// How long a recovery is waited for where the scenario does not say.
    private static let patience = Duration.seconds(30)
    /// Between looks at the status.
    private static let every = Duration.milliseconds(50)

    init(_ scenario: ChaosScenario, _ call: DaemonCall) throws(CommandFailure) {
        self.scenario = scenario
        self.call = call
        outcomes = scenario.steps.map { Outcome(step: $0) }
        start = Stopwatch.now
        let status = try call.ask(.status)
        guard status["chaos"]?["active"] != nil else {
            throw CommandFailure(
                .no,
                "this poised does no harm on purpose (start one for that with poised --chaos, "
                    + "where nobody relies on it)")
        }
        before = ChaosTrial.states(status)
        let named = scenario.steps.compactMap(\.injection.feature) + scenario.neverRestarted
        for feature in named where before[feature.name] == nil {
            let known = before.keys.sorted().joined(separator: ", ")
            throw CommandFailure(
                .no,
                "the scenario \(scenario.name) needs the feature \(feature); there are: "
                    + known)
        }
    }

    /// Does all steps and waits until everything is well again, or for too long.
    mutating func run(_ progress: (String?) -> Void) throws(CommandFailure) {
        let stream = try call.eventStream()
        while !isDone {
            try inject()
            let states = try look()
            settle(states)
            let now = Stopwatch.now - start
            progress("\(scenario.name): \(QuantityText.duration(now)), \(events.count) events")
            try listen(stream)
        }
        // What was said just now belongs to it too.
        try listen(stream)
        after = ChaosTrial.states(try call.ask(.status))
    }

    private mutating func listen(_ stream: EventStream) throws(CommandFailure) {
        var news = try stream.next(within: ChaosTrial.every)
        while !news.isEmpty {
            for event in news { take(event) }
            news = try stream.next(within: .zero)
        }
    }

    private var isDone: Bool {
        let now = Stopwatch.now - start
        return outcomes.allSatisfy { outcome in
            if outcome.refusal != nil || outcome.recoveredAt != nil { return true }
            guard let ended = outcome.endedAt else { return false }
            return now > ended + (scenario.recoverWithin ?? ChaosTrial.patience) + .seconds(1)
        }
    }

    private mutating func inject() throws(CommandFailure) {
        for index in outcomes.indices {
            let step = outcomes[index].step
            guard outcomes[index].injectedAt == nil, outcomes[index].refusal == nil,
                step.at <= Stopwatch.now - start
            else { continue }
            outcomes[index].pid = try look()[step.injection.feature?.name ?? ""]?.pid
            outcomes[index].injectedAt = Stopwatch.now - start
            do throws(CommandFailure) {
                let answer = try call.ask(.chaos, step.injection.json)
                outcomes[index].number = answer["number"]?.integer
                outcomes[index].isInstant = answer["active"]?.bool == false
            } catch {
                guard error.code == .no || error.code == .wrongUse else { throw error }
                outcomes[index].refusal = error.text
                outcomes[index].injectedAt = nil
            }
        }
    }

    private var active: Set<Int> = []

    private mutating func look() throws(CommandFailure) -> [String: FeatureState] {
        let status = try call.ask(.status)
        active = Set((status["chaos"]?["active"]?.array ?? []).compactMap { $0["number"]?.integer })
        return ChaosTrial.states(status)
    }

    /// Which faults are over, and which features are well again.
    private mutating func settle(_ states: [String: FeatureState]) {
        let now = Stopwatch.now - start
        for index in outcomes.indices {
            let outcome = outcomes[index]
            guard let number = outcome.number, outcome.recoveredAt == nil else { continue }
            if outcome.endedAt == nil {
                guard outcome.isInstant || !active.contains(number) else { continue }
                outcomes[index].endedAt = outcome.isInstant ? outcome.injectedAt : now
            }
            if isWell(outcome, states) { outcomes[index].recoveredAt = now }
        }
    }

    private func isWell(_ outcome: Outcome, _ states: [String: FeatureState]) -> Bool {
        guard let feature = outcome.step.injection.feature else {
            return states.values.allSatisfy(\.isWell)
        }
        guard let state = states[feature.name], state.isWell else { return false }
        // Until its death is seen it looks as if nothing were wrong.
        return outcome.step.injection.fault != .kill || state.pid != outcome.pid
    }

    private mutating func take(_ event: JSON) {
        events.append(
            Event(
                at: Stopwatch.now - start, time: event["time"]?.number,
                kind: event["kind"]?.string ?? "",
                feature: event["feature"]?.string, text: event["text"]?.string ?? ""))
    }

    private static func states(_ status: JSON) -> [String: FeatureState] {
        var states: [String: FeatureState] = [:]
        for feature in status["features"]?.array ?? [] {
            guard let name = feature["feature"]?.string else { continue }
            let isFailing = feature["health"]?.string?.hasPrefix("failing") ?? false
            states[name] = FeatureState(
                pid: feature["pid"]?.integer, restarts: feature["restarts"]?.integer ?? 0,
                isWell: feature["state"]?.string == "running" && !isFailing)
        }
        return states
    }
}

// What is read off it afterwards.
extension ChaosTrial {
    /// Kinds of events that tell of something wrong; others go on in any case.
    private static let notices: Set<String> = [
        "failed", "late", "forced", "backingOff", "refused", "dropped", "drift", "health",
        "memory", "detected", "opened", "probing", "stopped", "error", "degraded", "keptOut",
        "level",
    ]

    /// Events from a step's fault until what it was done to is well again: those of the feature and
    /// those of nobody, without what plugins say of their own work.
    func events(of outcome: Outcome) -> [Event] {
        guard let from = outcome.injectedAt else { return [] }
        let name = outcome.step.injection.feature?.name
        let end = outcome.recoveredAt.map { $0 + .milliseconds(200) }
        return events.filter { event in
            event.at >= from && (end.map { event.at <= $0 } ?? true) && event.kind != "event"
                && (event.feature == name || event.feature == nil)
        }
    }

    /// How long after the fault something was first said that tells of it.
    ///
    /// By the daemon's clock, which both events have; by ours where that one jumped.
    func noticedAfter(_ outcome: Outcome) -> Duration? {
        let isLoad = [ChaosFault.cpuBurn, .memoryHog].contains(outcome.step.injection.fault)
        let name = outcome.step.injection.feature?.name
        let all = events(of: outcome)
        guard let from = outcome.injectedAt,
            let notice = all.first(where: { event in
                event.feature == name
                    && (ChaosTrial.notices.contains(event.kind) || (isLoad && event.kind == "load"))
            })
        else { return nil }
        let seen = notice.at - from
        guard let began = all.first(where: { $0.kind == "chaos" })?.time, let time = notice.time
        else { return seen }
        let told = Duration.seconds(time - began)
        return told >= .zero && told <= seen ? told : seen
    }

    /// Whether a feature has ended or begun since the beginning.
    func wasRestarted(_ name: String) -> Bool {
        guard let old = before[name], let new = after[name] else { return true }
        return old.restarts != new.restarts || old.pid != new.pid
    }

    /// Features that no fault was done to and that were restarted all the same.
    var touched: [String] {
        let harmed = Set(scenario.steps.compactMap(\.injection.feature?.name))
        return before.keys.sorted().filter { !harmed.contains($0) && wasRestarted($0) }
    }

    /// What was expected, and whether it held.
    var expectations: [(text: String, holds: Bool)] {
        var list: [(text: String, holds: Bool)] = []
        for outcome in outcomes where outcome.refusal != nil {
            list.append(("\(outcome.step.injection.fault.rawValue) can be injected", false))
        }
        if let within = scenario.recoverWithin {
            let late = outcomes.filter { outcome in
                guard let ended = outcome.endedAt else { return outcome.refusal == nil }
                return outcome.recoveredAt.map { $0 - ended > within } ?? true
            }
            let names = late.map(\.step.injection.fault.rawValue).joined(separator: ", ")
            list.append(
                (
                    "recovers within \(QuantityText.duration(within))"
                        + (late.isEmpty ? "" : ": not from \(names)"), late.isEmpty
                ))
        }
        for feature in scenario.neverRestarted {
            list.append(("\(feature) is never restarted", !wasRestarted(feature.name)))
        }
        return list
    }
}
