import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Rollouts from beginning to end, against hosts that obey.
@Suite struct RolloutTests {
    private typealias Behaviour = RolloutWorld.Behaviour

    private var policy: Policy {
        var app = feature("app", priority: 80, performance: cores(1, 2, 2))
        app.memory = MemoryWish(min: 128 << 20, want: 256 << 20, max: 1 << 30)
        app.source = .plugin("app")
        var other = feature("other", priority: 20, performance: cores(0, 1, 2), sharing: .shared)
        other.source = .command(["sleep", "1"])
        return Policy(name: "rollouts", features: [app, other])
    }

    private func begin(_ version: String, steps: [Int]? = nil, seconds: Int = 10) -> Input {
        var settings = RolloutSettings()
        if let steps { settings.steps = steps }
        settings.stepFor = .seconds(seconds)
        return .rollout(
            .begin(plugin: "app", version: RolloutWorld.version(version), settings))
    }

    private func source(_ world: RolloutWorld, _ feature: String = "app") -> String? {
        world.processes[RolloutWorld.id(feature)]?.source
    }

    private func isOver(_ world: RolloutWorld) -> Bool { world.engine.rollouts.active.isEmpty }

    @Test func `a version that is not worse takes over step by step, and one always runs`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour(latency: 900)])
        #expect(source(world) == "app")
        world.second(begin("2"))
        world.seconds(200, until: isOver)
        let outcome = world.engine.rollouts.outcomes["app"]
        #expect(outcome?.result == .finished, "\(world.notes)")
        #expect(outcome?.results.map(\.share) == [5, 25, 50, 75, 100])
        #expect(outcome?.results.allSatisfy { !$0.verdict.isBlind } ?? false)
        #expect(world.shares == [5, 25, 50, 75, 100, 75])
        world.seconds(10)
        #expect(source(world) == "app@2")
        #expect(source(world, "app.canary") == nil)
        #expect(world.engine.records[RolloutWorld.id("app.canary")] == nil)
        #expect(world.fewest >= 1)
        #expect(world.breaches == [])
        #expect(world.engine.policy[RolloutWorld.id("app")]?.sharing == .exclusive)
    }

    @Test(arguments: [
        ("latency p99 1 ms → 2 ms (+100 %)", Behaviour(latency: 2000)),
        ("errors 0.1 % → 5 %", Behaviour(errors: 50)),
        (
            "throughput 20000 → 10000 a second and core (−50 %)", Behaviour(throughput: 5000)
        ),
    ])
    private func `a worse version goes back by itself within its first step`(
        words: String, behaviour: Behaviour
    ) {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": behaviour])
        let pid = world.processes[RolloutWorld.id("app")]?.seconds ?? 0
        world.second(begin("2"))
        world.seconds(30, until: isOver)
        let outcome = world.engine.rollouts.outcomes["app"]
        #expect(outcome?.result == .rolledBack)
        #expect(outcome?.because == "app's new version is worse: \(words)")
        #expect(
            world.notes.contains { $0.contains("goes back: app's new version is worse: \(words)") })
        world.seconds(10)
        // The stable one was never touched.
        #expect((world.processes[RolloutWorld.id("app")]?.seconds ?? 0) > pid + 10)
        #expect(source(world) == "app")
        #expect(source(world, "app.canary") == nil)
        #expect(world.engine.policy == policy)
        #expect(world.fewest >= 1)
        #expect(world.breaches == [])
    }

    @Test func `a version that is slow only because it waits for CPUs is not called slow`() {
        let starved = Behaviour(latency: 9000, waitsForCPUs: true)
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": starved])
        world.second(begin("2"))
        world.seconds(200, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .finished)
    }

    @Test func `with nothing to compare only failures count, and that is said`() {
        let silent = Behaviour(errors: nil, latency: nil, throughput: nil, used: nil)
        var world = RolloutWorld(policy, ["app": silent, "app@2": silent])
        world.second(begin("2", steps: [50, 100]))
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .finished)
        #expect(world.notes.contains { $0.contains("nothing is known to compare at 50 %") })
    }

    @Test(arguments: [1, 12, 34, 44])
    func `a canary that crashes ends the rollout at any step`(second: Int) {
        var world = RolloutWorld(
            policy, ["app": Behaviour(), "app@2": Behaviour(crashesAfter: second)])
        world.second(begin("2"))
        world.seconds(200, until: isOver)
        let outcome = world.engine.rollouts.outcomes["app"]
        #expect(outcome?.result == .rolledBack)
        #expect(outcome?.because == "app.canary failed: killed by signal 11")
        world.seconds(10)
        #expect(source(world) == "app")
        #expect(world.engine.records[RolloutWorld.id("app.canary")] == nil)
        #expect(world.fewest >= 1)
        #expect(world.engine.policy == policy)
    }

    @Test func `a canary that crashes as its feature starts anew leaves the old version running`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(), "app@2": Behaviour(crashesAfter: 52)])
        world.second(begin("2"))
        world.seconds(200, until: isOver)
        #expect(world.notes.contains { $0.contains("features start anew") })
        #expect(world.engine.rollouts.outcomes["app"]?.result == .rolledBack)
        world.seconds(10)
        #expect(source(world) == "app" && source(world, "app.canary") == nil)
        #expect(world.engine.policy == policy)
    }

    @Test func `a canary that never says that it works ends the rollout`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(), "app@2": Behaviour(neverStarts: true)])
        world.second(begin("2"))
        world.seconds(100, until: isOver)
        let outcome = world.engine.rollouts.outcomes["app"]
        #expect(outcome?.result == .rolledBack)
        #expect(outcome?.because.contains("did not start in time") ?? false)
        #expect(world.shares == [5])
        #expect(world.fewest >= 1)
        #expect(world.restless == 0)
    }

    @Test func `a stable version that crashes is started again and the rollout goes on`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(crashesAfter: 25), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(300, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .finished, "\(world.notes)")
        world.seconds(5)
        #expect(source(world) == "app@2")
    }

    @Test func `all at once compares with what was before, and goes back`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(), "app@2": Behaviour(latency: 5000)])
        world.second(begin("2", steps: RolloutSettings.atOnce))
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .rolledBack)
        #expect(world.shares == [25, 100])
        #expect(world.fewest >= 1)
    }

    @Test func `a version that fails as it takes over leaves the place to the old one`() {
        // It works as a canary, for a while, and not as the feature itself.
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2", steps: [50, 100]))
        world.seconds(100) { world in
            world.engine.rollouts.active["app"]?.stage == .takingOver
        }
        #expect(world.engine.rollouts.active["app"]?.stage == .takingOver)
        world.behaviours["app@2"] = Behaviour(neverStarts: true)
        world.seconds(200, until: isOver)
        let outcome = world.engine.rollouts.outcomes["app"]
        #expect(outcome?.result == .rolledBack)
        world.seconds(10)
        #expect(source(world) == "app")
        #expect(source(world, "app.canary") == nil)
        #expect(world.fewest >= 1)
    }

    @Test func `going back after a finished rollout is a rollout to the version before`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(latency: 9000), "app@2": Behaviour()])
        world.second(begin("2", steps: [50, 100]))
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == RolloutWorld.version("2"))
        world.seconds(10)
        // The old one is slower, and is wanted all the same.
        world.second(.rollout(.rollBack(plugin: "app")))
        #expect(!isOver(world))
        world.seconds(60, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == .plain)
        world.seconds(10)
        #expect(source(world) == "app")
        #expect(world.fewest >= 1)
        #expect(world.engine.policy == policy)
    }

    @Test func `a rollout may begin while the canary of the last one still ends`() {
        var world = RolloutWorld(
            policy, ["app": Behaviour(), "app@2": Behaviour(crashesAfter: 3), "app@3": Behaviour()])
        world.second(begin("2"))
        world.seconds(30, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .rolledBack)
        world.second(begin("3", steps: [50, 100]))
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == RolloutWorld.version("3"))
        world.second(.rollout(.rollBack(plugin: "app")))
        #expect(!isOver(world))
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == .plain)
        #expect(world.fewest >= 1)
    }

    @Test func `going back during a rollout stops it at once`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(15)
        world.second(.rollout(.rollBack(plugin: "app")))
        #expect(isOver(world))
        world.seconds(3)
        #expect(source(world, "app.canary") == nil)
        #expect(world.engine.rollouts.outcomes["app"]?.because == "the operator wants it")
        #expect(world.engine.policy == policy)
    }

    @Test(arguments: [3, 15, 27, 40, 55, 64], [true, false])
    func `a daemon that begins again goes on with the rollout`(
        after: Int, findsProcesses: Bool
    ) throws {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(after)
        try world.restart(policy, findsProcesses: findsProcesses)
        world.seconds(200, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == RolloutWorld.version("2"))
        world.seconds(10)
        #expect(source(world) == "app@2")
        #expect(source(world, "app.canary") == nil)
        #expect(world.breaches == [])
    }

    @Test func `what is kept changes with the stage and not with each look`() throws {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        var kept: Set<String> = []
        var stages: [Rollout.Stage] = []
        for _ in 0..<70 {
            world.second()
            kept.insert("\(try JSONEncoding.encode(world.engine.rollouts.kept))")
            guard let stage = world.engine.rollouts.active["app"]?.stage else { continue }
            if stages.last != stage { stages.append(stage) }
        }
        #expect(stages.count == 7)
        #expect(kept.count <= stages.count + 2)
        #expect(kept.allSatisfy { $0.utf8.count < 8192 })
    }

    @Test func `a policy without the feature ends the rollout and both sides`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(15)
        var without = policy
        without.features.removeAll { $0.id.name == "app" }
        world.second(.policy(without))
        world.seconds(5)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .ended)
        #expect(world.processes.keys.map(\.name) == ["other"])
        #expect(world.engine.records.keys.map(\.name) == ["other"])
    }

    @Test func `another policy with the same feature does not disturb the rollout`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(15)
        var other = policy
        other.features[0].priority = 70
        world.second(.policy(other))
        #expect(!isOver(world))
        world.seconds(200, until: isOver)
        #expect(world.engine.rollouts.version(of: "app") == RolloutWorld.version("2"))
        #expect(world.fewest >= 1)
    }

    @Test func `who stops the feature stops both sides`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(15)
        world.second(.operatorStop(RolloutWorld.id("app")))
        world.seconds(4)
        #expect(isOver(world))
        #expect(source(world) == nil && source(world, "app.canary") == nil)
        #expect(world.engine.rollouts.version(of: "app") == .plain)
    }

    @Test func `a step waits for a canary that was started anew, and is not restless`() {
        var world = RolloutWorld(policy, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2"))
        world.seconds(6)
        world.behaviours["app@2"] = Behaviour(neverStarts: true)
        world.second(.operatorRestart(RolloutWorld.id("app.canary")))
        world.seconds(6)
        #expect(world.engine.rollouts.active["app"]?.stage == .step(0))
        #expect(world.restless == 0)
        world.seconds(100, until: isOver)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .rolledBack)
        #expect(world.restless == 0)
    }

    @Test func `all features of a plugin go together`() {
        var two = policy
        two.features[1].source = .plugin("app")
        var world = RolloutWorld(two, ["app": Behaviour(), "app@2": Behaviour()])
        world.second(begin("2", steps: [50, 100]))
        world.seconds(15)
        #expect(world.processes.count == 4)
        world.seconds(200, until: isOver)
        world.seconds(5)
        #expect(source(world) == "app@2" && source(world, "other") == "app@2")
        #expect(world.fewest >= 1)
        #expect(world.breaches == [])
    }
}

