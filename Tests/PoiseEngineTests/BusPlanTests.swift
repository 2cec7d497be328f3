import PoiseEngine
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// A policy of plugins with the given names, and routes.
func busPolicy(_ names: [String], _ routes: [BusRoute]) -> Policy {
    var policy = Policy(
        name: "bus", features: names.map { feature($0, performance: cores(0, 1, 1)) })
    policy.bus = BusPolicy(routes: routes)
    return policy
}

func busID(_ name: String) -> FeatureID {
    guard let id = FeatureID(name) else { preconditionFailure(name) }
    return id
}

/// Where messages go, case by case.
@Suite struct BusPlanTests {
    private let machine = PoiseTestSupport.machine([CoreGroup(4)])

    private func plan(
        _ policy: Policy, running: [String] = [], canaries: [BusCanary] = [],
        after old: BusPlan? = nil, holding: Set<String>? = nil
    ) -> BusPlan {
        let existing = old?.links ?? []
        return BusPlan(
            policy: policy, plan: nil, machine: machine, running: Set(running.map(busID)),
            canaries: canaries, existing: existing,
            holding: holding ?? Set(existing.map(\.name)))
    }

    /// `a>b 95, a>b.canary 5 | a>c 100`.
    private func words(_ plan: BusPlan, _ sender: String) -> [String] {
        plan.table(of: busID(sender)).rows.map { row in
            row.members.map { member in
                member.map { "\($0.link) \($0.share)" }.joined(separator: ", ")
            }.joined(separator: " | ")
        }
    }

    private func canary(_ name: String, _ share: Int) -> BusCanary {
        BusCanary(feature: busID(name), canary: busID(name + ".canary"), share: share)
    }

