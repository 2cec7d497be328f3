import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// A plugin that has its host in its hands: the daemon limits what comes by itself.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct TrafficTests {
    private func start() throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        for name in ["good", "raw_flood"] { try TestPlugins.build(name, into: folder) }
        let policy = """
            version: 1
            name: flood
            reserve: { cores: 0.1 }
            features:
              victim:
                plugin: \(folder)/libgood.so
                priority: 80
                cores: { performance: { min: 0.3, want: 0.5, max: 1 } }
              flood:
                plugin: \(folder)/libraw_flood.so
                priority: 20
                restart: temporary
                cores: { performance: { min: 0.1, want: 0.2, max: 1 } }

            """
        return try DaemonUnderTest(policy, folder: folder)
    }

    @Test("a host that floods is limited by class, and its garbage is a forbidden act")
    func flood() throws {
        let daemon = try start()
        try daemon.waitForState("victim", "running")
        var status: JSON?
        try daemon.wait("every class is counted") {
            let now = try daemon.status(of: "flood")
            if let by = now?["droppedBy"], by != .null { status = now }
            return ["logs", "needs", "reports", "garbage"].allSatisfy {
                (status?["droppedBy"]?[$0]?.integer ?? 0) > 100
            }
        }
        let by = try #require(status?["droppedBy"]?.members)
        let bytes: Set = ["channelBytes", "outputBytes"]
        let sum = by.filter { !bytes.contains($0.key) }.compactMap(\.value.integer).reduce(0, +)
        #expect(status?["dropped"]?.integer == sum)
        try daemon.waitForLog("flood: dropped: sends too much: ")
        try daemon.waitForLog("its host sent 20 messages that are none within 10 s")
        let notes = daemon.log.split(separator: "\n").count { $0.contains("flood: dropped:") }
        #expect(notes == 1)
        let victim = try daemon.status(of: "victim")
        #expect(victim?["state"] == "running" && victim?["restarts"] == 0)
        #expect(victim?["dropped"] == 0)
        #expect(try daemon.stop() == .exited(code: 0))
    }
}
