import PoiseEngine
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// Roads on which a feature could run that must not, or rest that should run.
@Suite struct SupervisionRoadTests {
    private typealias Bench = SupervisionTests.Bench
    private let bad = SupervisionTests.id("bad")
    private let good = SupervisionTests.id("good")

    private func policy(_ change: (inout FeaturePolicy) -> Void = { _ in }) -> Policy {
        var bad = feature("bad", priority: 20, performance: cores(2, 2, 2))
        bad.source = .plugin("p")
        bad.breaker = BreakerPolicy(failures: 3, within: .seconds(120))
        change(&bad)
        return Policy(
            name: "p",
            features: [bad, feature("good", priority: 80, performance: cores(1, 1, 4))])
    }

    /// The bad one is quarantined and has ended.
    private func quarantined(_ policy: Policy) -> Bench {
        var bench = Bench(policy)
        for _ in 0..<3 { bench.turn(.failed(bad, .security, because: "a forbidden call")) }
        bench.turn(.ended(bad, .failure, because: "signal 9"))
        return bench
    }

    private func kept(by bench: Bench, changing change: (String) -> String = { $0 }) throws
        -> KeptState
    {
        let text = change(try JSONEncoding.encode(bench.engine.kept).description)
        return try JSONDecoding.decode(KeptState.self, from: JSON.parse(Array(text.utf8)))
    }

    @Test func `quarantine outlives the daemon, also where a rollout is in force`() throws {
        let version = try #require(PluginVersion("2"))
        var bench = Bench(policy())
        var settings = RolloutSettings()
        settings.steps = [100]
        settings.stepFor = .seconds(1)
        bench.turn(.rollout(.begin(plugin: "p", version: version, settings)))
        for _ in 0..<200 {
            bench.wait(.milliseconds(500))
            var turn = LoadTurn(wallSeconds: 1)
            for feature in bench.engine.records.keys {
                turn.features[feature] = LoadReading(microseconds: 1000)
            }
            bench.turn(.load(turn))
            for feature in bench.engine.records.keys.sorted() {
                switch bench.engine.records[feature]?.life.state {
                case .starting: bench.turn(.started(feature))
                case .stopping: bench.turn(.ended(feature, .done, because: "0"))
                default: break
                }
            }
        }
        #expect(bench.engine.rollouts.version(of: "p") == version)
        for _ in 0..<3 { bench.turn(.failed(bad, .security, because: "x")) }
        bench.turn(.ended(bad, .failure, because: "signal 9"))
        var next = Supervisor(machine: bench.engine.machine, policy: policy(), now: bench.now)
        next.take(try kept(by: bench), isSameBoot: true, now: bench.now)
        _ = next.handle([], now: bench.now)
        #expect(next.records[bad]?.breaker.state == .held(.quarantine))
        #expect(next.records[bad]?.life.hasProcess == false)
    }

    @Test func `turning a feature off and on again ends no quarantine`() {
        var bench = quarantined(policy())
        bench.turn(.operatorEnable(bad, false))
        bench.turn(.operatorEnable(bad, true))
        bench.wait(.seconds(100))
        #expect(bench.engine.records[bad]?.life.hasProcess == false)
        var off = policy { $0.enabled = false }
        bench.turn(.policy(off))
        off.features[0].enabled = true
        bench.turn(.policy(off))
        bench.wait(.seconds(100))
        #expect(bench.engine.records[bad]?.life.hasProcess == false)
    }

    @Test func `a policy that turns a feature off and has it run something else stops it`() {
        var bench = Bench(policy())
        let other = policy {
            $0.enabled = false
            $0.source = .plugin("q")
        }
        bench.turn(.policy(other))
        bench.turn(.ended(bad, .done, because: "0"))
        bench.wait(.seconds(100))
        #expect(bench.engine.records[bad]?.life.state == .stopped)
        #expect(bench.engine.records[bad]?.isDisabled == true)
    }

    @Test func `a feature that was dropped and comes back is what its policy says`() {
        var bench = Bench(policy())
        bench.turn(.operatorEnable(bad, false))
        var without = policy()
        without.features.remove(at: 0)
        bench.turn(.policy(without))
        bench.turn(.policy(policy()))
        bench.turn(.ended(bad, .done, because: "0"))
        #expect(bench.engine.records[bad]?.isDisabled == false)
        #expect(bench.engine.records[bad]?.life.takesPart == true)
    }

    @Test func `nothing asks to be called at once while everything ends`() {
        var bench = Bench(policy())
        bench.turn(.level(.essential))
        bench.turn(.shutdown)
        var calls = 0
        let end = bench.now + .seconds(4)
        while let next = bench.engine.nextDeadline, next <= end, calls < 1000 {
            bench.now = max(bench.now, next)
            bench.turn()
            calls += 1
        }
        #expect(calls < 20)
    }

    @Test func `a feature that nobody wants to run does not count as open`() {
        var policy = policy { $0.breaker.failures = 1 }
        policy.levels = [.reduced: LevelTrigger(openBreakers: 1)]
        var bench = Bench(policy)
        bench.turn(.ended(bad, .failure, because: "signal 11"))
        bench.turn(.operatorStop(bad))
        bench.wait(.seconds(1000))
        #expect(bench.engine.levels.level == .full)
        for _ in 0..<5 { bench.turn(.failed(good, .failedHealthCheck, because: "x")) }
        #expect(bench.engine.records[good]?.breaker.isOpen == true)
    }

    @Test func `a level by hand is told and kept also when it changes nothing yet`() {
        var bench = Bench(policy())
        bench.turn(.level(.full))
        #expect(bench.told(.level) == 1)
        #expect(bench.engine.kept.levelByHand == .full)
    }

    @Test func `what a hand held starts again when it is reset, however it restarts`() {
        var bench = Bench(policy { $0.restart = .temporary })
        bench.turn(.breaker(bad, .hold))
        bench.turn(.ended(bad, .done, because: "0"))
        bench.turn(.breaker(bad, .reset))
        #expect(bench.engine.records[bad]?.life.state == .starting)
    }

    @Test func `who ends because it was told to is not given up`() {
        var bench = Bench(
            policy { $0.restartBudget = RestartBudgetPolicy(restarts: 2, within: .seconds(3600)) })
        for _ in 0..<2 {
            bench.turn(.ended(bad, .failure, because: "signal 11"))
            bench.restart(bad)
        }
        bench.turn(.operatorStop(bad))
        bench.turn(.ended(bad, .done, because: "0"))
        #expect(bench.engine.records[bad]?.life.state == .stopped)
        #expect(!bench.events.contains { $0.text.contains("given up") })
    }

    @Test func `counts that cannot be are refused in what is kept`() throws {
        var bench = Bench(policy { $0.breaker.failures = 1 })
        bench.turn(.ended(bad, .failure, because: "signal 11"))
        bench.wait(.seconds(3))
        #expect(bench.engine.records[bad]?.breaker.isHalfOpen == true)
        #expect(throws: CodingProblem.self) {
            _ = try kept(by: bench) {
                $0.replacing(#""passed":0"#, with: #""passed":9223372036854775807"#)
            }
        }
    }

    @Test func `who rests is told to rest, and how that ends`() throws {
        let bench = quarantined(policy())
        let situation = bench.engine.situation.regarding(bad)
        let answer = WhyNot(.running, for: bad, in: situation)
        #expect(answer.verdict == .no)
        let words = answer.sentences(in: situation).joined(separator: " ")
        #expect(words.contains("rests in quarantine"))
        #expect(words.contains("poise breaker reset bad"))
    }
}
