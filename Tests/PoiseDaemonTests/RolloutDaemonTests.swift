import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseDaemon

/// Rollouts of a real plugin by a real daemon.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct RolloutDaemonTests {
    private static let policy = """
        version: 1
        name: rollouts
        reserve: { cores: 0.1 }
        features:
          app:
            plugin: worker
            cores: { performance: { min: 0.5, want: 1, max: 1 } }
          other:
            command: ["sleep", "600"]
            cores: { performance: { min: 0.1, want: 0.2, max: 0.5 } }

        """

    /// The plain version, and one more.
    private func start(_ version: String, _ definitions: [String]) throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        try TestPlugins.build("worker", into: folder)
        try TestPlugins.build(
            "worker", into: folder, as: "worker@\(version)",
            definitions + ["VERSION=\"\(version)-own\""])
        let daemon = try DaemonUnderTest(Self.policy, folder: folder)
        try daemon.waitForState("app", "running")
        return daemon
    }

    private func begin(
        _ daemon: DaemonUnderTest, _ version: String, steps: [Int] = [50, 100], seconds: Int = 2,
        isLenient: Bool = false
    ) throws {
        let reply = try daemon.call(
            .rollout,
            [
                "plugin": "worker", "version": .string(version),
                "steps": .array(steps.map { .integer($0) }),
                "stepForMilliseconds": .integer(seconds * 1000),
                // What is measured while other tests run beside says little.
                "moreLatencyPercent": .integer(isLenient ? 10_000 : 20),
                "lessThroughputPercent": .integer(isLenient ? 99 : 20),
            ])
        try #require(reply.failure == nil, "\(reply.text)")
    }

    private func outcome(_ daemon: DaemonUnderTest) throws -> JSON? {
        try daemon.call(.rollouts).parameters["ended"]?.array?.first
    }

    /// Hosts of the plugin that live.
    private func hosts(_ daemon: DaemonUnderTest) -> Int {
        ProcessTree.children(of: daemon.child.pid).count { pid in
            ProcessFiles.text("/proc/\(pid)/cmdline")?.contains("libworker") ?? false
        }
    }

    /// Waits for the end of the rollout; gives the fewest hosts that lived on the way.
    private func waitForEnd(_ daemon: DaemonUnderTest) throws -> Int {
        var fewest = Int.max
        try daemon.wait("the rollout is over") {
            fewest = min(fewest, hosts(daemon))
            return try daemon.call(.rollouts).parameters["rollouts"]?.array?.isEmpty ?? false
        }
        return fewest
    }

    @Test func `a good version takes over while one always runs, and back again`() throws {
        let daemon = try start("2", [])
        let first = try daemon.pid("app")
        try begin(daemon, "2", steps: [25, 100], isLenient: true)
        try daemon.waitForState("app.canary", "running")
        #expect(try waitForEnd(daemon) >= 1)
        #expect(try outcome(daemon)?["result"] == "finished", "\(daemon.log)")
        try daemon.wait("the canary is gone") { try daemon.state("app.canary") == nil }
        try daemon.waitForState("app", "running")
        #expect(try daemon.pid("app") != first)
        let plugins = try daemon.call(.plugins).parameters["plugins"]?.array ?? []
        let second = plugins.first { $0["path"]?.string?.hasSuffix("libworker@2.so") ?? false }
        #expect(second?["inForce"] == true)
        #expect(second?["version"] == "2-own")
        #expect(second?["usedBy"]?.array == ["app"])

        let reply = try daemon.call(.rollback, ["plugin": "worker"])
        #expect(reply.failure == nil, "\(reply.text)")
        #expect(try waitForEnd(daemon) >= 1)
        #expect(try outcome(daemon)?["to"] == "plain")
        #expect(try outcome(daemon)?["result"] == "finished")
        #expect(try daemon.state("app") == "running")
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `a version of which a third fails goes back by itself`() throws {
        let daemon = try start("2", ["FAILING=30"])
        let first = try daemon.pid("app")
        try begin(daemon, "2", seconds: 6)
        #expect(try waitForEnd(daemon) >= 1)
        let outcome = try outcome(daemon)
        #expect(outcome?["result"] == "rolledBack", "\(daemon.log)")
        #expect(
            outcome?["because"]?.string?.contains("app's new version is worse: errors") ?? false)
        // The version that was good was never touched.
        #expect(try daemon.pid("app") == first)
        #expect(try daemon.status(of: "app")?["restarts"] == 0)
        #expect(try daemon.stop() == .exited(code: 0))
    }

    /// On a busy machine both may wait for CPUs most of the time: what they are slow for is then
    /// not known, and never taken for good.
    @Test func `a version that is four times as slow goes back by itself`() throws {
        let daemon = try start("2", ["LATENCY=4000"])
        try begin(daemon, "2", seconds: 6)
        #expect(try waitForEnd(daemon) >= 1)
        let outcome = try #require(try outcome(daemon))
        let found = (outcome["results"]?.array ?? []).compactMap {
            $0["verdict"]?["latency"]?.string
        }
        #expect(!found.isEmpty && !found.contains("notWorse"), "\(found)")
        #expect((outcome["result"] == "rolledBack") == found.contains("worse"), "\(daemon.log)")
        if found.contains("worse") {
            let because = outcome["because"]?.string ?? ""
            #expect(because.contains("latency p99 1 ms → 4 ms"), "\(because)")
        }
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `a version that crashes goes back by itself and is not started again`() throws {
        let daemon = try start("2", ["CRASHES=2"])
        let first = try daemon.pid("app")
        try begin(daemon, "2", seconds: 10)
        #expect(try waitForEnd(daemon) >= 1)
        let outcome = try outcome(daemon)
        #expect(outcome?["because"]?.string?.contains("app.canary failed: signal 6") ?? false)
        try daemon.wait("the canary is gone") { try daemon.state("app.canary") == nil }
        #expect(try daemon.pid("app") == first)
        #expect(hosts(daemon) == 1)
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `another daemon goes on with the rollout, and keeps what is in force`() throws {
        let daemon = try start("2", [])
        try begin(daemon, "2", steps: [40, 100])
        try daemon.waitForState("app.canary", "running")
        #expect(try daemon.stop() == .exited(code: 0))
        do {
            let next = try DaemonUnderTest(Self.policy, folder: daemon.folder)
            _ = try waitForEnd(next)
            #expect(try outcome(next)?["result"] == "finished", "\(next.log)")
            #expect(try next.stop() == .exited(code: 0))
        }
        let last = try DaemonUnderTest(Self.policy, folder: daemon.folder)
        try last.waitForState("app", "running")
        let command = try #require(try last.pid("app"))
        #expect(ProcessFiles.text("/proc/\(command)/cmdline")?.contains("worker@2.so") ?? false)
        #expect(try last.stop() == .exited(code: 0))
    }

    @Test func `what is not there, no plugin, or said wrongly is refused in clear words`() throws {
        let daemon = try start("2", [])
        #expect(Repository.write("no library\n", to: daemon.folder + "/libworker@3.so"))
        let cases: [(JSON, ControlReply.Failure, String)] = [
            (["plugin": "worker", "version": "9"], .notFound, "there are: 2, plain"),
            (["plugin": "worker", "version": "3"], .notFound, "is no plugin"),
            (["plugin": "nosuch", "version": "2"], .notFound, "no such plugin: nosuch@2"),
            (["plugin": "worker", "version": "../2"], .badParameters, "the parameter version"),
            (["plugin": "/lib/x.so", "version": "2"], .badParameters, "the parameter plugin"),
            (["plugin": "worker", "version": "plain"], .refused, "in version plain already"),
            (
                ["plugin": "worker", "version": "2", "steps": [50]], .badParameters,
                "end with 100"
            ),
            (
                ["plugin": "worker", "version": "2", "stepForMilliseconds": 1], .badParameters,
                "a step lasts from 1s"
            ),
        ]
        for (parameters, failure, text) in cases {
            let reply = try daemon.call(.rollout, parameters)
            #expect(reply.failure == failure, "\(parameters)")
            #expect(reply.text.contains(text), "\(reply.text)")
        }
        let reply = try daemon.call(.rollback, ["plugin": "worker"])
        #expect(reply.failure == .refused && reply.text.contains("has had no rollout"))
        #expect(try daemon.state("app.canary") == nil)
        #expect(try daemon.stop() == .exited(code: 0))
    }
}

@Suite struct ErrorRateTests {
    private func report(_ errors: Int?, _ rate: Double?) -> LoadReport {
        var report = LoadReport()
        report.errors = errors
        report.throughputPerSecond = rate
        return report
    }

    @Test func `errors are counted from report to report`() {
        var rate = ErrorRate()
        let second = { (count: Int) in Instant(nanoseconds: count * 1_000_000_000) }
        rate.take(report(100, 50), at: second(1))
        #expect(rate.perMille == nil)
        rate.take(report(105, 50), at: second(3))
        #expect(rate.perMille == 50)
        rate.take(report(105, 50), at: second(4))
        #expect(rate.perMille == 0)
        // More errors than work: all of it failed.
        rate.take(report(905, 50), at: second(5))
        #expect(rate.perMille == 1000)
        // A count that goes back, none, none before, no rate, nothing done, a rate that is none.
        let unknown: [(errors: Int?, done: Double?)] = [
            (3, 50), (nil, 50), (4, 50), (4, nil), (4, 0), (4, .nan),
        ]
        for (index, next) in unknown.enumerated() {
            rate.take(report(next.errors, next.done), at: second(6 + index))
            #expect(rate.perMille == nil, "\(next)")
        }
    }
}
