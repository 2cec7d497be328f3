import PoiseEngine
import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import PoiseWire
import Testing

/// The bus while versions of plugins follow each other.
@Suite struct BusRolloutTests {
    private typealias Behaviour = RolloutWorld.Behaviour

    private var policy: Policy {
        let features = ["app", "sink", "source"].map { name in
            var made = feature(name, performance: cores(0, 1, 2), sharing: .shared)
            made.memory = MemoryWish(min: 64 << 20, want: 128 << 20, max: 512 << 20)
            made.source = .plugin(name)
            return made
        }
        var policy = Policy(name: "rollouts", features: features)
        policy.bus.routes = [
            BusRoute(
                name: "in", topics: ["t"], from: [RolloutWorld.id("source")],
                to: [RolloutWorld.id("app")]),
            BusRoute(
                name: "out", topics: ["u"], from: [RolloutWorld.id("app")],
                to: [RolloutWorld.id("sink")]),
        ]
        return policy
    }

    /// Follows a rollout of `app` to version 2 for so many seconds, with links that never empty.
    private func follow(
        _ behaviours: [String: Behaviour], seconds: Int
    ) -> (shares: [Int], last: BusPlan, world: RolloutWorld) {
        var world = RolloutWorld(policy, behaviours)
        var settings = RolloutSettings()
        settings.stepFor = .seconds(10)
        world.second(
            .rollout(.begin(plugin: "app", version: RolloutWorld.version("2"), settings)))
        var (shares, bus) = ([Int](), BusPlan())
        for second in 0..<seconds {
            // What crashes within a second is known in the next.
            let works = world.processes
            if second > 0 { world.second() }
            bus = world.engine.busPlan(
                existing: bus.links, holding: Set(bus.links.map(\.name)))
            let table = bus.table(of: RolloutWorld.id("source"))
            let member = table.rows.flatMap(\.members).joined()
            #expect(member.reduce(0) { $0 + $1.share } == 100)
            // Who is sent to works.
            for destination in member where destination.share > 0 {
                let reader = bus[link: destination.link]?.consumer
                #expect(reader.flatMap { works[$0]?.isStarted } == true)
            }
            let share = member.first { $0.link == "in:source>app.canary" }?.share ?? -1
            if shares.last != share { shares.append(share) }
        }
        return (shares, bus, world)
    }

    @Test func `messages follow a rollout step by step, and the feature reads what is left`() {
        let (shares, last, world) = follow(
            ["app": Behaviour(), "app@2": Behaviour(latency: 900)], seconds: 100)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .finished)
        // At 100 the feature starts anew with the new version, and when it works it has all again.
        #expect(shares == [0, 5, 25, 50, 75, 100, -1])
        #expect(
            last.links.map { "\($0.name) \($0.consumer) \($0.isDraining)" } == [
                "in:source>app app false", "in:source>app.canary app true",
                "out:app.canary>sink sink true", "out:app>sink sink false",
            ])
        let empty = world.engine.busPlan(existing: last.links, holding: [])
        #expect(empty.links.map(\.name) == ["in:source>app", "out:app>sink"])
    }

    @Test func `a canary that crashes leaves its messages to its feature`() {
        let (shares, last, world) = follow(
            ["app": Behaviour(), "app@2": Behaviour(crashesAfter: 14)], seconds: 40)
        #expect(world.engine.rollouts.outcomes["app"]?.result == .rolledBack)
        #expect(shares.first == 0 && shares.contains(5) && shares.last == -1)
        #expect(last[link: "in:source>app.canary"]?.consumer == RolloutWorld.id("app"))
    }

    @Test func `who crashes or rests is not sent to, and its link stays`() throws {
        var policy = policy
        policy.bus.routes[0].to = [RolloutWorld.id("app"), RolloutWorld.id("sink")]
        policy.bus.routes[0].delivery = .any
        var world = RolloutWorld(policy, [:])
        func shares() -> [Int] {
            world.engine.busPlan(existing: [], holding: [])
                .table(of: RolloutWorld.id("source")).rows.flatMap(\.members).joined().map(\.share)
        }
        #expect(shares() == [100, 100])
        world.second(.operatorStop(RolloutWorld.id("app")))
        world.seconds(3)
        #expect(shares() == [0, 100])
    }

    @Test func `what a policy may have fits into what a host is told`() throws {
        // Names as long as they may be where canaries are to be.
        func name(_ index: Int) -> String {
            let digits = String(index)
            return "f" + String(repeating: "0", count: 56 - digits.count) + digits
        }
        func read(_ count: Int) -> Policy? {
            var text = "version: 1\nname: p\nreserve: { cores: 1 }\nfeatures:\n"
            for index in 0..<count {
                text += "  \(name(index)): { plugin: p, cores: { performance: 1 } }\n"
            }
            let topics = (0..<8).map { "\(name($0))/\($0)" }.joined(separator: ", ")
            text += "bus: { routes: { \(name(0)): { topics: [\(topics)], from: \(name(0)) } } }"
            return Policy.read(Array(text.utf8), name: "p").policy
        }
        let most = (2...1000).prefix { read($0) != nil }.last
        let count = try #require(most)
        #expect((50...900).contains(count))
        let policy = try #require(read(count))
        let canaries = policy.features.compactMap { feature in
            Rollout.canary(of: feature.id).map {
                BusCanary(feature: feature.id, canary: $0, share: 5)
            }
        }
        let plan = BusPlan(
            policy: policy, plan: nil, machine: machine([CoreGroup(4)]),
            running: Set(canaries.flatMap { [$0.feature, $0.canary] }), canaries: canaries)
        let sender = try #require(canaries.first?.canary)
        let rows = plan.table(of: sender).rows.map { row in
            BusTable.Row(
                route: row.route, topics: row.topics,
                members: row.members.map { member in
                    member.map { BusTable.Destination(link: $0.link, share: $0.share) }
                }, delivery: row.delivery)
        }
        let order = HostOrder.busRoutes(BusTable(generation: .max, rows: rows))
        #expect(rows.count == 1 && rows[0].members.count == count - 1)
        let bytes = order.json.description.utf8.count
        #expect(bytes <= HostOrder.longest && bytes > HostOrder.longest / 2)
    }
}
