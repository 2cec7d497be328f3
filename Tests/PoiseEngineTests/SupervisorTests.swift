import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Drives the engine by hand: inputs and moments in, directives out.
private struct Bench {
    var engine: Supervisor
    var now = Instant(nanoseconds: 0)

    init(_ policy: Policy, cores: Int = 4) {
        engine = Supervisor(
            machine: machine([CoreGroup(cores)]), policy: policy, now: Instant(nanoseconds: 0))
    }

    mutating func turn(after pause: Duration = .zero, _ inputs: Input...) -> [Directive] {
        now = now + pause
        return engine.handle(inputs, now: now)
    }

    /// Turns until every feature runs.
    mutating func run() {
        _ = turn()
        for feature in engine.records.keys.sorted() { _ = turn(.started(feature)) }
    }

    func state(_ name: String) -> FeatureLife.State? {
        FeatureID(name).flatMap { engine.records[$0]?.life.state }
    }
}

private func id(_ name: String) -> FeatureID {
    guard let id = FeatureID(name) else { preconditionFailure(name) }
    return id
}

private func started(_ directives: [Directive]) -> [String] {
    directives.compactMap { if case .start(let feature, _, _) = $0 { feature.name } else { nil } }
}

private func enforced(_ directives: [Directive]) -> [String] {
    directives.compactMap {
        if case .enforce(let feature, _, _, let shrinks) = $0 {
            "\(feature) \(shrinks ? "shrinks" : "grows")"
        } else {
            nil
        }
    }
}

@Suite struct SupervisorTests {
    private let two = Policy(
        name: "two",
        features: [
            feature("high", priority: 80, performance: cores(1, 2, 3)),
            feature("low", priority: 20, performance: cores(1, 2, 2)),
        ])

    @Test func everythingThatHasAPlaceIsStarted() {
        var bench = Bench(two)
        #expect(started(bench.turn()) == ["high", "low"])
        #expect(bench.state("high") == .starting)
        _ = bench.turn(.started(id("high")))
        #expect(bench.state("high") == .running)
    }