/// Random worlds in which versions are rolled out at any moment.
@Suite struct RolloutChaosTests {
    @Test func `whatever happens, plans hold, records fit and a copy decides the same`() throws {
        var endings: [RolloutOutcome.Result: Int] = [:]
        for seed in 0..<60 {
            for result in try run(seed: seed) { endings[result, default: 0] += 1 }
        }
        // Rollouts came far enough for this to mean something.
        for result in [RolloutOutcome.Result.finished, .rolledBack, .ended] {
            #expect((endings[result] ?? 0) >= 5, "\(result): \(endings)")
        }
    }

    /// One world; gives how its rollouts ended.
    private func run(seed: Int) throws -> [RolloutOutcome.Result] {
        var endings: [RolloutOutcome.Result] = []
        var turns = RandomTurns(seed: UInt64(seed) + 7000)
        var random = SeededGenerator(seed: UInt64(seed))
        var engine = turns.engine()
        for number in 0..<200 {
            var (inputs, now) = turns.next(for: engine)
            // Most hosts answer, so that rollouts come far.
            for (feature, record) in engine.records.sorted(by: { $0.key < $1.key })
            where record.life.state == .starting { inputs.append(.started(feature)) }
            if Int.random(in: 0..<6, using: &random) == 0 {
                inputs.append(command(using: &random))
            }
            var copy: Supervisor?
            if number % 20 == 7 {
                let written = try JSONEncoding.encode(engine)
                copy = try JSONDecoding.decode(Supervisor.self, from: written)
            }
            let directives = engine.handle(inputs, now: now)
            if let answer = copy?.handle(inputs, now: now) { #expect(answer == directives) }
            if let outcome = engine.rollouts.outcomes["test"], outcome.at == now {
                endings.append(outcome.result)
            }
            let audit = PlanAudit(
                engine.plan, machine: engine.machine, policy: engine.policy,
                resting: engine.resting, belowLevel: engine.belowLevel)
            #expect(audit.breaches == [], "seed \(seed), turn \(number)")
            #expect(engine.contradiction == nil, "seed \(seed), turn \(number)")
            let strays = engine.records.filter { engine.policy[$0.key] == nil }
            #expect(strays.allSatisfy { $0.value.life.hasProcess }, "seed \(seed)")
        }
        _ = engine.handle([.policy(Policy(name: "none", features: []))], now: turns.now)
        #expect(engine.rollouts.active.isEmpty)
        return endings
    }

    private func command(using random: inout SeededGenerator) -> Input {
        guard Int.random(in: 0..<3, using: &random) > 0 else {
            return .rollout(.rollBack(plugin: "test"))
        }
        var settings = RolloutSettings()
        settings.steps = [[100], [5, 100], [50, 75, 100]][Int.random(in: 0..<3, using: &random)]
        settings.stepFor = .seconds(Int.random(in: 1...5, using: &random))
        let version = ["2", "3", "plain"][Int.random(in: 0..<3, using: &random)]
        return .rollout(
            .begin(plugin: "test", version: RolloutWorld.version(version), settings))
    }
}

/// What is refused, and in which words.
@Suite struct RolloutRefusalTests {
    private func world(_ features: [FeaturePolicy]) -> RolloutWorld {
        RolloutWorld(Policy(name: "refusals", features: features), [:])
    }

