import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// What one plan of the bus is made from, drawn at random.
private struct BusCase {
    var policy: Policy
    var plan: AllocationPlan?
    var machine: Machine
    var running: Set<FeatureID> = []
    var canaries: [BusCanary] = []

    init(using random: inout SeededGenerator) {
        machine = randomMachine(using: &random)
        policy = randomPolicy(using: &random)
        for index in policy.features.indices where Int.random(in: 0..<6, using: &random) == 0 {
            policy.features[index].source = .command(["sleep", "1"])
        }
        drawRoutes(using: &random)
        draw(using: &random)
    }

    var plugins: [FeatureID] { policy.features.filter(\.isOnBus).map(\.id) }

    mutating func drawRoutes(using random: inout SeededGenerator) {
        let plugins = plugins
        func some() -> [FeatureID] {
            plugins.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        }
        policy.bus.routes = (0..<Int.random(in: 0...4, using: &random)).map { index in
            BusRoute(
                name: "r\(index)", topics: ["t\(index)", "u\(index)"], from: some(), to: some(),
                delivery: Bool.random(using: &random) ? .any : .broadcast,
                preference: BusPreference(
                    coreClass: Bool.random(using: &random) ? .efficiency : nil,
                    sameNode: Bool.random(using: &random)),
                full: Bool.random(using: &random) ? .dropNewest : .block(.seconds(1)),
                isShared: Int.random(in: 0..<3, using: &random) == 0)
        }
    }

    /// Draws anew what changes while a policy is in force.
    mutating func draw(using random: inout SeededGenerator) {
        plan =
            Int.random(in: 0..<5, using: &random) == 0
            ? nil : Planner(machine: machine, policy: policy).plan()
        canaries = plugins.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.map {
            BusCanary(
                feature: $0, canary: busID($0.name + ".canary"),
                share: [5, 25, 50, 75, 100].randomElement(using: &random) ?? 5)
        }
        running = Set(
            (plugins + canaries.map(\.canary)).filter { _ in
                Int.random(in: 0..<4, using: &random) > 0
            })
    }

    func made(existing: [BusLink] = [], holding: Set<String> = []) -> BusPlan {
        BusPlan(
            policy: policy, plan: plan, machine: machine, running: running, canaries: canaries,
            existing: existing, holding: holding)
    }

    /// The feature itself, or the one whose canary it is.
    func feature(of name: FeatureID) -> FeatureID {
        name.name.hasSuffix(".canary") ? busID(String(name.name.dropLast(7))) : name
    }

    func versions(of feature: FeatureID) -> [FeatureID] {
        [feature] + canaries.filter { $0.feature == feature }.map(\.canary)
    }
}

/// What holds of every plan of the bus. A failing seed is printed with the test's argument.
@Suite struct BusPlanProperties {
    private static let seeds = Array(UInt64(0)..<40)
    private static let cases = 10

