import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Drives the engine second by second with a machine under a given load.
private struct Bench {
    var engine: Supervisor
    var now = Instant(nanoseconds: 0)
    var notes: [String] = []
    var directives: [Directive] = []
    var machineLoad = MachineLoad()

    init(_ policy: Policy, cores: Int = 6) {
        engine = Supervisor(machine: machine([CoreGroup(cores)]), policy: policy, now: now)
        turn()
        for feature in engine.records.keys.sorted() { turn(.started(feature)) }
    }

    mutating func turn(after pause: Duration = .zero, _ inputs: Input...) {
        now = now + pause
        let new = engine.handle(inputs, now: now)
        directives += new
        for case .note(let event) in new where event.kind == .level { notes.append(event.text) }
        // What is asked to stop stops at once; what is started works at once.
        for case .askToStop(let feature, _) in new {
            turn(.ended(feature, .done, because: "told to"))
        }
        for case .start(let feature, _, _) in new { turn(.started(feature)) }
    }

    /// So many looks, one a second.
    mutating func seconds(_ count: Int) {
        for _ in 0..<count {
            turn(after: .seconds(1), .load(LoadTurn(wallSeconds: 0, machine: machineLoad)))
        }
    }

    mutating func pressure(cpu: Int, seconds count: Int) {
        machineLoad.cpuPressurePerMille = cpu
        seconds(count)
    }

    func state(_ name: String) -> FeatureLife.State? { engine.records[id(name)]?.life.state }

    func told(_ name: String) -> [ServiceLevel] {
        directives.compactMap {
            if case .serviceLevel(id(name), let level) = $0 { level } else { nil }
        }
    }
}

private func id(_ name: String) -> FeatureID {
    guard let id = FeatureID(name) else { preconditionFailure(name) }
    return id
}

@Suite struct ServiceLevelTests {
    private static func feature(_ name: String, _ level: ServiceLevel) -> FeaturePolicy {
        var feature = PoiseTestSupport.feature(name, priority: 50, performance: cores(1, 1, 1))
        feature.level = level
        feature.source = .plugin(name)
        return feature
    }

    private static let policy = Policy(
        name: "levels",
        features: [
            feature("a-full", .full), feature("b-reduced", .reduced),
            feature("c-essential", .essential), feature("d-emergency", .emergency),
        ],
        levels: [
            .reduced: LevelTrigger(cpuPressurePercent: 40),
            .essential: LevelTrigger(cpuPressurePercent: 60, openBreakers: 2),
            .emergency: LevelTrigger(cpuPressurePercent: 80, temperatureCelsius: 95),
        ])

    @Test func `a feature runs at the levels at or above its own, and at no other`() {
        for level in ServiceLevel.allCases {
            var bench = Bench(Self.policy)
            bench.turn(.level(level))
            bench.seconds(4)
            let audit = PlanAudit(
                bench.engine.plan, machine: bench.engine.machine, policy: Self.policy,
                belowLevel: bench.engine.belowLevel)
            #expect(audit.breaches == [])
            for feature in Self.policy.features {
                let runs = bench.state(feature.id.name) == .running
                #expect(runs == (level >= feature.level), "\(feature.id) at \(level)")
            }
        }
    }

    @Test func `short pressure enters no level`() {
        var bench = Bench(Self.policy)
        bench.pressure(cpu: 1000, seconds: 6)
        bench.pressure(cpu: 0, seconds: 60)
        #expect(bench.notes == [])
        #expect(bench.engine.levels.level == .full)
    }

    @Test func `the strictest level whose trigger lasts is entered`() {
        var bench = Bench(Self.policy)
        // The mean comes to stand between the triggers of essential and emergency.
        bench.pressure(cpu: 700, seconds: 60)
        #expect(bench.engine.levels.level == .essential)
        #expect(bench.notes.count == 2, "\(bench.notes)")
        #expect(bench.notes[0].hasPrefix("full → reduced: CPU pressure "))
        #expect(bench.notes[0].hasSuffix(" % for 5 s (from 40 %); stops: a-full"))
        #expect(bench.notes[1].hasSuffix("(from 60 %); stops: b-reduced"))
    }

    @Test func `a level is left one step at a time, each after thirty calm seconds`() {
        var bench = Bench(Self.policy)
        bench.pressure(cpu: 1000, seconds: 90)
        #expect(bench.engine.levels.level == .emergency)
        bench.notes = []
        var changes: [Instant] = []
        var level = ServiceLevel.emergency
        bench.machineLoad.cpuPressurePerMille = 0
        for _ in 0..<200 {
            bench.seconds(1)
            if bench.engine.levels.level != level {
                #expect(bench.engine.levels.level == level.milder)
                level = bench.engine.levels.level
                changes.append(bench.now)
            }
        }
        #expect(changes.count == 3)
        for (earlier, later) in zip(changes, changes.dropFirst()) {
            #expect(later - earlier >= ServiceLevels.leftAfter)
        }
        #expect(Self.policy.features.allSatisfy { bench.state($0.id.name) == .running })
    }

