import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

private func id(_ name: String) -> FeatureID {
    guard let id = FeatureID(name) else { preconditionFailure(name) }
    return id
}

private let database = HealthPolicy.Target.tcp(.init(host: "127.0.0.1", port: 5432))

/// A feature with dependencies and checks.
private func feature(
    _ name: String, dependencies: [HealthPolicy.Check] = [], checks: [HealthPolicy.Check] = []
) -> FeaturePolicy {
    var policy = feature(name, performance: cores(1, 1, 1))
    policy.health = HealthPolicy(dependencies: dependencies, checks: checks)
    return policy
}

/// Drives the engine by hand.
private struct Bench {
    var engine: Supervisor
    var now = Instant(nanoseconds: 0)
    var events: [EngineEvent] = []

    init(_ features: FeaturePolicy..., cores: Int = 8, running: Bool = true) {
        engine = Supervisor(
            machine: machine([CoreGroup(cores)]), policy: Policy(name: "p", features: features),
            now: now)
        turn()
        guard running else { return }
        for feature in engine.records.keys.sorted() { turn(.started(feature)) }
        events = []
    }

    mutating func turn(_ inputs: Input...) {
        now = now + .milliseconds(1)
        for case .note(let event) in engine.handle(inputs, now: now) { events.append(event) }
    }

    mutating func check(_ feature: String, _ name: String, _ failure: String? = nil) {
        turn(.checked(id(feature), check: name, failure.map { .failed($0) } ?? .passed))
    }

    func health(_ name: String) -> FeatureHealth {
        guard let health = engine.machineHealth.features.first(where: { $0.feature.name == name })
        else { preconditionFailure(name) }
        return health
    }

    /// What was noted of health since the last time.
    mutating func told() -> [String] {
        defer { events = [] }
        return events.filter { $0.kind == .health }
            .map { "\($0.feature?.name ?? ""): \($0.text)" }
    }
}

@Suite("Health of features and of the machine")
struct EngineHealthTests {
    private let web = feature("web", dependencies: [.init(name: "db", target: database)])

