import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Features whose load is made up: each look tells what they would use of what they have.
private struct LoadBench {
    var engine: Supervisor
    var now = Instant(nanoseconds: 0)
    /// Cores that each would keep busy if it had them.
    var load: [String: Int] = [:]
    /// What each says of itself, per mille.
    var reports: [String: Int] = [:]
    private(set) var enforced = 0
    private(set) var events: [EngineEvent] = []

    init(_ features: [FeaturePolicy], cores: Int = 8, smt: Int = 1) {
        engine = Supervisor(
            machine: machine([CoreGroup(cores, threads: smt)]),
            policy: Policy(name: "load", features: features), now: Instant(nanoseconds: 0))
        turn([])
        turn(features.map { .started($0.id) })
        enforced = 0
    }

    mutating func turn(_ inputs: [Input]) {
        var answers: [Input] = []
        for directive in engine.handle(inputs, now: now) {
            switch directive {
            case .enforce(let changes):
                enforced += 1
                answers += changes.map { .applied($0.feature, generation: $0.generation) }
            case .tell(let feature, _, let generation):
                answers.append(.applied(feature, generation: generation))
            case .note(let event): events.append(event)
            default: break
            }
        }
        if !answers.isEmpty { turn(answers) }
    }

    func used(_ name: String) -> Int {
        guard let id = FeatureID(name), let has = engine.plan[id] else { return 0 }
        let pool = engine.plan.features.filter { !$0.shared.isDisjoint(with: has.shared) }.count
        let most =
            has.exclusive.count * 1000 + has.borrowed.count * 1000
            + (pool > 0 ? has.shared.count * 1000 / pool : 0)
        return min(load[name] ?? 0, most)
    }

    /// Looks every 100 ms for so long.
    mutating func run(_ span: Duration, inputs: (Int) -> [Input] = { _ in [] }) {
        for tick in 0..<(span.wholeMilliseconds / 100) {
            now = now + .milliseconds(100)
            var turn = LoadTurn(wallSeconds: now.nanoseconds / 1_000_000_000)
            for feature in engine.policy.features {
                var reading = LoadReading(microseconds: 100_000)
                let (wants, has) = (load[feature.id.name] ?? 0, used(feature.id.name))
                reading.usedMillicores = has
                reading.cpuPressurePerMille = wants > has ? min(1000, (wants - has) / 2) : 0
                reading.utilisationPerMille = reports[feature.id.name]
                turn.features[feature.id] = reading
            }
            self.turn(inputs(tick) + [.load(turn)])
        }
    }

    subscript(name: String) -> ResourceAllocation {
        guard let id = FeatureID(name), let has = engine.plan[id] else {
            preconditionFailure("\(name) has no place")
        }
        return has
    }

    var audit: [String] {
        PlanAudit(engine.plan, machine: engine.machine, policy: engine.policy).breaches
    }
}

@Suite struct LoadTests {
    @Test func `load beyond what the policy wants is given up to the maximum, and goes back`() {
        var bench = LoadBench([feature("web", performance: cores(1, 2, 6))])
        bench.load["web"] = 5000
        bench.run(.seconds(1))
        #expect(bench["web"].exclusive.count == 6)
        bench.load["web"] = 0
        bench.run(.seconds(1))
        #expect(bench["web"].exclusive.count == 6)
        bench.run(.seconds(10))
        #expect(bench["web"].exclusive.count == 2)
    }

    @Test func `pressure is answered at the next look`() {
        var bench = LoadBench([feature("web", performance: cores(1, 2, 6))])
        bench.run(.seconds(3))
        bench.load["web"] = 6000
        bench.run(.milliseconds(100))
        #expect(bench["web"].exclusive.count > 2)
    }

    @Test func `a higher priority takes what is above a lower one's minimum, and no more`() {
        var bench = LoadBench([
            feature("high", priority: 80, performance: cores(1, 2, 8)),
            feature("low", priority: 20, performance: cores(2, 6, 6)),
        ])
        bench.load = ["high": 8000, "low": 6000]
        bench.run(.seconds(5))
        #expect(bench["high"].exclusive.count == 6)
        #expect(bench["low"].exclusive.count == 2)
        #expect(bench.audit == [])
    }