    @Test func `pressure between four fifths of a trigger and the trigger changes nothing`() {
        var bench = Bench(Self.policy)
        bench.pressure(cpu: 1000, seconds: 12)
        #expect(bench.engine.levels.level == .reduced)
        bench.pressure(cpu: 360, seconds: 300)
        #expect(bench.engine.levels.level == .reduced)
        bench.pressure(cpu: 300, seconds: 80)
        #expect(bench.engine.levels.level == .full)
    }

    @Test func `plugins are told at once, and what does not run there is stopped after a grace`() {
        var bench = Bench(Self.policy)
        bench.turn(.level(.reduced))
        for feature in Self.policy.features {
            #expect(bench.told(feature.id.name) == [.reduced])
            #expect(bench.state(feature.id.name) == .running)
        }
        bench.turn(after: .milliseconds(1999))
        #expect(bench.state("a-full") == .running)
        #expect(bench.engine.nextDeadline.map { $0 <= bench.now + .milliseconds(1) } ?? false)
        bench.turn(after: .milliseconds(1))
        #expect(bench.state("a-full") == .waiting)
        #expect(bench.engine.records[id("a-full")]?.life.failures == 0)
        #expect(bench.engine.records[id("a-full")]?.restarts == 0)
        let kept = bench.engine.plan.keptOut.first
        #expect(kept?.feature == id("a-full"))
        #expect(
            kept?.because
                == "the machine is at the service level reduced, and it runs at full only")
        bench.turn(.level(nil))
        #expect(bench.state("a-full") == .running)
        #expect(bench.told("b-reduced") == [.reduced, .full])
    }

    @Test func `a level that ends within the grace stops nobody`() {
        var bench = Bench(Self.policy)
        bench.turn(.level(.emergency))
        bench.turn(after: .seconds(1), .level(.full))
        bench.seconds(5)
        #expect(Self.policy.features.allSatisfy { bench.state($0.id.name) == .running })
        let stops = bench.directives.contains { if case .askToStop = $0 { true } else { false } }
        #expect(!stops)
    }

    @Test func `a feature that starts later learns the level`() {
        var bench = Bench(Self.policy)
        bench.turn(.operatorStop(id("d-emergency")))
        bench.turn(.level(.essential))
        bench.seconds(5)
        #expect(bench.told("d-emergency") == [])
        bench.turn(.operatorStart(id("d-emergency")))
        #expect(bench.state("d-emergency") == .running)
        #expect(bench.told("d-emergency") == [.essential])
    }

    @Test func `what the operator sets wins over the load until it is taken back`() {
        var bench = Bench(Self.policy)
        bench.turn(.level(.full))
        bench.pressure(cpu: 1000, seconds: 90)
        #expect(bench.engine.levels.level == .full)
        #expect(bench.engine.levels.byLoad == .emergency)
        bench.turn(.level(nil))
        #expect(bench.engine.levels.level == .emergency)
        #expect(bench.notes.last?.hasPrefix("full → emergency: by the load again: ") ?? false)
    }

    @Test func `a temperature that is not read any more holds no level`() {
        var bench = Bench(Self.policy)
        bench.machineLoad.temperatureMillicelsius = 96_500
        bench.seconds(7)
        #expect(bench.engine.levels.level == .emergency)
        #expect(bench.notes.first?.contains("temperature 96 °C for 5 s (from 95 °C)") ?? false)
        bench.machineLoad.temperatureMillicelsius = nil
        bench.seconds(120)
        #expect(bench.engine.levels.level == .full)
    }

    @Test func `what a level keeps out is explained by it, with the way out`() throws {
        var bench = Bench(Self.policy)
        bench.turn(.level(.essential))
        bench.seconds(4)
        let situation = bench.engine.situation
        let text = try #require(Explanation(of: id("b-reduced"), in: situation))
            .sentences(in: situation)
            .joined(separator: " ")
        #expect(
            text.contains(
                "b-reduced has no place because it is kept out: the machine is at the service "
                    + "level essential, and it runs from reduced on."), "\(text)")
        let answer = WhyNot(.running, for: id("b-reduced"), in: situation)
        #expect(answer.verdict == .no)
        #expect(answer.remedies.first?.changes == [.serviceLevel(id("b-reduced"), to: .reduced)])
        #expect(situation.replanned()[id("b-reduced")] == nil)
    }

    @Test func `an engine that is written and read goes on the same`() throws {
        var bench = Bench(Self.policy)
        bench.machineLoad.temperatureMillicelsius = 80_000
        bench.pressure(cpu: 900, seconds: 20)
        let copy = try JSONDecoding.decode(
            Supervisor.self, from: JSONEncoding.encode(bench.engine))
        var other = bench
        other.engine = copy
        bench.pressure(cpu: 950, seconds: 30)
        other.pressure(cpu: 950, seconds: 30)
        #expect(bench.notes == other.notes && !bench.notes.isEmpty)
        #expect(bench.directives == other.directives)
    }
}