    @Test func `what has not been checked yet is not ready, and says so`() {
        var bench = Bench(web)
        #expect(bench.health("web").isLive && !bench.health("web").isReady)
        #expect(
            bench.engine.machineHealth.because == [
                "web is not ready: its dependency db (tcp 127.0.0.1:5432) has not been checked yet"
            ])
        bench.check("web", "db")
        #expect(bench.health("web").isReady && bench.engine.machineHealth.isReady)
        #expect(bench.told() == [])
    }

    @Test func `a change of a check is told once, with how often it failed`() {
        var bench = Bench(web)
        bench.check("web", "db")
        for _ in 0..<3 { bench.check("web", "db", "connection refused") }
        #expect(
            bench.told() == [
                "web: its dependency db (tcp 127.0.0.1:5432) fails: connection refused"
            ])
        #expect(!bench.engine.machineHealth.isReady)
        #expect(bench.engine.health[id("web"), "db"]?.failures == 3)
        let since = bench.engine.health[id("web"), "db"]?.since
        bench.check("web", "db", "no answer within 1 s")
        #expect(bench.engine.health[id("web"), "db"]?.since == since)
        bench.check("web", "db")
        #expect(
            bench.told() == [
                "web: its dependency db (tcp 127.0.0.1:5432) passes again (4 failed)"
            ])
        #expect(bench.engine.machineHealth.isReady)
    }

    /// What happens to a feature with one critical dependency, one that is not, and a critical
    /// check, which all pass at first; then whether it is live, ready and degraded.
    static let table: [(String, [Input], live: Bool, ready: Bool, degraded: Bool)] = [
        ("nothing", [], true, true, false),
        ("its dependency fails", [.checked(a, check: "dep", bad)], true, false, false),
        ("one that is not critical fails", [.checked(a, check: "soft", bad)], true, true, true),
        ("its check fails", [.checked(a, check: "own", bad)], true, false, false),
        ("it says good", [.health(a, .good)], true, true, false),
        ("it says degraded", [.health(a, .degraded("slow"))], true, true, true),
        ("it says failing", [.health(a, .failing("full"))], true, false, false),
        ("it crashed", [.ended(a, .failure, because: "signal 11")], false, false, false),
        ("it is stopped", [.operatorStop(a)], true, false, false),
        (
            "it is stopped and gone",
            [.operatorStop(a), .ended(a, .done, because: "exit code 0")], false, false, false
        ),
        ("somebody else's check", [.checked(a, check: "other", bad)], true, true, false),
    ]
    private static let a = id("a")
    private static let bad = CheckOutcome.failed("no")

    @Test(arguments: table.indices)
    func `live, ready and degraded follow from what happened`(index: Int) {
        let row = Self.table[index]
        let soft = HealthPolicy.Check(name: "soft", target: .file("/x"), isCritical: false)
        var bench = Bench(
            feature(
                "a", dependencies: [.init(name: "dep", target: database), soft],
                checks: [.init(name: "own", target: .command(["true"]))]))
        for name in ["dep", "soft", "own"] { bench.check("a", name) }
        for input in row.1 { bench.turn(input) }
        let health = bench.health("a")
        #expect(health.isLive == row.live, "\(row.0)")
        #expect(health.isReady == row.ready, "\(row.0): \(health)")
        #expect(health.isDegraded == row.degraded, "\(row.0): \(health)")
        #expect(health.unreadyBecause.isEmpty == row.ready)
        #expect(health.degradedBecause.isEmpty != row.degraded)
    }

    @Test func `a feature that is not ready makes those that depend on it unready, with the cause`()
    {
        let store = HealthPolicy.Check(name: "db", target: .feature(id("store")))
        let page = HealthPolicy.Check(name: "page", target: .feature(id("web")), isCritical: false)
        var bench = Bench(
            feature("store", checks: [.init(name: "api", target: database)]),
            feature("web", dependencies: [store]), feature("ads", dependencies: [page]))
        bench.check("store", "api")
        #expect(bench.engine.machineHealth.isReady)
        _ = bench.told()
        bench.check("store", "api", "connection refused")
        let cause = "its check api (tcp 127.0.0.1:5432) fails: connection refused"
        let because = "its dependency db (feature store) is not ready: \(cause)"
        #expect(bench.health("store").unreadyBecause == [cause])
        #expect(bench.health("web").unreadyBecause == [because])
        #expect(bench.health("ads").isReady)
        let page2 = "its dependency page (feature web) is not ready: \(because)"
        #expect(bench.health("ads").degradedBecause == [page2])
        #expect(bench.told() == ["store: \(cause)", "ads: \(page2)", "web: \(because)"])
        bench.check("store", "api")
        #expect(bench.engine.machineHealth.isReady && !bench.engine.machineHealth.isDegraded)
        #expect(bench.told().contains("web: its dependency db (feature store) is ready again"))
    }

    @Test func `who is stopped by hand does not make the machine unready, but who needs it does`() {
        let store = HealthPolicy.Check(name: "db", target: .feature(id("store")))
        var bench = Bench(
            feature("alone"), feature("store"), feature("web", dependencies: [store]))
        #expect(bench.engine.machineHealth.isReady)
        bench.turn(.operatorStop(id("alone")))
        bench.turn(.ended(id("alone"), .done, because: "exit code 0"))
        #expect(bench.engine.machineHealth.isReady)
        #expect(!bench.health("alone").isWanted && !bench.health("alone").isReady)
        bench.turn(.operatorStop(id("store")))
        bench.turn(.ended(id("store"), .done, because: "exit code 0"))
        #expect(
            bench.engine.machineHealth.because == [
                "web is not ready: its dependency db (feature store) is not ready: it is stopped"
            ])
    }

    @Test func `who cannot work or has no place makes the machine unready`() {
        var bench = Bench(feature("a"))
        bench.turn(.ended(id("a"), .refused, because: "exit code 100"))
        #expect(bench.health("a").isWanted)
        #expect(
            bench.engine.machineHealth.because
                == ["a is not ready: it has failed: exit code 100"])
        let full = Bench(feature("a"), feature("b"), cores: 1, running: false)
        let reasons = full.engine.machineHealth.features.flatMap(\.unreadyBecause)
        #expect(reasons.contains { $0.hasPrefix("it is kept out: ") }, "\(reasons)")
        #expect(!full.engine.machineHealth.isReady)
    }

    @Test func `who runs with less than its minimum is degraded`() {
        var small = PoiseTestSupport.feature("a", performance: cores(4, 4, 4))
        small.shortage = .start
        let bench = Bench(small, cores: 2)
        #expect(bench.health("a").isReady && bench.health("a").isDegraded)
        #expect(
            bench.health("a").degradedBecause.first?
                .hasPrefix("it runs with less than its minimum: ") ?? false)
    }

    @Test func `checks are forgotten when the feature ends, and late outcomes say nothing`() {
        var bench = Bench(web)
        bench.check("web", "db")
        bench.turn(.health(id("web"), .failing("full")))
        bench.turn(.ended(id("web"), .failure, because: "signal 9"))
        #expect(bench.engine.health[id("web"), "db"] == nil)
        bench.check("web", "db", "too late")
        #expect(bench.engine.health[id("web"), "db"] == nil)
        #expect(bench.engine.records[id("web")]?.healthWord == nil)
    }

    @Test func `checks that a new policy changes are made anew`() {
        var bench = Bench(web, feature("other", checks: [.init(name: "c", target: .file("/x"))]))
        bench.check("web", "db")
        bench.check("other", "c")
        var new = bench.engine.policy
        for index in new.features.indices where new.features[index].id == id("web") {
            new.features[index].health.dependencies[0].target = .file("/y")
        }
        bench.turn(.policy(new))
        #expect(bench.engine.health[id("web"), "db"] == nil)
        #expect(bench.engine.health[id("other"), "c"]?.outcome == .passed)
    }

    @Test func `a circle, which no policy file can have, ends`() {
        let to = { (name: String) in HealthPolicy.Check(name: "d", target: .feature(id(name))) }
        let bench = Bench(
            feature("a", dependencies: [to("b")]), feature("b", dependencies: [to("a")]))
        #expect(!bench.engine.machineHealth.isReady)
    }

    @Test func `a reason that goes through many features is cut`() {
        var bench = Bench(feature("f000", checks: [.init(name: "c", target: database)]))
        var policy = bench.engine.policy
        for index in 1..<100 {
            let digits = { (number: Int) in "f" + String(String(1000 + number).dropFirst()) }
            policy.features.append(
                feature(
                    digits(index),
                    dependencies: [.init(name: "d", target: .feature(id(digits(index - 1))))]))
        }
        bench.turn(.policy(policy))
        for health in bench.engine.machineHealth.features {
            for reason in health.unreadyBecause { #expect(reason.count < 400) }
        }
    }

    @Test func `an engine with health is written and read to the bit`() throws {
        let store = HealthPolicy.Check(name: "db", target: .feature(id("store")))
        var bench = Bench(
            feature("store", checks: [.init(name: "api", target: database)]),
            feature("web", dependencies: [store]))
        bench.check("store", "api", "connection refused")
        let written = try JSONEncoding.encode(bench.engine)
        let read = try JSONDecoding.decode(Supervisor.self, from: written)
        #expect(read.machineHealth == bench.engine.machineHealth)
        #expect(read.health == bench.engine.health)
        #expect(try JSONEncoding.encode(read) == written)
    }

    @Test(arguments: 0..<20)
    func `whatever checks say, an engine that was written and read decides the same`(seed: Int)
        throws
    {
        var random = SeededGenerator(seed: UInt64(seed))
        let store = HealthPolicy.Check(name: "x", target: .feature(id("f0")))
        let own = HealthPolicy.Check(name: "y", target: database, isCritical: seed % 2 == 0)
        var bench = Bench(
            feature("f0", checks: [own]), feature("f1", dependencies: [store], checks: [own]),
            feature("f2", dependencies: [.init(name: "y", target: .file("/x"))]))
        var copy: Supervisor?
        for number in 0..<150 {
            let name = id("f\(Int.random(in: 0...2, using: &random))")
            let checked = Input.checked(
                name, check: ["x", "y", "z"].randomElement(using: &random) ?? "",
                .random(using: &random) ? .passed : .failed("no \(number % 3)"))
            let other: [Input] = [
                .health(name, .failing("full")), .health(name, .good), .started(name),
                .ended(name, .failure, because: "signal 9"),
            ]
            let isChecked = Int.random(in: 0..<4, using: &random) > 0
            let input = isChecked ? checked : other.randomElement(using: &random) ?? checked
            bench.now = bench.now + .milliseconds(Int.random(in: 1...2000, using: &random))
            let directives = bench.engine.handle([input], now: bench.now)
            if let again = copy?.handle([input], now: bench.now) {
                try #require(again == directives, "seed \(seed), turn \(number)")
            }
            let health = bench.engine.machineHealth
            #expect(health.isReady == health.features.allSatisfy { $0.isReady || !$0.isWanted })
            if number % 25 == 5 {
                let written = try JSONEncoding.encode(bench.engine)
                copy = try JSONDecoding.decode(Supervisor.self, from: written)
            }
        }
    }

    @Test func `a failing check of its own counts against a feature, a failing dependency never`() {
        var policy = feature(
            "a", dependencies: [.init(name: "dep", target: database)],
            checks: [
                .init(name: "own", target: .file("/x")),
                .init(name: "soft", target: .file("/y"), isCritical: false),
            ])
        policy.breaker.failures = 3
        var bench = Bench(policy, feature("b"))
        for _ in 0..<20 {
            bench.check("a", "dep", "connection refused")
            bench.check("a", "soft", "no such file or folder")
        }
        #expect(bench.engine.records[id("a")]?.breaker.isOpen == false)
        #expect(bench.engine.records[id("a")]?.life.state == .running)
        for _ in 0..<3 { bench.check("a", "own", "no such file or folder") }
        #expect(bench.engine.records[id("a")]?.breaker.isOpen == true)
        #expect(bench.engine.records[id("a")]?.breaker.cause?.kind == .failedHealthCheck)
        #expect(
            bench.health("a").unreadyBecause.first?.hasPrefix("it rests while its breaker is open")
                == true)
        #expect(!bench.engine.machineHealth.isReady)
    }
}
