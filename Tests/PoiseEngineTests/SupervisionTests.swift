import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// What follows from failures, in the engine as a whole.
@Suite struct SupervisionTests {
    struct Bench {
        var engine: Supervisor
        var now = Instant(nanoseconds: 0)
        var events: [EngineEvent] = []
        var started: [FeatureID] = []

        init(_ policy: Policy, cores: Int = 4) {
            engine = Supervisor(
                machine: machine([CoreGroup(cores)]), policy: policy,
                now: Instant(nanoseconds: 0))
            turn()
            for feature in policy.features where feature.enabled { turn(.started(feature.id)) }
        }

        mutating func turn(_ inputs: Input...) {
            for directive in engine.handle(inputs, now: now) {
                switch directive {
                case .note(let event): events.append(event)
                case .start(let feature, _, _): started.append(feature)
                case .askToStop(let feature, _), .kill(let feature):
                    ended.append(feature)
                default: break
                }
            }
        }
        var ended: [FeatureID] = []

        mutating func wait(_ time: Duration) {
            let end = now + time
            while let next = engine.nextDeadline, next <= end {
                now = next
                turn()
            }
            now = end
            turn()
        }

        /// It crashes, is started and works, so many times.
        mutating func crash(_ feature: FeatureID, times: Int) {
            for _ in 0..<times {
                turn(.ended(feature, .failure, because: "signal 11"))
                guard engine.records[feature]?.breaker.isOpen == false else { return }
                restart(feature)
            }
        }

        /// Waits until it is started again, and has it work.
        mutating func restart(_ feature: FeatureID) {
            while engine.records[feature]?.life.state == .backingOff { wait(.milliseconds(100)) }
            turn(.started(feature))
        }

        func record(_ feature: FeatureID) -> Supervisor.Record? { engine.records[feature] }

        func told(_ kind: EngineEvent.Kind) -> Int { events.count { $0.kind == kind } }
    }

    static func id(_ name: String) -> FeatureID {
        guard let id = FeatureID(name) else { preconditionFailure(name) }
        return id
    }

    private let bad = id("bad")
    private let good = id("good")

    private func policy(
        _ change: (inout FeaturePolicy) -> Void = { _ in }
    ) -> Policy {
        var bad = feature("bad", priority: 20, performance: cores(2, 2, 2))
        bad.breaker = BreakerPolicy(failures: 3, within: .seconds(120))
        change(&bad)
        return Policy(
            name: "p",
            features: [bad, feature("good", priority: 80, performance: cores(1, 1, 4))])
    }

    @Test func `a crash loop opens, is tried on a smaller budget and closes again`() throws {
        var bench = Bench(policy())
        bench.crash(bad, times: 3)
        #expect(bench.record(bad)?.breaker.isOpen == true)
        #expect(bench.told(.opened) == 1)
        #expect(bench.engine.plan[bad] != nil, "its place is kept")
        let starts = bench.started.count
        bench.wait(.milliseconds(1500))
        #expect(bench.started.count == starts, "it does not run while it is open")
        bench.wait(.seconds(1))
        #expect(bench.record(bad)?.breaker.isOnTrial == true)
        let trial = try #require(bench.record(bad)?.allocation)
        #expect(trial.millicores.total == 1000, "25 % of two cores is one whole core at least")
        bench.turn(.started(bad))
        for _ in 0..<3 {
            bench.wait(.seconds(1))
            bench.turn(.health(bad, .good))
        }
        #expect(bench.record(bad)?.breaker.state == .closed)
        #expect(bench.engine.plan[bad]?.millicores.total == 2000)
        #expect(bench.told(.probing) == 1 && bench.told(.closed) == 1)
        #expect(bench.record(good)?.restarts == 0)
    }

    @Test func `while it is open its cores are lent, also to a higher priority`() {
        var bench = Bench(policy(), cores: 3)
        bench.crash(bad, times: 3)
        for _ in 0..<30 {
            bench.now = bench.now + .milliseconds(100)
            var reading = LoadReading(microseconds: 100_000)
            reading.usedMillicores = 1000
            reading.waitingMillicores = 3000
            bench.turn(.load(LoadTurn(wallSeconds: 1, features: [good: reading])))
            guard bench.record(bad)?.breaker.isOpen == true else { break }
        }
        #expect(bench.events.contains { $0.kind == .lent && $0.feature == good })
    }

    @Test func `forbidden acts quarantine until somebody resets the breaker`() {
        var bench = Bench(policy())
        for _ in 0..<3 {
            bench.turn(.failed(bad, .security, because: "called the control socket"))
        }
        #expect(bench.record(bad)?.breaker.state == .held(.quarantine))
        bench.turn(.ended(bad, .failure, because: "signal 9"))
        bench.wait(.seconds(10_000))
        #expect(bench.record(bad)?.life.hasProcess == false)
        bench.turn(.operatorStart(bad))
        #expect(bench.record(bad)?.life.hasProcess == false)
        bench.turn(.breaker(bad, .reset))
        #expect(bench.record(bad)?.life.state == .starting)
    }

    @Test func `what is held by hand rests until it is reset, and starts at once then`() {
        var bench = Bench(policy())
        bench.turn(.breaker(bad, .hold))
        #expect(bench.ended == [bad])
        bench.turn(.ended(bad, .done, because: "0"))
        bench.wait(.seconds(10_000))
        #expect(bench.record(bad)?.life.state == .backingOff)
        bench.turn(.breaker(bad, .reset))
        #expect(bench.record(bad)?.life.state == .starting)
    }