    private func app(_ name: String = "app") -> FeaturePolicy {
        var app = feature(name, performance: cores(1, 1, 1))
        app.source = .plugin("app")
        return app
    }

    private func refusal(_ world: RolloutWorld, _ version: String = "2") -> String? {
        world.engine.refusal(
            of: .begin(
                plugin: "app", version: RolloutWorld.version(version), RolloutSettings()))
    }

    @Test func `a feature that has the canary's name is in the way`() {
        let text = refusal(world([app(), feature("app.canary", performance: cores(1, 1, 1))]))
        #expect(text?.hasPrefix("there is a feature app.canary already") ?? false)
    }

    @Test func `a name that would be too long is refused`() {
        let text = refusal(world([app(String(repeating: "a", count: 60))]))
        #expect(text?.contains("is too long") ?? false)
    }

    @Test func `what runs already, what nobody runs and what does not run is refused`() {
        #expect(refusal(world([app()])) == nil)
        #expect(refusal(world([app()]), "plain") == "app is in version plain already")
        let other = world([feature("other", performance: cores(1, 1, 1))])
        #expect(
            refusal(other)
                == "no feature of the policy runs the plugin app without a version (it names: test)"
        )
        var stopped = world([app()])
        stopped.second(.operatorStop(RolloutWorld.id("app")))
        stopped.seconds(3)
        #expect(refusal(stopped)?.hasPrefix("nothing that uses app runs") ?? false)
        #expect(
            stopped.engine.refusal(of: .rollBack(plugin: "app"))
                == "app has had no rollout: there is no version before")
    }

    @Test func `a second rollout of a plugin waits for the first`() {
        var world = world([app()])
        world.second(
            .rollout(
                .begin(plugin: "app", version: RolloutWorld.version("2"), RolloutSettings())))
        #expect(refusal(world, "3")?.contains("is being rolled out already, to 2") ?? false)
    }

    @Test(arguments: [[], [0, 100], [50], [50, 50, 100], [100, 50], [5, 101]])
    func `steps that do not grow to 100 are refused`(steps: [Int]) {
        var settings = RolloutSettings()
        settings.steps = steps
        #expect(settings.mistake != nil)
    }
}