    @Test func aNeedTakesFromTheLowerPriorityAndShrinksBeforeItGrows() {
        var bench = Bench(two)
        bench.run()
        let directives = bench.turn(
            .need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(enforced(directives) == ["low shrinks", "high grows"])
        #expect(bench.engine.plan[id("high")]?.millicores.total == 3000)
        #expect(bench.engine.plan[id("low")]?.millicores.total == 1000)
    }

    @Test func aNeedRunsOutAfterItsTimeAndTheShrinkPause() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(enforced(bench.turn(after: .milliseconds(2900))) == [])
        #expect(
            enforced(bench.turn(after: .milliseconds(200))) == ["high shrinks", "low grows"])
    }

    @Test func anOscillatingNeedMovesNothing() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(60)))
        var writes = 0
        for turn in 0..<100 {
            let millicores = turn % 2 == 0 ? 3000 : 2900
            let directives = bench.turn(
                after: .milliseconds(100),
                .need(id("high"), .performance, millicores: millicores, for: .seconds(60)))
            writes += enforced(directives).count
        }
        #expect(writes == 0)
    }

    @Test func aCrashIsRestartedAfterAPauseAndTheOtherDoesNotNotice() {
        var bench = Bench(two)
        bench.run()
        let crash = bench.turn(.ended(id("high"), .failure, because: "signal 11"))
        #expect(enforced(crash) == [])
        #expect(started(crash) == [])
        #expect(bench.state("high") == .backingOff)
        #expect(started(bench.turn(after: .milliseconds(199))) == [])
        #expect(started(bench.turn(after: .milliseconds(2))) == ["high"])
        #expect(bench.state("low") == .running)
    }

    @Test func whatDoesNotStartInTimeIsKilledAndCountedAsAFailure() {
        var bench = Bench(two)
        _ = bench.turn()
        let directives = bench.turn(after: .seconds(11), .started(id("low")))
        #expect(directives.contains(.kill(id("high"))))
        _ = bench.turn(.ended(id("high"), .failure, because: "signal 9"))
        #expect(bench.state("high") == .backingOff)
    }

    @Test func whatCannotHaveItsMinimumIsStoppedAndStartsWhenItCan() {
        var bench = Bench(two, cores: 2)
        bench.run()
        var greedy = two
        greedy.features[0].cores.performance = cores(2, 2, 2)
        _ = bench.turn(.policy(greedy))
        #expect(bench.state("low") == .stopping(.startAgain))
        _ = bench.turn(.ended(id("low"), .done, because: "0"))
        #expect(bench.state("low") == .waiting)
        #expect(bench.engine.plan.keptOut.map(\.feature.name) == ["low"])
        #expect(started(bench.turn(.policy(two))) == ["low"])
    }

    @Test func aPolicyThatChangesNothingCausesNothing() {
        var bench = Bench(two)
        bench.run()
        for _ in 0..<200 {
            let directives = bench.turn(after: .milliseconds(10), .policy(two))
            #expect(enforced(directives).isEmpty && started(directives).isEmpty)
            #expect(!directives.contains { if case .adopt = $0 { true } else { false } })
        }
    }

    @Test func aFeatureThatThePolicyDropsIsStoppedAndForgotten() {
        var bench = Bench(two)
        bench.run()
        var one = two
        one.features.removeAll { $0.id == id("low") }
        let directives = bench.turn(.policy(one))
        #expect(
            directives.contains {
                if case .askToStop(let f, _) = $0 { f == id("low") } else { false }
            })
        _ = bench.turn(.ended(id("low"), .done, because: "0"))
        #expect(bench.state("low") == nil)
    }

    @Test func shutdownAsksEverybodyAndQuitsWhenAllHaveEnded() {
        var bench = Bench(two)
        bench.run()
        let asked = bench.turn(.shutdown).filter { if case .askToStop = $0 { true } else { false } }
        #expect(asked.count == 2)
        #expect(!bench.turn(.ended(id("high"), .done, because: "0")).contains(.quit))
        #expect(bench.turn(.ended(id("low"), .done, because: "0")).contains(.quit))
    }

    @Test func anUnansweredAllocationIsLateAndKilled() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(600)))
        _ = bench.turn(.applied(id("low"), generation: 2))
        let directives = bench.turn(after: .seconds(6))
        #expect(directives.contains(.kill(id("high"))))
        #expect(!directives.contains(.kill(id("low"))))
    }

    /// Any order of any inputs keeps the engine's promises.
    @Test(arguments: Array(UInt64(0)..<30)) func anyOrderOfInputsKeepsTheInvariants(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let machine = randomMachine(using: &random)
        var policy = randomPolicy(using: &random)
        var now = Instant(nanoseconds: 0)
        var engine = Supervisor(machine: machine, policy: policy, now: now)
        for _ in 0..<200 {
            now = now + .milliseconds(Int.random(in: 0...3000, using: &random))
            let feature = id("f\(Int.random(in: 0...7, using: &random))")
            let ending: FeatureLife.Ending =
                [.done, .failure, .refused]
                .randomElement(using: &random) ?? .done
            let inputs: [Input] = [
                .operatorStart(feature), .operatorStop(feature), .operatorRestart(feature),
                .spawnFailed(feature, because: "x", permanent: false), .started(feature),
                .applied(feature, generation: Int.random(in: 0...9, using: &random)),
                .ended(feature, ending, because: "x"),
                .need(feature, .performance, millicores: 2000, for: .seconds(1)),
            ]
            var batch = [inputs.randomElement(using: &random) ?? .shutdown]
            if Int.random(in: 0..<10, using: &random) == 0 {
                policy = randomPolicy(using: &random)
                batch.append(.policy(policy))
            }
            for directive in engine.handle(batch, now: now) {
                if case .start(let feature, let allocation, _) = directive {
                    #expect(engine.plan[feature]?.cpus == allocation.cpus)
                }
            }
            let audit = PlanAudit(engine.plan, machine: machine, policy: engine.policy)
            #expect(audit.breaches == [])
        }
    }
}