    @Test func `an operator's start is a try at once`() {
        var bench = Bench(policy())
        bench.crash(bad, times: 3)
        bench.turn(.operatorStart(bad))
        #expect(bench.record(bad)?.breaker.isOnTrial == true)
        #expect(bench.record(bad)?.life.state == .starting)
    }

    @Test func `a failing feature that does not end is stopped when its breaker opens`() {
        var bench = Bench(policy())
        bench.turn(.health(bad, .failing("no database")))
        #expect(bench.ended.isEmpty)
        // It says so once, and is asked each second.
        bench.wait(.milliseconds(2100))
        #expect(bench.ended == [bad])
        #expect(bench.record(bad)?.breaker.cause?.kind == .failedHealthCheck)
        bench.turn(.ended(bad, .done, because: "0"))
        #expect(bench.record(bad)?.life.state == .backingOff)
    }

    @Test func `what observes does nothing but count and tell`() {
        var bench = Bench(policy { $0.breaker.mode = .observe })
        for _ in 0..<12 { bench.turn(.failed(bad, .failedHealthCheck, because: "x")) }
        #expect(bench.ended.isEmpty)
        #expect(bench.told(.opened) == 0 && bench.told(.detected) > 0)
        #expect(bench.record(bad)?.breaker.enforced == 0)
        #expect(bench.record(bad)?.life.state == .running)
    }

    @Test func `at most the stated share of features is open at one time`() {
        let features = (0..<6).map {
            feature("f\($0)", priority: 10, performance: cores(0, 100, 1000))
        }
        var policy = Policy(name: "many", features: features)
        policy.supervision.mostOpenPercent = 34
        var bench = Bench(policy, cores: 8)
        for feature in features {
            for _ in 0..<feature.breaker.failures {
                bench.turn(.failed(feature.id, .failedHealthCheck, because: "x"))
            }
        }
        let breakers = features.compactMap { bench.record($0.id)?.breaker }
        #expect(breakers.count(where: \.isOpen) == 2)
        #expect(breakers.count { $0.overflows == 1 } == 4)
        #expect(breakers.allSatisfy { $0.detected == 1 })
    }

    @Test func `who was started again too often is given up`() {
        var bench = Bench(
            policy {
                $0.restartBudget = RestartBudgetPolicy(restarts: 4, within: .seconds(3600))
                $0.breaker.mode = .observe
            })
        for _ in 0..<4 {
            bench.turn(.ended(bad, .failure, because: "signal 11"))
            #expect(bench.record(bad)?.life.state == .backingOff)
            bench.restart(bad)
        }
        bench.turn(.ended(bad, .failure, because: "signal 11"))
        #expect(bench.record(bad)?.life.state == .failed)
    }

    @Test func `all features together are started again only so often`() {
        let features = (0..<30).map { feature("f\($0)", performance: cores(0, 50, 100)) }
        var policy = Policy(name: "storm", features: features)
        policy.supervision.mostRetries = 5
        policy.supervision.retriesWithin = .seconds(10)
        var bench = Bench(policy, cores: 8)
        bench.started = []
        for feature in features { bench.turn(.ended(feature.id, .failure, because: "x")) }
        bench.wait(.seconds(9))
        #expect(bench.started.count == 5)
        bench.wait(.seconds(10))
        #expect(bench.started.count == 10)
        bench.wait(.seconds(60))
        #expect(bench.started.count == 30, "all have their turn in the end")
    }

    @Test func `what is kept goes on in the next daemon`() throws {
        var bench = Bench(policy())
        bench.crash(bad, times: 3)
        bench.turn(.operatorEnable(good, false))
        let text = try JSONEncoding.encode(bench.engine.kept)
        let kept = try JSONDecoding.decode(KeptState.self, from: text)
        var next = Supervisor(
            machine: bench.engine.machine, policy: policy(), now: bench.now)
        next.take(kept, isSameBoot: true, now: bench.now)
        _ = next.handle([], now: bench.now)
        #expect(next.records[bad]?.life.state == .backingOff)
        #expect(next.records[bad]?.breaker == bench.record(bad)?.breaker)
        #expect(next.records[good]?.life.state == .stopped)
        #expect(next.records[good]?.isDisabled == true)
    }

    @Test func `a promise counts only when it is broken for long, and not for want of CPUs`() {
        func run(pressure: Int) -> Breaker? {
            var bench = Bench(
                policy {
                    $0.slo.latencyP99 = .milliseconds(10)
                    $0.breaker = BreakerPolicy(failures: 2, within: .seconds(30))
                })
            for _ in 0..<400 {
                bench.now = bench.now + .milliseconds(100)
                var reading = LoadReading(microseconds: 100_000)
                reading.latencyP99Microseconds = 50_000
                reading.cpuPressurePerMille = pressure
                bench.turn(.load(LoadTurn(wallSeconds: 1, features: [bad: reading])))
                if bench.record(bad)?.breaker.detected ?? 0 > 0 { break }
            }
            return bench.record(bad)?.breaker
        }
        #expect(run(pressure: 0)?.cause?.kind == .latency)
        #expect(run(pressure: 600)?.detected == 0)
    }
}
