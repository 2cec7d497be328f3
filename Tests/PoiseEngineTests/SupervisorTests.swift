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
    directives.flatMap {
        if case .enforce(let changes) = $0 { changes.map(\.feature.name) } else { [String]() }
    }
}

private func told(_ directives: [Directive]) -> [String] {
    directives.compactMap {
        if case .tell(let feature, let allocation, _) = $0 {
            "\(feature) \(allocation.cpus)"
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
        let asked = bench.turn(
            .need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(told(asked) == ["low 2"] || told(asked) == ["low 3"])
        #expect(enforced(asked) == [])
        let generation = bench.engine.records[id("low")]?.generation ?? 0
        #expect(
            enforced(bench.turn(.applied(id("low"), generation: generation))) == ["low", "high"])
        #expect(bench.engine.plan[id("high")]?.millicores.total == 3000)
        #expect(bench.engine.plan[id("low")]?.millicores.total == 1000)
    }

    @Test func coresThatAreNotGivenUpInTimeAreTaken() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(enforced(bench.turn(after: .milliseconds(9))) == [])
        #expect(enforced(bench.turn(after: .milliseconds(1))) == ["low", "high"])
    }

    @Test func aCommandHasNobodyToAskAndIsMovedAtOnce() {
        var commands = two
        for index in commands.features.indices {
            commands.features[index].source = .command(["sleep"])
        }
        var bench = Bench(commands)
        bench.run()
        let directives = bench.turn(
            .need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(enforced(directives) == ["low", "high"])
    }

    @Test func whatTheKernelRefusesIsTakenBackAndTriedAgainLater() {
        var bench = Bench(two)
        bench.run()
        let before = bench.engine.records[id("high")]?.allocation
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(60)))
        _ = bench.turn(after: .milliseconds(10))
        let refused = bench.turn(.refused(because: "no space"))
        #expect(bench.engine.records[id("high")]?.allocation == before)
        #expect(told(refused) == ["high 0-1", "low 2-3"])
        #expect(enforced(bench.turn(after: .milliseconds(900))) == [])
        _ = bench.turn(after: .milliseconds(200))
        #expect(enforced(bench.turn(after: .milliseconds(10))) == ["low", "high"])
    }

    @Test func aFeatureThatWasRunningBeforeGoesOnAsItIs() throws {
        var bench = Bench(two)
        bench.run()
        var next = Supervisor(
            machine: bench.engine.machine, policy: two, inForce: bench.engine.plan, now: bench.now)
        var found: [Input] = []
        for (feature, record) in bench.engine.records {
            let allocation = try #require(record.allocation)
            found.append(
                .found(
                    feature,
                    Input.Found(allocation: allocation, generation: 7, since: bench.now)))
        }
        let directives = next.handle(found, now: bench.now)
        #expect(enforced(directives) == [] && started(directives) == [] && told(directives) == [])
        #expect(next.records.values.allSatisfy { $0.life.state == .running })
    }

    @Test func aCPUThatGoesOfflineIsPlannedAround() {
        var bench = Bench(two)
        bench.run()
        let directives = bench.turn(.machine(machine([CoreGroup(3)])))
        #expect(enforced(directives + bench.turn(after: .milliseconds(10))) == ["low"])
        #expect(bench.engine.plan.features.allSatisfy { !$0.cpus.contains(3) })
        let back = bench.turn(.machine(machine([CoreGroup(4)])))
        #expect(enforced(back) == ["low"])
    }

    @Test func aNeedRunsOutAfterItsTimeAndTheShrinkPause() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(1)))
        #expect(enforced(bench.turn(after: .milliseconds(10))) == ["low", "high"])
        #expect(enforced(bench.turn(after: .milliseconds(2890))) == [])
        #expect(enforced(bench.turn(after: .milliseconds(200))) == [])
        #expect(enforced(bench.turn(after: .milliseconds(10))) == ["high", "low"])
    }

    @Test func anOscillatingNeedMovesNothing() {
        var bench = Bench(two)
        bench.run()
        _ = bench.turn(.need(id("high"), .performance, millicores: 3000, for: .seconds(60)))
        _ = bench.turn(after: .milliseconds(10))
        for name in ["high", "low"] { _ = bench.turn(.applied(id(name), generation: 9)) }
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
        // What it has is given to nobody before it has ended.
        #expect(enforced(bench.turn(.policy(greedy))) == [])
        #expect(bench.state("low") == .stopping(.startAgain))
        let ended = bench.turn(.ended(id("low"), .done, because: "0"))
        #expect(enforced(ended) == ["high"])
        #expect(bench.state("low") == .waiting)
        #expect(bench.engine.plan.keptOut.map(\.feature.name) == ["low"])
        #expect(started(bench.turn(.policy(two))) == [])
        #expect(started(bench.turn(after: .milliseconds(10))) == ["low"])
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
        _ = bench.turn(after: .milliseconds(10))
        _ = bench.turn(.applied(id("low"), generation: 9))
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
                .refused(because: "x"),
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
