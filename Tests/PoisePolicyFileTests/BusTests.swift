import PoiseModel
import PoisePolicyFile
import Testing

@Suite("The bus in a policy")
struct BusTests {
    /// A policy with plugins a, b and c, a command and a unit; `bus` begins in line 10.
    private func text(_ bus: String) -> String {
        """
        version: 1
        name: p
        reserve: { cores: 1 }
        features:
          a: { plugin: streaming, cores: { performance: 1 } }
          b: { plugin: streaming, cores: { performance: 1 } }
          c: { plugin: streaming, cores: { performance: 1 } }
          tool: { command: [sleep, "60"], cores: { performance: 1 } }
          web: { unit: nginx.service, cores: { performance: 1 } }
        \(bus)
        """
    }

    private func bus(_ lines: String) throws -> BusPolicy {
        let reading = Policy.read(Array(text(lines).utf8), name: "p.yaml")
        #expect(reading.mistakes == [])
        return try #require(reading.policy, "\(reading.mistakes)").bus
    }

    /// What is told of one route `r` with these keys, without the file's name; it is in line 10.
    private func told(route keys: String) -> [String] {
        told("bus: { routes: { r: { \(keys) } } }")
    }

    private func told(_ lines: String) -> [String] {
        mistakes(in: text(lines)).map { String($0.dropFirst("p.yaml:".count)) }
    }

    private func id(_ name: String) throws -> FeatureID { try #require(FeatureID(name)) }

    @Test func `every key of a route is read as it is meant`() throws {
        let bus = try bus(
            """
            bus:
              arena: 1GiB
              routes:
                work:
                  topics: [b/2, a.1]
                  from: [b, a]
                  to: c
                  deliver: any
                  prefer: { cores: efficiency, node: same, accelerator: true }
                  full: dropNewest
                  ring: 4KiB
                  wait: spin
                  producers: many
                plain: { topics: windows }
            """)
        #expect(bus.arenaBytes == 1 << 30)
        #expect(
            bus.routes == [
                BusRoute(name: "plain", topics: ["windows"]),
                BusRoute(
                    name: "work", topics: ["a.1", "b/2"], from: [try id("a"), try id("b")],
                    to: [try id("c")], delivery: .any,
                    preference: BusPreference(
                        coreClass: .efficiency, sameNode: true, accelerated: true),
                    full: .dropNewest, ringBytes: 4096, wait: .spin, isShared: true),
            ])
    }

    @Test(arguments: [
        ("block 100ms", FullRing.block(.milliseconds(100))), ("block 0", .block(.zero)),
        ("\"block  2s\"", .block(.seconds(2))), ("dropOldest", .dropOldest),
        ("dropNewest", .dropNewest), ("spill 1GiB", .spill(mostBytes: 1 << 30)),
    ])
    func `every rule for a full ring is read as it is meant`(text: String, rule: FullRing) throws {
        let bus = try bus("bus: { routes: { r: { topics: t, full: \(text) } } }")
        #expect(bus.routes.first?.full == rule)
    }

    @Test func `a policy that says nothing of the bus has no routes`() throws {
        #expect(try bus("") == BusPolicy())
        #expect(try bus("bus: { arena: 0 }") == BusPolicy(arenaBytes: 0))
        #expect(try bus("bus: { routes: {} }") == BusPolicy())
    }

