import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseDaemon

/// Real plugins that talk over the bus of a real daemon.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct BusDaemonTests {
    private static func policy(
        receivers: [String] = ["listener"], _ route: String = "", breaker: String = ""
    ) -> String {
        let cores = "cores: { performance: { min: 0.1, want: 0.2, max: 1 } }"
        let features = receivers.map {
            "  \($0):\n    plugin: bus_listener\n    \(cores)\n"
        }
        return """
            version: 1
            name: talk
            reserve: { cores: 0.1 }
            features:
              talker:
                plugin: bus_talker
                \(cores)
                \(breaker)
            \(features.joined())
            bus:
              routes:
                counting: { topics: [numbers], from: [talker]\(route) }

            """
    }

    private func start(
        _ policy: String, talker: [String] = [], listener: [String] = [], version: String? = nil
    ) throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        try TestPlugins.build("bus_talker", into: folder, talker)
        try TestPlugins.build("bus_listener", into: folder, listener)
        if let version {
            try TestPlugins.build(
                "bus_listener", into: folder, as: "bus_listener@\(version)", listener)
        }
        let daemon = try DaemonUnderTest(policy, folder: folder)
        try daemon.waitForState("talker", "running")
        return daemon
    }

    /// The numbers in a file of a feature's state folder.
    private func numbers(_ daemon: DaemonUnderTest, _ path: String) -> [UInt64] {
        guard let file = fopen("\(daemon.folder)/state/\(path)", "r") else { return [] }
        defer { fclose(file) }
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        while fread(&number, 8, 1, file) == 1 { numbers.append(number) }
        return numbers
    }

    private func seen(_ daemon: DaemonUnderTest, _ feature: String = "listener") -> [UInt64] {
        numbers(daemon, feature + "/seen")
    }

    /// Has the talker end, and waits until as many messages were seen as it has sent.
    private func settle(
        _ daemon: DaemonUnderTest, _ features: [String] = ["listener"]
    ) throws -> (sent: Int, seen: [UInt64]) {
        _ = try daemon.call(.featureStop, ["feature": "talker"])
        try daemon.waitForState("talker", "stopped")
        let sent = try Int(#require(numbers(daemon, "talker/sent").first))
        try daemon.wait("all of \(sent) messages are there") {
            Set(features.flatMap { seen(daemon, $0) }).count >= sent
        }
        return (sent, features.flatMap { seen(daemon, $0) })
    }

    private func links(_ daemon: DaemonUnderTest) throws -> [JSON] {
        try daemon.call(.busRoutes).parameters["routes"]?.array?
            .flatMap { $0["links"]?.array ?? [] } ?? []
    }

    @Test func `a receiver that is killed again and again loses nothing`() throws {
        let daemon = try start(Self.policy())
        for round in 1...3 {
            try daemon.wait("something came") { seen(daemon).count > 200 * round }
            let pid = try #require(try daemon.pid("listener"))
            kill(pid, SIGKILL)
            try daemon.wait("another one runs") {
                try daemon.state("listener") == "running" && daemon.pid("listener") != pid
            }
        }
        let (sent, came) = try settle(daemon)
        #expect(Set(came) == Set(0..<UInt64(sent)))
        // What was written down and not committed when it was killed came twice.
        #expect(came.count - sent <= 3)
    }

    @Test func `a rollout hands its links over, and no message is lost or comes twice`() throws {
        let daemon = try start(Self.policy(), listener: ["PAUSE=200"], version: "2")
        try daemon.wait("something came") { seen(daemon).count > 100 }
        let reply = try daemon.call(
            .rollout,
            [
                "plugin": "bus_listener", "version": "2", "steps": [50, 100],
                "stepForMilliseconds": 1500, "moreLatencyPercent": 10_000,
                "lessThroughputPercent": 99,
            ])
        try #require(reply.failure == nil, "\(reply.text)")
        try daemon.wait("both versions get something") {
            seen(daemon, "listener.canary").count > 50
        }
        try daemon.wait("the rollout is over") {
            try daemon.call(.rollouts).parameters["rollouts"]?.array?.isEmpty ?? false
        }
        let outcome = try daemon.call(.rollouts).parameters["ended"]?.array?.first
        #expect(outcome?["result"]?.string == "finished")
        let (sent, came) = try settle(daemon, ["listener", "listener.canary"])
        #expect(came.count == sent)
        #expect(Set(came) == Set(0..<UInt64(sent)))
        try daemon.wait("the canary's link is gone") {
            try links(daemon).compactMap { $0["link"]?.string } == ["counting:talker>listener"]
        }
    }

    @Test func `who writes what cannot be is told of, and the ring is made anew`() throws {
        let daemon = try start(
            Self.policy(breaker: "breaker: { failures: 3, within: 60s }"), talker: ["SPOILS=500"])
        try daemon.wait("the ring was made anew") {
            try links(daemon).first?["incarnation"]?.integer ?? 0 > 1
        }
        let before = seen(daemon).count
        #expect(before >= 499)
        try daemon.wait("messages come again") { seen(daemon).count > before + 100 }
        try daemon.waitForLog("bus: counting:talker>listener is damaged")
        try daemon.waitForLog(
            "talker: failed: wrote what cannot be into counting:talker>listener")
        try daemon.wait("it is locked away") {
            try daemon.status(of: "talker")?["breaker"]?["state"]?.string == "quarantined"
        }
        #expect(try daemon.state("listener") == "running")
        #expect(
            try daemon.status(of: "listener")?["breaker"]?["failures"]?.integer == 0)
    }

    @Test func `of several receivers the one whose breaker is open gets nothing meanwhile`() throws
    {
        let daemon = try start(
            Self.policy(receivers: ["one", "two"], ", to: [one, two], deliver: any"))
        try daemon.wait("both get something") {
            seen(daemon, "one").count > 50 && seen(daemon, "two").count > 50
        }
        _ = try daemon.call(.breaker, ["feature": "one", "command": "hold"])
        try daemon.wait("it has ended") { try daemon.pid("one") == nil }
        try daemon.wait("nothing goes there") {
            try links(daemon).first { $0["to"]?.string == "one" }?["shares"]?.array == [0]
        }
        let counts = (seen(daemon, "one").count, seen(daemon, "two").count)
        try daemon.wait("the other gets all") { seen(daemon, "two").count > counts.1 + 300 }
        #expect(seen(daemon, "one").count == counts.0)
        _ = try daemon.call(.breaker, ["feature": "one", "command": "reset"])
        let (sent, came) = try settle(daemon, ["one", "two"])
        #expect(came.count == sent)
        #expect(Set(came).count == sent)
    }

    @Test func `a route may come and go while features run`() throws {
        let daemon = try start(Self.policy())
        try daemon.wait("something came") { seen(daemon).count > 100 }
        let pid = try daemon.pid("talker")
        let without = Self.policy().components(before: "bus:\n")
        try #require(Repository.write(without, to: daemon.policyPath))
        try daemon.wait("no link is left") { try links(daemon).isEmpty }
        let count = seen(daemon).count
        try #require(Repository.write(Self.policy(), to: daemon.policyPath))
        try daemon.wait("messages come again") { seen(daemon).count > count + 100 }
        #expect(try daemon.pid("talker") == pid)
        let numbers = seen(daemon)
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers == numbers.sorted())
    }

    @Test func `what passes is shown, and payloads only to who may change things`() throws {
        let daemon = try start(Self.policy())
        try daemon.wait("something came") { seen(daemon).count > 10 }
        var client = try ControlClient(socket: RuntimeFolder.socket(in: daemon.runtime))
        try client.send(
            ControlCall(
                ControlMethod.busTrace.rawValue,
                ["topic": "numbers", "count": 20, "payload": true], more: true))
        var messages: [JSON] = []
        while messages.count < 20 {
            let reply = try client.next()
            messages += reply.parameters["messages"]?.array ?? []
            #expect(reply.continues == (messages.count < 20))
        }
        let sequences = messages.compactMap { $0["sequence"]?.integer }
        #expect(sequences == Array(sequences[0]..<sequences[0] + 20))
        #expect(messages.allSatisfy { $0["from"]?.string == "talker" && $0["bytes"] == 8 })
        #expect(messages[0]["hex"]?.string?.utf8.count == 16)
        let unknown = try daemon.call(.busTrace, ["topic": "numers"])
        #expect(unknown.failure == .notFound)
        #expect(unknown.text.contains("did you mean 'numbers'?"))
        #expect(try daemon.call(.busTrace, ["topic": "numbers", "count": 0]).failure != nil)
        #expect(ControlMethod.busTrace.needs == .change)
        #expect(ControlMethod.busRoutes.needs == .read)
    }
}

extension String {
    fileprivate func components(before mark: String) -> String {
        var rest = self[...]
        while !rest.isEmpty, !rest.hasPrefix(mark) { rest = rest.dropFirst() }
        return String(dropLast(rest.count))
    }
}