    @Test func `a broadcast has a link to each receiver, and a member of its own for each`() {
        let route = BusRoute(name: "r", topics: ["t"], from: [busID("a")])
        let plan = plan(busPolicy(["c", "a", "b"], [route]))
        #expect(plan.links.map(\.name) == ["r:a>b", "r:a>c"])
        #expect(words(plan, "a") == ["r:a>b 100 | r:a>c 100"])
        #expect(plan.tables.count == 1)
        #expect(
            plan.arenas == [BusArena(owner: busID("a"), readers: [busID("b"), busID("c")])])
        #expect(plan.links(from: busID("a")).count == 2)
        #expect(plan.links(to: busID("c")).map(\.name) == ["r:a>c"])
        #expect(plan[link: "r:a>b"]?.producerIndex(of: busID("a")) == nil)
    }

    @Test func `what a route leaves out is every plugin, and nobody else`() {
        var policy = busPolicy(["a", "b"], [BusRoute(name: "r", topics: ["t"])])
        var tool = feature("tool")
        tool.source = .command(["sleep", "1"])
        var web = feature("web")
        web.source = .unit("nginx.service")
        policy.features += [tool, web]
        #expect(plan(policy).links.map(\.name) == ["r:a>b", "r:b>a"])
    }

    @Test func `a policy without routes makes nothing`() {
        #expect(plan(busPolicy(["a", "b"], [])) == BusPlan())
        let alone = BusRoute(name: "r", topics: ["t"], from: [busID("a")], to: [busID("a")])
        #expect(plan(busPolicy(["a", "b"], [alone])) == BusPlan())
    }

    @Test func `a link is as its route says`() throws {
        let route = BusRoute(
            name: "r", topics: ["t"], from: [busID("a")], full: .spill(mostBytes: 1 << 30),
            ringBytes: 8192, wait: .spin)
        let link = try #require(plan(busPolicy(["a", "b"], [route])).links.first)
        #expect(
            link
                == BusLink(
                    route: "r", isShared: false,
                    producers: [BusLink.Producer(feature: busID("a"), index: 0)],
                    addressee: busID("b"), consumer: busID("b"), ringBytes: 8192,
                    full: .spill(mostBytes: 1 << 30), wait: .spin, node: nil))
    }

    @Test func `any of several is one member, in which who runs has a share`() {
        let route = BusRoute(name: "r", topics: ["t"], from: [busID("a")], delivery: .any)
        let policy = busPolicy(["a", "b", "c"], [route])
        #expect(words(plan(policy, running: ["b", "c"]), "a") == ["r:a>b 100, r:a>c 100"])
        #expect(words(plan(policy, running: ["c"]), "a") == ["r:a>b 0, r:a>c 100"])
        // While none runs, messages wait for all of them.
        #expect(words(plan(policy), "a") == ["r:a>b 100, r:a>c 100"])
    }

    @Test func `senders that share a ring have a number each, and keep it`() throws {
        let route = BusRoute(
            name: "r", topics: ["t"], from: [busID("b"), busID("d")], to: [busID("z")],
            isShared: true)
        let first = plan(busPolicy(["b", "d", "z"], [route]))
        let link = try #require(first[link: "r:*>z"])
        #expect(first.links.count == 1)
        #expect(link.producerIndex(of: busID("b")) == 0)
        #expect(link.producerIndex(of: busID("d")) == 1)
        #expect(words(first, "b") == words(first, "d"))
        // a comes, b goes, and comes again.
        var other = route
        other.from = [busID("a"), busID("d")]
        let second = plan(busPolicy(["a", "b", "d", "z"], [other]), after: first)
        let changed = try #require(second[link: "r:*>z"])
        #expect(changed.producers.map(\.feature.name) == ["b", "d", "a"])
        #expect(changed.producers.map(\.writes) == [false, true, true])
        let third = plan(busPolicy(["b", "d", "z"], [route]), after: second)
        #expect(third[link: "r:*>z"]?.producerIndex(of: busID("b")) == 0)
        #expect(second.difference(from: first).changed.map(\.name) == ["r:*>z"])
        // Who is to receive does not write into its own ring.
        var all = route
        (all.from, all.to) = ([], [])
        let every = plan(busPolicy(["b", "d", "z"], [all]))
        #expect(every.links.map(\.name) == ["r:*>b", "r:*>d", "r:*>z"])
        #expect(every[link: "r:*>d"]?.producers.map(\.feature.name) == ["b", "z"])
    }

    @Test func `a canary has its share of what its feature gets, and sends the same`() {
        let routes = [
            BusRoute(name: "in", topics: ["i"], from: [busID("a")], to: [busID("f")]),
            BusRoute(name: "out", topics: ["o"], from: [busID("f")], to: [busID("z")]),
        ]
        let policy = busPolicy(["a", "f", "z"], routes)
        let all = ["a", "f", "f.canary", "z"]
        for share in [5, 25, 50, 75, 100] {
            let plan = plan(policy, running: all, canaries: [canary("f", share)])
            #expect(
                words(plan, "a") == ["in:a>f \(100 - share), in:a>f.canary \(share)"])
            #expect(words(plan, "f") == ["out:f>z 100"])
            #expect(words(plan, "f.canary") == ["out:f.canary>z 100"])
        }
        let begins = plan(policy, running: ["a", "f", "z"], canaries: [canary("f", 5)])
        #expect(words(begins, "a") == ["in:a>f 100, in:a>f.canary 0"])
        let takesOver = plan(policy, running: ["a", "f.canary"], canaries: [canary("f", 75)])
        #expect(words(takesOver, "a") == ["in:a>f 0, in:a>f.canary 100"])
        let none = plan(policy, running: [], canaries: [canary("f", 75)])
        #expect(words(none, "a") == ["in:a>f 100, in:a>f.canary 0"])
    }

    @Test func `canaries are known by name in the policy in effect too`() {
        let given = busPolicy(["a", "f"], [BusRoute(name: "r", topics: ["t"])])
        var inEffect = given
        inEffect.features.append(feature("f.canary"))
        let canaries = [canary("f", 25)]
        #expect(plan(given, canaries: canaries) == plan(inEffect, canaries: canaries))
        #expect(plan(given, canaries: canaries)[link: "r:f.canary>f"] == nil)
    }

    @Test func `what lies in a canary's link is its feature's once the canary is gone`() {
        let route = BusRoute(name: "r", topics: ["t"])
        let policy = busPolicy(["a", "f"], [route])
        let during = plan(policy, running: ["a", "f", "f.canary"], canaries: [canary("f", 50)])
        #expect(during.links.count == 4)
        let held: Set = ["r:a>f.canary", "r:f.canary>a"]
        let after = plan(policy, running: ["a", "f"], after: during, holding: held)
        #expect(after.links.map(\.name) == ["r:a>f", "r:a>f.canary", "r:f.canary>a", "r:f>a"])
        #expect(after[link: "r:a>f.canary"]?.consumer == busID("f"))
        #expect(after[link: "r:f.canary>a"]?.consumer == busID("a"))
        #expect(after.links.filter(\.isDraining).map(\.name) == held.sorted())
        #expect(after.links(to: busID("f")).count == 2)
        #expect(after.links(from: busID("a")).map(\.name) == ["r:a>f"])
        #expect(words(after, "a") == ["r:a>f 100"])
        #expect(after.tables[busID("f.canary")] == nil)
        // What lies there may still be in the canary's arena.
        #expect(after.arenas.map(\.owner.name) == ["a", "f", "f.canary"])
        let step = after.difference(from: during)
        #expect(step.changed.map(\.name) == held.sorted())
        #expect(step.tables.map(\.name) == ["a", "f.canary"])
        let empty = plan(policy, running: ["a", "f"], after: after, holding: [])
        #expect(empty == plan(policy, running: ["a", "f"]))
        #expect(empty.difference(from: after).dropped.map(\.name) == held.sorted())
    }

    @Test func `a canary that comes again takes up its link`() {
        let policy = busPolicy(["a", "f"], [BusRoute(name: "r", topics: ["t"])])
        let all = ["a", "f", "f.canary"]
        let first = plan(policy, running: all, canaries: [canary("f", 50)])
        let between = plan(policy, running: all, after: first)
        let again = plan(policy, running: all, canaries: [canary("f", 50)], after: between)
        #expect(again == first)
    }

    @Test func `a route that is gone is emptied, and goes with its receiver`() {
        let route = BusRoute(name: "old", topics: ["t"], from: [busID("a")])
        let before = plan(busPolicy(["a", "b", "c"], [route]))
        var renamed = route
        renamed.name = "new"
        let after = plan(busPolicy(["a", "b"], [renamed]), after: before)
        #expect(after.links.map(\.name) == ["new:a>b", "old:a>b"])
        #expect(after[link: "old:a>b"]?.isDraining == true)
        #expect(words(after, "a") == ["new:a>b 100"])
        let step = after.difference(from: before)
        #expect(step.made.map(\.name) == ["new:a>b"])
        #expect(step.dropped.map(\.name) == ["old:a>c"])
        #expect(plan(busPolicy(["a", "b"], [renamed]), after: after, holding: []).links.count == 1)
    }

    @Test func `a ring in use keeps its size and protocol, one that is empty takes the new ones`() {
        let route = BusRoute(name: "r", topics: ["t"], from: [busID("a")])
        let before = plan(busPolicy(["a", "b"], [route]))
        var other = route
        other.ringBytes = 1 << 20
        other.full = .dropOldest
        other.wait = .block
        let policy = busPolicy(["a", "b"], [other])
        let used = plan(policy, after: before)
        #expect(used.links.map(\.ringBytes) == [route.ringBytes])
        #expect(used.links.map(\.full) == [route.full])
        #expect(used.links.map(\.wait) == [.block])
        #expect(used.difference(from: before).changed.count == 1)
        let empty = plan(policy, after: used, holding: [])
        #expect(empty.links.map(\.ringBytes) == [1 << 20])
        #expect(empty.links.map(\.full) == [.dropOldest])
        #expect(empty.difference(from: used).remade.count == 1)
        // What the sides can be told anew counts at once.
        other = route
        other.full = .dropNewest
        #expect(plan(busPolicy(["a", "b"], [other]), after: before).links[0].full == .dropNewest)
    }

    @Test func `nothing is to be done where nothing has changed`() {
        let plan = plan(busPolicy(["a", "b"], [BusRoute(name: "r", topics: ["t"])]))
        let difference = plan.difference(from: plan)
        #expect(difference.isEmpty && difference.kept.count == 2)
        let all = plan.difference(from: BusPlan())
        #expect(all.made.count == 2 && all.tables.count == 2)
    }
}