    @Test(arguments: [
        ("to: b", "10:18: error: bus.routes.r has no topics (name at least one, such as"),
        ("topics: []", "10:31: error: bus.routes.r.topics is an empty list (name at least one"),
        ("topics: {}", "10:31: error: bus.routes.r.topics must be a name or a list of names, not"),
        ("topics: [a, [b]]", "10:35: error: bus.routes.r.topics[1] must be a text, not a list"),
        ("topics: [3]", "10:32: error: bus.routes.r.topics[0] must be a text, not the number 3"),
        ("topics: [a b]", "10:32: error: 'a b' cannot name a topic (1 to 64 of a-z A-Z 0-9 - _ ."),
        ("topics: [a, b, a]", "10:38: error: bus.routes.r.topics[2]: 'a' is named twice"),
        ("topics: t, form: a", "10:34: error: unknown key 'form' in bus.routes.r; did you mean"),
        ("topics: t, from: []", "(leave the key out for every feature)"),
        (
            "topics: t, from: [a, bb]",
            "10:44: error: bus.routes.r.from[1]: there is no feature 'bb'; did you mean 'b'?"
        ),
        ("topics: t, to: d", "10:38: error: bus.routes.r.to: there is no feature 'd'; did you"),
        (
            "topics: t, to: tool",
            "'tool' is a command, and only plugins speak on the bus (leave it out)"
        ),
        ("topics: t, from: [web]", "'web' is a unit, and only plugins speak on the bus"),
        ("topics: t, from: [a, a]", "bus.routes.r.from[1]: 'a' is named twice"),
        ("topics: t, deliver: all", "10:43: error: bus.routes.r.deliver cannot be 'all'"),
        (
            "topics: t, prefer: { node: same }",
            "10:34: error: bus.routes.r.prefer means nothing without deliver: any"
        ),
        (
            "topics: t, deliver: anny, prefer: { node: same }",
            "10:43: error: bus.routes.r.deliver cannot be 'anny'; did you mean 'any'?"
        ),
        (
            "topics: t, deliver: any, prefer: {}",
            "bus.routes.r.prefer must give one of cores, node, accelerator"
        ),
        ("topics: t, deliver: any, prefer: { node: other }", "prefer.node cannot be 'other'"),
        ("topics: t, deliver: any, prefer: { cores: fast }", "prefer.cores cannot be 'fast'"),
        ("topics: t, full: wait", "10:40: error: bus.routes.r.full cannot be 'wait'; known are"),
        ("topics: t, full: blok 1s", "cannot be 'blok 1s'; did you mean 'block'?"),
        ("topics: t, full: block", "block needs the longest time that a sender waits (write block"),
        ("topics: t, full: block 1s 2s", "block needs the longest time that a sender waits"),
        ("topics: t, full: block 10", "'10' has no unit (write it as 50us, 100ms"),
        ("topics: t, full: spill", "spill needs the most bytes on disk (write spill 1GiB)"),
        ("topics: t, full: spill 1kB", "spill takes from 1MiB to 1TiB, not 1kB"),
        ("topics: t, full: dropOldest 3", "dropOldest takes no amount (write dropOldest alone)"),
        (
            "topics: t, full: dropOldest, producers: many",
            "10:40: error: bus.routes.r.full: dropOldest is not supported with producers: many"
        ),
        ("topics: t, full: spill 1GiB, producers: many", "spill is not supported with producers"),
        ("topics: t, producers: two", "bus.routes.r.producers cannot be 'two'"),
        ("topics: t, wait: 3", "bus.routes.r.wait cannot be '3'"),
        (
            "topics: t, ring: 100KiB",
            "10:40: error: bus.routes.r.ring must be a power of two from 4KiB to 64MiB, not 100KiB "
                + "(write 64KiB or 128KiB)"
        ),
        ("topics: t, ring: 0", "not 0 (write 4KiB)"),
        ("topics: t, ring: 1GB", "not 1GB (write 64MiB)"),
        ("topics: t, ring: 64", "'64' has no unit"),
    ])
    func `what a route cannot mean is told with its place`(keys: String, says: String) {
        let told = told(route: keys)
        #expect(told.count == 1, "\(told)")
        #expect(told.allSatisfy { $0.contains(says) }, "\(told)")
        #expect(told.allSatisfy { $0.hasPrefix("10:") }, "\(told)")
    }

