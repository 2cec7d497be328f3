import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseDaemon

/// Real plugins that share a ring (`producers: many`), over the bus of a real daemon.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct SharedRingDaemonTests {
    private static func policy(_ senders: [(name: String, plugin: String)]) -> String {
        let cores = "cores: { performance: { min: 0.1, want: 0.2, max: 1 } }"
        let features = senders.map { "  \($0.name):\n    plugin: \($0.plugin)\n    \(cores)\n" }
        let from = senders.map(\.name).joined(separator: ", ")
        return """
            version: 1
            name: share
            reserve: { cores: 0.1 }
            features:
              listener:
                plugin: bus_listener
                \(cores)
            \(features.joined())
            bus:
              routes:
                counting: { topics: [numbers], from: [\(from)], to: [listener], producers: many }

            """
    }

    private static let link = "counting:*>listener"

    private func start(_ first: String = "bus_talker") throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        try TestPlugins.build("bus_talker", into: folder, ["TAGGED"])
        try TestPlugins.build(
            "bus_talker", into: folder, as: "bus_holder", ["TAGGED", "HOLDS=200"])
        try TestPlugins.build(
            "bus_talker", into: folder, as: "bus_spoiler", ["TAGGED", "SPOILS=400"])
        try TestPlugins.build("bus_listener", into: folder)
        let daemon = try DaemonUnderTest(
            Self.policy([("one", first), ("two", "bus_talker")]),
            folder: folder)
        for feature in ["one", "two"] { try daemon.waitForState(feature, "running") }
        return daemon
    }

    private func numbers(_ daemon: DaemonUnderTest, _ path: String) -> [UInt64] {
        guard let file = fopen("\(daemon.folder)/state/\(path)", "r") else { return [] }
        defer { fclose(file) }
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        while fread(&number, 8, 1, file) == 1 { numbers.append(number) }
        return numbers
    }

    /// What came, of each process that sent, in the order in which it came.
    private func parts(_ daemon: DaemonUnderTest) -> [UInt64: [UInt64]] {
        Dictionary(grouping: numbers(daemon, "listener/seen")) { $0 >> 32 }
            .mapValues { $0.map { $0 & 0xFFFF_FFFF } }
    }

    private func counters(_ daemon: DaemonUnderTest) throws -> JSON {
        let links = try daemon.call(.busCounters).parameters["links"]?.array ?? []
        #expect(links.map { $0["link"]?.string } == [Self.link])
        return try #require(links.first)
    }

    private func sum(_ counters: JSON, _ key: String) -> Int {
        (counters["lanes"]?.array ?? []).reduce(0) { $0 + ($1[key]?.integer ?? 0) }
    }

    /// Has the senders end, and waits until all that they sent has come.
    private func settle(_ daemon: DaemonUnderTest) throws -> JSON {
        for feature in ["one", "two"] {
            _ = try daemon.call(.featureStop, ["feature": .string(feature)])
            try daemon.waitForState(feature, "stopped")
        }
        try daemon.wait("all has come") { try counters(daemon)["depth"]?.integer == 0 }
        return try counters(daemon)
    }

    /// Kills a feature's process, and waits for its next one.
    private func killOnce(_ daemon: DaemonUnderTest, _ feature: String) throws {
        let pid = try #require(try daemon.pid(feature))
        kill(pid, SIGKILL)
        try daemon.wait("another one runs") {
            try daemon.state(feature) == "running" && daemon.pid(feature) != pid
        }
    }

    @Test func `of two senders one is killed again and again, and nothing is lost`() throws {
        let daemon = try start()
        try daemon.wait("both send") { parts(daemon).count == 2 }
        for round in 1...3 {
            try killOnce(daemon, "one")
            try daemon.wait("the next one sends") { parts(daemon).count == 2 + round }
        }
        let counted = try settle(daemon)
        let came = parts(daemon)
        #expect(came.count == 5)
        // Each process's messages are whole and in order up to where it ended.
        for (_, part) in came { #expect(part == (0..<UInt64(part.count)).map(\.self)) }
        let sent = try ["one", "two"].map { try #require(numbers(daemon, "\($0)/sent").first) }
        let counts = came.values.map { UInt64($0.count) }
        for number in sent { #expect(counts.contains(number)) }
        #expect(sum(counted, "sent") == counts.reduce(0) { $0 + Int($1) })
        #expect(sum(counted, "taken") == sum(counted, "sent"))
        #expect(counted["from"]?.array == ["one", "two"])
        #expect(!daemon.log.contains("counting"), "\(daemon.log)")
    }

    @Test func `who is killed in the middle of a message holds up others only until then`() throws {
        let daemon = try start("bus_holder")
        try daemon.wait("it holds a message") {
            access("\(daemon.folder)/state/one/held", F_OK) == 0
        }
        try daemon.wait("others wait behind it") {
            try counters(daemon)["depth"]?.integer ?? 0 > 100
        }
        let before = parts(daemon)
        #expect(before.values.contains((0..<200).map(UInt64.init)))
        usleep(100_000)
        #expect(parts(daemon) == before)
        try killOnce(daemon, "one")
        try daemon.wait("three have sent") { parts(daemon).count == 3 }
        let counted = try settle(daemon)
        let came = parts(daemon)
        for (_, part) in came { #expect(part == (0..<UInt64(part.count)).map(\.self)) }
        #expect(came.values.contains { $0.count == 200 })
        #expect(sum(counted, "sent") == came.values.reduce(0) { $0 + $1.count })
    }

    @Test func `a receiver that is killed loses nothing, and no one can follow its ring`() throws {
        let daemon = try start()
        try daemon.wait("both send") { parts(daemon).count == 2 }
        try killOnce(daemon, "listener")
        let reply = try daemon.call(.busTrace, ["topic": "numbers"])
        #expect(reply.failure == .refused)
        #expect(reply.text.contains("rings that senders share (counting)"), "\(reply.text)")
        let counted = try settle(daemon)
        let came = parts(daemon)
        let sent = try ["one", "two"].map { try Int(#require(numbers(daemon, "\($0)/sent").first)) }
        #expect(came.values.map { Set($0).count }.sorted() == sent.sorted())
        // What was written down and not committed when it was killed came twice.
        #expect(came.values.reduce(0) { $0 + $1.count } - sent.reduce(0, +) <= 1)
        #expect(sum(counted, "sent") == sent.reduce(0, +))
    }

    @Test func `a sender may join and leave a ring while others send`() throws {
        let daemon = try start()
        try daemon.wait("both send") { parts(daemon).count == 2 }
        let senders = [("one", "bus_talker"), ("two", "bus_talker"), ("zero", "bus_talker")]
        try #require(Repository.write(Self.policy(senders), to: daemon.policyPath))
        try daemon.wait("a third one sends") { parts(daemon).count == 3 }
        #expect(try counters(daemon)["from"]?.array == ["one", "two", "zero"])
        try #require(
            Repository.write(Self.policy(Array(senders.dropFirst())), to: daemon.policyPath))
        try daemon.wait("one has left") { try daemon.pid("one") == nil }
        let before = numbers(daemon, "listener/seen").count
        try daemon.wait("others send") { numbers(daemon, "listener/seen").count > before + 200 }
        for feature in ["two", "zero"] {
            _ = try daemon.call(.featureStop, ["feature": .string(feature)])
            try daemon.waitForState(feature, "stopped")
        }
        try daemon.wait("all has come") { try counters(daemon)["depth"]?.integer == 0 }
        let came = parts(daemon)
        for (_, part) in came { #expect(part == (0..<UInt64(part.count)).map(\.self)) }
        let sent = try ["one", "two", "zero"].map {
            try Int(#require(numbers(daemon, "\($0)/sent").first))
        }
        #expect(came.values.map(\.count).sorted() == sent.sorted())
    }

    @Test func `a spoilt ring is made anew for all, and no sender is blamed for another`() throws {
        let daemon = try start("bus_spoiler")
        try daemon.wait("the ring was made anew") {
            try counters(daemon)["incarnation"]?.integer ?? 0 > 1
        }
        try daemon.waitForLog("which of its producers did it is not known")
        let before = parts(daemon)
        try daemon.wait("both send again") {
            let now = parts(daemon)
            return now.count == 2
                && now.allSatisfy { $0.value.count > before[$0.key, default: []].count + 50 }
        }
        for feature in ["one", "two", "listener"] {
            #expect(try daemon.status(of: feature)?["breaker"]?["failures"]?.integer ?? 0 == 0)
            #expect(try daemon.state(feature) == "running")
        }
        for (_, part) in parts(daemon) { #expect(part == part.sorted()) }
    }
}
