import PoiseModel
import PoiseWire
import Testing

@Suite struct SensingTests {
    private static let busy = "while :; do :; done"

    @Test("what a feature does is seen, and what another does not do")
    func looks() throws {
        let daemon = try DaemonUnderTest(
            commandPolicy([
                ("busy", 50, Self.busy, "{ min: 0.2, want: 0.3, max: 1 }"),
                ("asleep", 50, "exec sleep 1000", "{ min: 0.1, want: 0.2, max: 1 }"),
            ]))
        try daemon.waitForState("busy", "running")
        try daemon.waitForState("asleep", "running")
        try daemon.wait("the load of busy is seen") {
            (try load("busy", daemon)?["usedMillicores"]?.integer ?? 0) > 50
        }
        #expect((try load("asleep", daemon)?["usedMillicores"]?.integer ?? 1000) < 50)
        #expect((try load("busy", daemon)?["memoryBytes"]?.integer ?? 0) > 0)
        let sensing = try daemon.call(.status).parameters["sensing"]
        #expect(sensing?["cadence"] == "active")
        // Regular looks: more than the one a second.
        let (first, start) = try looks(daemon)
        try daemon.wait("twenty looks more") { try looks(daemon).0 >= first + 20 }
        let (last, end) = try looks(daemon)
        #expect(Double(last - first) / (end - start) > 1.5)
        // Nothing to say of cgroups under affinity: unknown, and not 0.
        #expect(try load("busy", daemon)?["throttledPerMille"] == .null)
        #expect(try load("busy", daemon)?["cpuPressurePerMille"] == .null)
    }

    @Test("a change of CPUs is timed, with the threads that it moved")
    func reaction() throws {
        let policy = commandPolicy([
            ("a", 50, "exec sleep 1000", "{ min: 0.1, want: 0.2, max: 1 }")
        ])
        let daemon = try DaemonUnderTest(policy)
        try daemon.waitForState("a", "running")
        let before = try reaction(daemon, "apply")?["count"]?.integer ?? -1
        let other = policy.replacing("want: 0.2", with: "want: 0.4")
        let reply = try daemon.call(
            .policyApply, ["path": .string(daemon.policyPath), "text": .string(other)])
        #expect(reply.failure == nil)
        try daemon.wait("the change is applied") {
            (try reaction(daemon, "apply")?["count"]?.integer ?? -1) > before
        }
        let apply = try reaction(daemon, "apply")
        let most = try #require(apply?["maxMicroseconds"]?.number)
        #expect(most > 0)
        #expect((apply?["p50Microseconds"]?.number ?? .infinity) <= most)
        #expect((try reaction(daemon, "turn")?["count"]?.integer ?? 0) > 0)
        #expect(try reaction(daemon, "need")?["count"] == 0)
    }

    private func load(_ feature: String, _ daemon: DaemonUnderTest) throws -> JSON? {
        try daemon.status(of: feature)?["load"]
    }

    private func reaction(_ daemon: DaemonUnderTest, _ name: String) throws -> JSON? {
        try daemon.call(.status).parameters["reaction"]?[name]
    }

    private func looks(_ daemon: DaemonUnderTest) throws -> (Int, Double) {
        let status = try daemon.call(.status).parameters
        return (
            try #require(status["sensing"]?["looks"]?.integer),
            try #require(status["uptimeSeconds"]?.number)
        )
    }
}