    @Test(arguments: [
        ("bus:", "10:1: error: bus is empty (leave the key out or give it a value)"),
        ("bus: []", "10:6: error: bus must be a mapping of keys to values, not a list"),
        ("bus: { route: {} }", "10:8: error: unknown key 'route' in bus; did you mean 'routes'?"),
        ("bus: { arena: 1kB }", "10:15: error: bus.arena must be 0 or from 1MiB to 16GiB, not 1kB"),
        ("bus: { arena: 64 }", "10:15: error: bus.arena: '64' has no unit"),
        ("bus: { routes: { a>b: { topics: t } } }", "10:18: error: 'a>b' cannot name a route"),
        (
            "bus: { routes: { r: { topics: t }, r: { topics: u } } }",
            "10:36: error: the route 'r' was already given in line 10"
        ),
        (
            "bus: { routes: { r: { topics: [costarring, liquid] } } }",
            "10:44: error: bus.routes.r.topics[1]: the topics 'liquid' and 'costarring' have the "
                + "same number on the bus"
        ),
        (
            "bus: { routes: { r: { topics: zinke }, s: { topics: [x, altarage] } } }",
            "10:57: error: bus.routes.s.topics[1]: the topics 'altarage' and 'zinke' have the same"
        ),
        (
            "bus: { routes: { r: { topics: [t, u] }, s: { topics: [v, t], to: c } } }",
            "10:58: error: bus.routes.s.topics[1]: 't' goes from a to c by the route r too, so "
                + "that it would come twice (leave it out of one of them)"
        ),
        (
            "bus: { routes: { r: { topics: t, from: [a], to: [b, c], deliver: any }, "
                + "s: { topics: t, from: [a], to: b } } }",
            "'t' goes from a to b by the route r too"
        ),
    ])
    func `what does not fit together is told with its place`(lines: String, says: String) {
        let told = told(lines)
        #expect(told.count == 1, "\(told)")
        #expect(told.allSatisfy { $0.hasPrefix("10:") && $0.contains(says) }, "\(told)")
    }

    @Test(arguments: [
        "r: { topics: t, from: a, to: b }, s: { topics: t, from: a, to: c }",
        "r: { topics: t, from: a, to: b }, s: { topics: t, from: b, to: a }",
        "r: { topics: t, from: [a, b], to: a }, s: { topics: t, from: [a, c], to: [b] }",
    ])
    func `one topic may go by several routes that share no sender and receiver`(routes: String) {
        let errors = told("bus: { routes: { \(routes) } }").filter { $0.contains("error") }
        #expect(errors == [])
    }

    @Test func `a route without anybody at its end is warned of`() throws {
        #expect(
            told(route: "topics: t, from: a, to: [a]") == [
                "10:18: warning: bus.routes.r leads nowhere: there is no plugin for it but the "
                    + "sender (name another in 'to', or leave the route out)"
            ])
        #expect(
            told(route: "topics: t, from: [a, b], to: b") == [
                "10:44: warning: bus.routes.r.from[1]: b has nobody to send to here but itself"
            ])
        // Commands and units are nobody on the bus when they are not named.
        let alone = text("bus: { routes: { r: { topics: t } } }")
            .split(separator: "\n").filter { !$0.hasPrefix("  b:") && !$0.hasPrefix("  c:") }
        let told = mistakes(in: alone.joined(separator: "\n"))
        #expect(told.count == 1 && told.allSatisfy { $0.contains("leads nowhere") }, "\(told)")
    }

    @Test func `a mistake in a feature makes none on the bus`() {
        let text = text("bus: { routes: { r: { topics: t, from: a, to: b } } }")
            .replacing("b: { plugin: streaming, cores", with: "b: { plugin: [], cores")
        let told = mistakes(in: text)
        #expect(told.count == 1 && told[0].hasPrefix("p.yaml:6:"), "\(told)")
    }

    @Test func `a mistake of one route does not hide that of another`() {
        let told = told(
            "bus: { routes: { r: { topics: t, ring: 5B }, s: { topics: t }, u: { to: x } } }")
        #expect(told.contains { $0.contains("must be a power of two") }, "\(told)")
        #expect(told.contains { $0.contains("come twice") }, "\(told)")
        #expect(told.contains { $0.contains("u has no topics") }, "\(told)")
        #expect(told.contains { $0.contains("no feature 'x'") }, "\(told)")
    }
}