/// What is kept of the bus, and read again.
@Suite struct BusCodingTests {
    private func kept() throws -> (policy: Policy, plan: BusPlan) {
        var policy = busPolicy(
            ["a", "b", "c"],
            [
                BusRoute(
                    name: "r", topics: ["t"], delivery: .any,
                    preference: BusPreference(coreClass: .efficiency, sameNode: true)),
                BusRoute(name: "s", topics: ["u"], full: .dropNewest, isShared: true),
                BusRoute(name: "z", topics: ["v"], full: .spill(mostBytes: 1 << 30)),
            ])
        policy.bus.arenaBytes = 0
        return (
            policy,
            BusPlan(
                policy: policy, plan: nil, machine: PoiseTestSupport.machine([CoreGroup(2)]),
                running: [])
        )
    }

    @Test func `policy and plan are read as they were written`() throws {
        let (policy, plan) = try kept()
        #expect(
            try JSONDecoding.decode(Policy.self, from: try JSONEncoding.encode(policy)) == policy)
        #expect(
            try JSONDecoding.decode(BusPlan.self, from: try JSONEncoding.encode(plan)) == plan)
    }

    @Test(arguments: [
        ("\"ringBytes\":262144", "\"ringBytes\":262143"),
        ("\"ringBytes\":262144", "\"ringBytes\":1"),
        ("\"index\":0", "\"index\":64"), ("\"index\":0", "\"index\":1"),
        ("r:a>b", "r:a>c"), ("\"node\":1", "\"node\":-1"),
    ])
    func `a link that cannot be is refused`(good: String, bad: String) throws {
        var link = try #require(try kept().plan.links.first)
        link.node = 1
        let text = try JSONEncoding.encode(link).description
        #expect(text.contains(good), "\(text)")
        let json = try JSON.parse(text.replacing(good, with: bad))
        #expect(throws: CodingProblem.self) { try JSONDecoding.decode(BusLink.self, from: json) }
    }

    @Test(arguments: [
        ("\"ringBytes\":262144", "\"ringBytes\":3"), ("\"arenaBytes\":0", "\"arenaBytes\":7"),
        ("\"topics\":[\"u\"]", "\"topics\":[]"), ("\"topics\":[\"u\"]", "\"topics\":[\"a b\"]"),
        ("\"name\":\"s\"", "\"name\":\"zz\""), ("\"name\":\"s\"", "\"name\":\"a>b\""),
        ("\"mostBytes\":1073741824", "\"mostBytes\":1"),
    ])
    func `a policy whose bus cannot be is refused`(good: String, bad: String) throws {
        let text = try JSONEncoding.encode(try kept().policy).description
        #expect(text.contains(good), "\(text)")
        let json = try JSON.parse(text.replacing(good, with: bad))
        #expect(throws: CodingProblem.self) { try JSONDecoding.decode(Policy.self, from: json) }
    }
}