    private func forCases(
        _ seed: UInt64, _ body: (inout BusCase, inout SeededGenerator) -> Void
    ) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.cases {
            var one = BusCase(using: &random)
            body(&one, &random)
        }
    }

    @Test(arguments: seeds)
    func `every message reaches each receiver once, or one of them`(seed: UInt64) {
        forCases(seed) { one, _ in
            let plan = one.made()
            for route in one.policy.bus.routes {
                let senders = route.from.isEmpty ? one.plugins : route.from
                let receivers = route.to.isEmpty ? one.plugins : route.to
                for sender in senders {
                    let others = receivers.filter { $0 != sender }
                    for version in one.versions(of: sender) {
                        check(plan, one, route, version, others)
                    }
                }
            }
        }
    }

    private func check(
        _ plan: BusPlan, _ one: BusCase, _ route: BusRoute, _ sender: FeatureID,
        _ receivers: [FeatureID]
    ) {
        for topic in route.topics {
            let rows = plan.table(of: sender).rows.filter { $0.topics.contains(topic) }
            guard !receivers.isEmpty else {
                #expect(rows.isEmpty)
                continue
            }
            #expect(rows.count == 1 && rows[0].route == route.name)
            let members = rows.flatMap(\.members)
            let units = members.map { member in
                Set(member.compactMap { plan[link: $0.link]?.addressee }.map(one.feature))
            }
            let expected =
                route.delivery == .any
                ? [Set(receivers)] : receivers.sorted().map { Set([$0]) }
            #expect(units == expected)
            for (member, unit) in zip(members, units) { check(member, unit, one, route, plan) }
        }
    }

    private func check(
        _ member: [BusPlan.Destination], _ unit: Set<FeatureID>, _ one: BusCase,
        _ route: BusRoute, _ plan: BusPlan
    ) {
        #expect(Set(member.map(\.link)).count == member.count)
        #expect(member.count == unit.reduce(0) { $0 + one.versions(of: $1).count })
        let sum = member.reduce(0) { $0 + $1.share }
        #expect(member.allSatisfy { (0...100).contains($0.share) })
        #expect(sum > 0 && sum % 100 == 0 && sum <= 100 * unit.count)
        if route.delivery == .broadcast { #expect(sum == 100) }
        // While anybody runs, who does not gets nothing.
        let takes = member.filter { $0.share > 0 }.compactMap { plan[link: $0.link]?.addressee }
        let mayTake = unit.flatMap(one.versions).filter(one.running.contains)
        if !mayTake.isEmpty { #expect(takes.allSatisfy(mayTake.contains)) }
    }

    @Test(arguments: seeds)
    func `links and tables are of one piece, and nothing goes to itself`(seed: UInt64) {
        forCases(seed) { one, random in
            var plan = one.made()
            for _ in 0..<3 {
                check(plan, one)
                one.draw(using: &random)
                if Bool.random(using: &random) { one.drawRoutes(using: &random) }
                let held = plan.links.filter { _ in Bool.random(using: &random) }.map(\.name)
                plan = one.made(existing: plan.links, holding: Set(held))
            }
        }
    }

    private func check(_ plan: BusPlan, _ one: BusCase) {
        #expect(plan.links.map(\.name) == Set(plan.links.map(\.name)).sorted())
        for (sender, table) in plan.tables {
            let named = table.rows.flatMap(\.members).flatMap { $0 }.map(\.link)
            #expect(named.sorted() == plan.links(from: sender).map(\.name))
            #expect(table.rows.map(\.route) == table.rows.map(\.route).sorted())
            #expect(!table.rows.isEmpty && table.rows.allSatisfy { !$0.members.isEmpty })
        }
        let present = Set(one.plugins.flatMap(one.versions))
        for link in plan.links {
            #expect(present.contains(link.consumer))
            #expect(link.consumer == link.addressee || !present.contains(link.addressee))
            let numbers = link.producers.map(\.index)
            #expect(
                numbers == Set(numbers).sorted()
                    && numbers.allSatisfy { 0..<BusRoute.mostWriters ~= $0 })
            #expect(link.isShared || numbers == [0])
            for producer in link.producers where producer.writes {
                #expect(one.feature(of: producer.feature) != one.feature(of: link.consumer))
                #expect(plan.links(from: producer.feature).contains(link))
            }
            for producer in link.producers {
                let arena = plan.arenas.first { $0.owner == producer.feature }
                #expect(arena?.readers.contains(link.consumer) == true)
            }
        }
    }

    @Test(arguments: seeds)
    func `the order of features, routes, canaries and links changes nothing`(seed: UInt64) {
        forCases(seed) { one, random in
            let before = one.made()
            one.draw(using: &random)
            let holding = Set(before.links.map(\.name))
            let plan = one.made(existing: before.links, holding: holding)
            var other = one
            other.policy.features.shuffle(using: &random)
            other.policy.bus.routes.shuffle(using: &random)
            other.canaries.shuffle(using: &random)
            for index in other.policy.bus.routes.indices {
                other.policy.bus.routes[index].from.shuffle(using: &random)
                other.policy.bus.routes[index].to.shuffle(using: &random)
            }
            let shuffled = before.links.shuffled(using: &random)
            #expect(other.made(existing: shuffled, holding: holding) == plan)
        }
    }

    @Test(arguments: seeds)
    func `a plan is its own successor, whatever is held`(seed: UInt64) {
        forCases(seed) { one, random in
            let first = one.made()
            one.draw(using: &random)
            let held = Set(first.links.filter { _ in Bool.random(using: &random) }.map(\.name))
            let plan = one.made(existing: first.links, holding: held)
            let next = one.made(existing: plan.links, holding: Set(plan.links.map(\.name)))
            #expect(next == plan)
            #expect(next.difference(from: plan).isEmpty)
        }
    }

    @Test(arguments: seeds)
    func `what holds messages stays while anybody is there to read them`(seed: UInt64) {
        forCases(seed) { one, random in
            let before = one.made()
            one.draw(using: &random)
            one.drawRoutes(using: &random)
            let gone = one.plugins.randomElement(using: &random)
            one.policy.features.removeAll { $0.id == gone }
            one.canaries.removeAll { $0.feature == gone }
            let held = Set(before.links.filter { _ in Bool.random(using: &random) }.map(\.name))
            let after = one.made(existing: before.links, holding: held)
            for link in before.links where held.contains(link.name) {
                let mayRead = one.plugins.contains(one.feature(of: link.addressee))
                let now = after[link: link.name]
                #expect((now != nil) == mayRead)
                guard let now else { continue }
                #expect(now.hasRing(of: link))
                for producer in link.producers {
                    let known = now.producers.first { $0.feature == producer.feature }
                    #expect(known?.index == producer.index)
                }
            }
            let difference = after.difference(from: before)
            #expect(difference.remade.allSatisfy { !held.contains($0.name) })
            let counts = [
                difference.made, difference.remade, difference.changed, difference.kept,
            ].map(\.count)
            #expect(counts.reduce(0, +) == after.links.count)
            let names = Set(after.links.map(\.name))
            #expect(
                difference.dropped.map(\.name)
                    == before.links.map(\.name).filter { !names.contains($0) })
        }
    }

    @Test(arguments: seeds)
    func `a link stays the same through changes that do not concern it`(seed: UInt64) {
        forCases(seed) { one, random in
            // Routes that name both ends concern nobody else.
            let plugins = one.plugins
            guard plugins.count >= 2 else { return }
            for index in one.policy.bus.routes.indices {
                if one.policy.bus.routes[index].from.isEmpty {
                    one.policy.bus.routes[index].from = [plugins[0]]
                }
                if one.policy.bus.routes[index].to.isEmpty {
                    one.policy.bus.routes[index].to = [plugins[1]]
                }
            }
            let before = one.made()
            var other = one
            other.policy.features.append(PoiseTestSupport.feature("another"))
            other.policy.bus.routes.append(BusRoute(name: "another", topics: ["other"]))
            let after = other.made(
                existing: before.links, holding: Set(before.links.map(\.name)))
            let difference = after.difference(from: before)
            #expect(difference.kept == before.links)
            #expect(difference.made.allSatisfy { $0.route == "another" })
        }
    }
}