@Suite("Limits of the bus in a policy")
struct BusLimitTests {
    private func told(features: Int, nameLength: Int = 4, bus: String) -> [String] {
        var text = "version: 1\nname: p\nreserve: { cores: 1 }\nfeatures:\n"
        for index in 0..<features {
            text += "  \(name(index, nameLength)): { plugin: streaming, cores: "
            text += "{ performance: 1 } }\n"
        }
        return mistakes(in: text + bus)
    }

    private func name(_ index: Int, _ length: Int) -> String {
        let digits = String(index)
        return "f" + String(repeating: "0", count: length - 1 - digits.count) + digits
    }

    @Test func `there are at most 1024 rings`() {
        // 32 × 31 and 33 × 32 pairs.
        #expect(told(features: 32, bus: "bus: { routes: { r: { topics: t } } }") == [])
        let over = told(features: 33, bus: "bus: { routes: { r: { topics: t } } }")
        #expect(
            over == [
                "p.yaml:38:16: error: bus.routes make 1056 rings (at most 1024; name who sends "
                    + "and who receives, or let senders share a ring with producers: many)"
            ])
        let shared =
            "bus: { routes: { r: { topics: t, producers: many }, "
            + "s: { topics: u, producers: many } } }"
        #expect(told(features: 32, bus: shared) == [])
    }

    @Test func `at most 32 senders share a ring`() {
        let route = "bus: { routes: { r: { topics: t, to: f000, producers: many } } }"
        #expect(told(features: 32, bus: route) == [])
        let over = told(features: 33, bus: route)
        #expect(over.count == 1 && over[0].contains("33 senders are too many"), "\(over)")
    }

    @Test func `at most 256 routes are taken, and 64 topics of each`() {
        func routes(_ count: Int) -> String {
            "bus:\n  routes:\n"
                + (0..<count).map { "    r\($0): { topics: t\($0), from: f000, to: f001 }\n" }
                .joined()
        }
        #expect(told(features: 2, bus: routes(256)) == [])
        #expect(told(features: 2, bus: routes(257))[0].contains("257 routes are too many"))
        func topics(_ count: Int) -> String {
            let list = (0..<count).map { "t\($0)" }.joined(separator: ", ")
            return "bus: { routes: { r: { topics: [\(list)] } } }"
        }
        #expect(told(features: 2, bus: topics(64)) == [])
        #expect(told(features: 2, bus: topics(65))[0].contains("has 65 topics (at most 64"))
    }

    @Test func `a sender has no more topics and receivers than its host can be told`() {
        let bus = "bus: { routes: { r: { topics: t, from: FIRST } } }"
        func told(_ features: Int) -> [String] {
            self.told(
                features: features, nameLength: 64,
                bus: bus.replacing("FIRST", with: name(0, 64)))
        }
        #expect(told(100) == [])
        let over = told(200)
        #expect(over.count == 1 && over[0].contains("than its host can be told"), "\(over)")
    }

    @Test func `a thousand features and all the routes there can be are checked without a wait`() {
        var bus = "bus:\n  routes:\n"
        for index in 0..<256 {
            bus += "    r\(index): { topics: [" + (0..<64).map { "t\($0)" }.joined(separator: ", ")
            bus += "] }\n"
        }
        let told = told(features: 1024, nameLength: 5, bus: bus)
        #expect(told.contains { $0.contains("rings (at most 1024") })
        #expect(told.count <= 1001)
    }

    @Test func `routes that share all topics and nobody are checked without a wait`() {
        var bus = "bus:\n  routes:\n"
        let topics = (0..<64).map { "t\($0)" }.joined(separator: ", ")
        for index in 0..<256 {
            bus += "    r\(index): { topics: [\(topics)], from: \(name(index, 5)), to: "
            bus += "\(name(index + 256, 5)) }\n"
        }
        #expect(told(features: 512, nameLength: 5, bus: bus) == [])
    }
}