    @Test func `idle cores are lent to a lower priority, and back at once when wanted`() {
        var bench = LoadBench([
            feature("high", priority: 80, performance: cores(4, 6, 6)),
            feature("low", priority: 20, performance: cores(1, 2, 8)),
        ])
        bench.load = ["low": 8000]
        bench.run(.seconds(4))
        #expect(bench["low"].borrowed.count == 6)
        #expect(bench["high"].lent == bench["low"].borrowed)
        #expect(bench["high"].exclusive.count == 6)
        #expect(bench.audit == [])
        bench.load["high"] = 6000
        bench.run(.milliseconds(100))
        #expect(bench["low"].borrowed.isEmpty)
        #expect(bench["high"].lent.isEmpty)
    }

    @Test func `nothing is lent upwards, by who does not lend, or to who does not borrow`() {
        for change in 0..<3 {
            var lender = feature("lender", priority: 80, performance: cores(4, 4, 4))
            var borrower = feature("borrower", priority: 20, performance: cores(1, 4, 8))
            switch change {
            case 0: lender.priority = 10
            case 1: lender.lend = false
            default: borrower.borrow = false
            }
            var bench = LoadBench([lender, borrower])
            bench.load = ["borrower": 8000]
            bench.run(.seconds(5))
            #expect(bench["borrower"].borrowed.isEmpty, "case \(change)")
        }
    }

    @Test func `what is lent equals what is borrowed, to the microsecond`() {
        var bench = LoadBench([
            feature("a", priority: 80, performance: cores(2, 3, 3)),
            feature("b", priority: 80, performance: cores(2, 2, 2)),
            feature("c", priority: 20, performance: cores(1, 1, 8)),
            feature("d", priority: 10, performance: cores(1, 1, 8)),
        ])
        bench.load = ["a": 700, "c": 3100, "d": 2900]
        bench.run(.seconds(20))
        let sums = bench.engine.load.account.sums.values
        #expect(sums.reduce(0) { $0 + $1.borrowed } == sums.reduce(0) { $0 + $1.lent })
        #expect(sums.contains { $0.borrowed > 10_000_000 })
    }

    @Test(arguments: [950, 1900, 2850])
    func `hints that swing by five per cent at 10 Hz write nothing`(threshold: Int) {
        var bench = LoadBench([feature("web", performance: cores(1, 1, 6))])
        let web = bench.engine.policy.features[0].id
        let swing = { (tick: Int) -> [Input] in
            let amount = threshold * (tick % 2 == 0 ? 95 : 105) / 100
            return [.need(web, .performance, millicores: amount, for: .seconds(1))]
        }
        bench.load["web"] = threshold * 3 / 4
        bench.run(.seconds(2), inputs: swing)
        let before = bench.enforced
        bench.run(.seconds(20), inputs: swing)
        #expect(bench.enforced == before)
    }

    @Test func `load that swings about a threshold writes nothing once it has settled`() {
        var bench = LoadBench([feature("web", performance: cores(1, 2, 6))])
        for tick in 0..<400 {
            bench.load["web"] = tick % 2 == 0 ? 1620 : 1780
            bench.run(.milliseconds(100))
            if tick == 50 { bench.turn([]) }
        }
        let before = bench.enforced
        for tick in 0..<400 {
            bench.load["web"] = tick % 2 == 0 ? 1620 : 1780
            bench.run(.milliseconds(100))
        }
        #expect(bench.enforced == before)
    }

    @Test func `noise resizes a feature once a second at most`() {
        var bench = LoadBench([feature("web", performance: cores(1, 1, 8))])
        var random = SeededGenerator(seed: 7)
        let before = bench.enforced
        for _ in 0..<600 {
            bench.load["web"] = Int.random(in: 0...3000, using: &random)
            bench.run(.milliseconds(100))
        }
        #expect(bench.enforced - before <= 60)
    }