/// Who is taken first.
@Suite struct BusPreferenceTests {
    /// Two nodes of two performance cores (0, 1 and 4, 5) and two efficiency cores each.
    private let machine = PoiseTestSupport.machine(
        nodes: 2, [CoreGroup(2, .performance), CoreGroup(2, .efficiency)])

    /// a and b on node 0, c and d on node 1; b and d on efficiency cores, c with an accelerator.
    private var places: AllocationPlan {
        var (first, second) = (PerClass<Int>.zero, PerClass<Int>.zero)
        first.performance = 1000
        second.efficiency = 1000
        let npu = AcceleratorShare(id: "npu0", bytes: 0, sharePercent: 50)
        return AllocationPlan(
            machine: "test", policy: "bus",
            features: [
                ResourceAllocation(
                    feature: busID("a"), exclusive: [0], millicores: first, nodes: [0]),
                ResourceAllocation(
                    feature: busID("b"), shared: [2, 3], millicores: second, nodes: [0]),
                ResourceAllocation(
                    feature: busID("c"), exclusive: [4], borrowed: [0, 1], millicores: first,
                    nodes: [1], accelerators: [npu]),
                ResourceAllocation(
                    feature: busID("d"), shared: [6], millicores: second, nodes: [0, 1]),
            ])
    }

    private func takers(
        _ preference: BusPreference, running: [String] = ["a", "b", "c", "d"],
        hasPlan: Bool = true
    ) -> [String] {
        let route = BusRoute(
            name: "r", topics: ["t"], from: [busID("a")], delivery: .any, preference: preference)
        let plan = BusPlan(
            policy: busPolicy(["a", "b", "c", "d"], [route]), plan: hasPlan ? places : nil,
            machine: machine, running: Set(running.map(busID)))
        let members = plan.table(of: busID("a")).rows.flatMap(\.members)
        #expect(members.count == 1 && members[0].count == 3)
        return members.joined().filter { $0.share == 100 }.map { String($0.link.dropFirst(4)) }
    }

    @Test(arguments: [
        (BusPreference(), ["b", "c", "d"]),
        (BusPreference(coreClass: .efficiency), ["b", "d"]),
        (BusPreference(coreClass: .performance), ["c"]),
        (BusPreference(sameNode: true), ["b"]),
        (BusPreference(accelerated: true), ["c"]),
        (BusPreference(coreClass: .efficiency, sameNode: true), ["b"]),
        // Nobody is all of this, and nobody is left out.
        (BusPreference(sameNode: true, accelerated: true), ["b", "c", "d"]),
        (BusPreference(coreClass: .lowPower), ["b", "c", "d"]),
    ])
    func `who is as preferred gets all while there is one`(
        preference: BusPreference, names: [String]
    ) {
        #expect(takers(preference) == names)
    }

    @Test func `who is preferred and does not run leaves it to who runs`() {
        #expect(takers(BusPreference(sameNode: true), running: ["a", "c", "d"]) == ["c", "d"])
        #expect(takers(BusPreference(sameNode: true), running: ["a"]) == ["b"])
        #expect(takers(BusPreference(sameNode: true), hasPlan: false) == ["b", "c", "d"])
    }

    @Test func `a link's memory belongs to the node of who reads, where there is more than one`() {
        let policy = busPolicy(["a", "b", "c", "d"], [BusRoute(name: "r", topics: ["t"])])
        func nodes(_ machine: Machine) -> [Int?] {
            BusPlan(policy: policy, plan: places, machine: machine, running: [])
                .links(from: busID("a")).map(\.node)
        }
        #expect(nodes(machine) == [0, 1, 1])
        #expect(nodes(PoiseTestSupport.machine([CoreGroup(8)])) == [nil, nil, nil])
    }
}