    @Test func `a feature that asks for more than it ever uses is believed for a while only`() {
        var bench = LoadBench([feature("liar", performance: cores(1, 1, 8))])
        let liar = bench.engine.policy.features[0].id
        bench.load["liar"] = 300
        let lie = { (_: Int) -> [Input] in
            [.need(liar, .performance, millicores: 8000, for: .seconds(1))]
        }
        bench.run(.milliseconds(100), inputs: lie)
        #expect(bench["liar"].exclusive.count == 8)
        bench.run(.seconds(30), inputs: lie)
        #expect(bench["liar"].exclusive.count <= 2)
        #expect(bench.events.contains { $0.kind == .doubted })
        // Who does use what it is given is given what it asks for.
        bench.load["liar"] = 8000
        bench.run(.seconds(5), inputs: lie)
        #expect(bench["liar"].exclusive.count == 8)
    }

    @Test func `a report of full use without use is believed for one core and twice the use`() {
        var bench = LoadBench([feature("liar", performance: cores(1, 1, 8))])
        bench.load["liar"] = 100
        bench.reports["liar"] = .max
        bench.run(.seconds(30))
        #expect(bench["liar"].exclusive.count <= 2)
    }

    @Test func `use that is unknown changes nothing`() {
        var bench = LoadBench([feature("web", performance: cores(1, 2, 6))])
        let web = bench.engine.policy.features[0].id
        let before = bench.engine.plan
        for _ in 0..<100 {
            bench.now = bench.now + .milliseconds(100)
            var reading = LoadReading(microseconds: 100_000)
            reading.cpuPressurePerMille = 1000
            bench.turn([.load(LoadTurn(wallSeconds: 0, features: [web: reading]))])
        }
        #expect(bench.engine.plan == before)
        #expect(bench.engine.load.features[web]?.estimator.peakDemand == nil)
    }

    @Test func `a core with two threads is full when both run and another waits`() {
        var bench = LoadBench([feature("web", performance: cores(1, 1, 4))], cores: 4, smt: 2)
        bench.load["web"] = 2000
        bench.run(.seconds(5))
        #expect(bench["web"].exclusive.count == 2)
        bench.load["web"] = 2600
        bench.run(.seconds(5))
        #expect(bench["web"].exclusive.count == 4)
    }

    @Test func `one busy thread that waits for nothing is given no second core`() {
        var bench = LoadBench([feature("web", performance: cores(1, 1, 4))])
        bench.load["web"] = 1000
        bench.run(.seconds(20))
        #expect(bench["web"].exclusive.count == 1)
    }

    @Test func `where nobody tells who waits, a core is full at 85 per cent`() {
        var bench = LoadBench([feature("web", performance: cores(1, 1, 4))])
        let web = bench.engine.policy.features[0].id
        for (used, expected) in [(840, 1), (870, 2)] {
            for _ in 0..<30 {
                bench.now = bench.now + .milliseconds(100)
                var reading = LoadReading(microseconds: 100_000)
                reading.usedMillicores = used
                bench.turn([.load(LoadTurn(wallSeconds: 0, features: [web: reading]))])
            }
            #expect(bench["web"].exclusive.count == expected)
        }
    }
}

@Suite struct PeakWindowTests {
    @Test(arguments: [0, 300, 2000, 60_000])
    func `a window fills, however seldom it is fed`(milliseconds: Int) {
        var window = PeakWindow(.milliseconds(milliseconds))
        var now = Instant(nanoseconds: 5)
        for look in 0..<200 {
            window.add(look == 100 ? 900 : 10, now: now)
            now = now + .seconds(1)
            if look == 100 { #expect(window.peak == 900) }
        }
        #expect(window.isFull)
        #expect(window.peak == 10)
    }
}

@Suite struct PolicyWantTests {
    @Test func `a want that a new policy lowers is not borrowed back`() {
        let setting = DemandEstimator.Setting(entitled: 5000, want: 5000, quantum: 1000)
        var estimator = DemandEstimator(setting)
        var reading = LoadReading(microseconds: 100_000)
        reading.usedMillicores = 400
        _ = estimator.take(reading, setting, now: Instant(nanoseconds: 1))
        #expect(estimator.settled == 5000)
        let lower = DemandEstimator.Setting(entitled: 4000, want: 4000, quantum: 1000)
        _ = estimator.take(reading, lower, now: Instant(nanoseconds: 100_000_001))
        #expect(estimator.settled == 4000)
    }
}
