import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// Plugins that do harm, each beside a good one that must not notice.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct BadPluginTests {
    private static let deadline = ["--start-within", "5"]

    /// A policy with a victim and one plugin of the given library name.
    private func policy(_ plugin: String, folder: String) -> String {
        """
        version: 1
        name: bad
        reserve: { cores: 0.1 }
        features:
          victim:
            plugin: \(folder)/libgood.so
            priority: 80
            cores: { performance: { min: 0.3, want: 0.5, max: 1 } }
          bad:
            plugin: \(folder)/\(plugin)
            priority: 20
            cores: { performance: { min: 0.1, want: 0.2, max: 1 } }

        """
    }

    private func start(_ plugin: String) throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        for name in ["good", plugin] { try TestPlugins.build(name, into: folder) }
        return try DaemonUnderTest(
            policy("lib\(plugin).so", folder: folder), Self.deadline, folder: folder)
    }

    private func expectUnharmed(_ daemon: DaemonUnderTest) throws {
        let victim = try daemon.status(of: "victim")
        #expect(victim?["state"] == "running")
        #expect(victim?["restarts"] == 0)
        #expect(victim?["drifted"] == 0)
        #expect(victim?["lastProblem"] == .null)
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test(arguments: [
        ("wrong_abi", "ABI"), ("missing_symbol", "poise_plugin_entry"), ("missing_call", "stop"),
        ("refuse", "bad: failed"),
    ])
    func whatCanNeverWorkIsToldAndNotRetried(plugin: String, text: String) throws {
        let daemon = try start(plugin)
        try daemon.waitForState("victim", "running")
        try daemon.waitForState("bad", "failed")
        try daemon.waitForLog(text)
        #expect(try daemon.status(of: "bad")?["restarts"] == 0)
        try expectUnharmed(daemon)
    }

    @Test func aFileThatIsNoLibraryIsToldAndNotRetried() throws {
        let folder = try DaemonUnderTest.makeFolder()
        try TestPlugins.build("good", into: folder)
        #expect(Repository.write("this is no library\n", to: folder + "/libtext.so"))
        let daemon = try DaemonUnderTest(
            policy("libtext.so", folder: folder), Self.deadline, folder: folder)
        try daemon.waitForState("victim", "running")
        try daemon.waitForState("bad", "failed")
        try daemon.waitForLog("libtext.so")
        try expectUnharmed(daemon)
    }

    @Test func aCrashInCreateIsRetriedWithGrowingPauses() throws {
        let daemon = try start("crash_in_create")
        try daemon.waitForState("victim", "running")
        try daemon.waitForLog("bad: backingOff: starts again in 200 ms (failure 1)")
        try daemon.waitForLog("bad: backingOff: starts again in 400 ms (failure 2)")
        try daemon.waitForLog("bad: backingOff: starts again in 800 ms (failure 3)")
        #expect(daemon.log.contains("signal 11"))
        try expectUnharmed(daemon)
    }

    @Test func aStartThatNeverReturnsIsKilledAtItsDeadline() throws {
        let daemon = try start("hang_in_start")
        try daemon.waitForState("victim", "running")
        try daemon.waitForLog("bad: late: did not start in time; it is killed")
        try daemon.waitForLog("bad: backingOff")
        try expectUnharmed(daemon)
    }

    @Test func aFloodOfMessagesIsDroppedAndCounted() throws {
        let daemon = try start("flood")
        try daemon.waitForState("victim", "running")
        try daemon.waitForState("bad", "running")
        try daemon.wait("drops are counted") {
            try (daemon.status(of: "bad")?["dropped"]?.integer ?? 0) > 1000
        }
        try expectUnharmed(daemon)
    }

    @Test func reportsThatLieAreLeftOut() throws {
        let daemon = try start("lie")
        try daemon.waitForState("victim", "running")
        try daemon.waitForState("bad", "running")
        try daemon.wait("a report came") { try daemon.status(of: "bad")?["report"] != .null }
        let report = try daemon.status(of: "bad")?["report"]
        #expect(report?["utilisation"]?.number.map { $0 >= 0 && $0 <= 1.5 } ?? true)
        try expectUnharmed(daemon)
    }

    @Test func aKilledHostOfAPluginIsReplaced() throws {
        let daemon = try start("good")
        try daemon.waitForState("bad", "running")
        try daemon.waitForState("victim", "running")
        let pid = try #require(try daemon.pid("bad"))
        #expect(kill(pid, SIGKILL) == 0)
        try daemon.wait("a new host runs") {
            try daemon.state("bad") == "running" && daemon.pid("bad") != pid
        }
        try expectUnharmed(daemon)
    }

    @Test func printingWithoutEndIsBoundedOnDiskAndHarmsNobody() throws {
        let folder = try DaemonUnderTest.makeFolder()
        let text = commandPolicy([
            ("victim", 80, loopScript, "{ min: 0.3, want: 0.5, max: 1 }"),
            ("printer", 20, "exec yes flood", "{ min: 0.1, want: 0.2, max: 1 }"),
        ])
        let daemon = try DaemonUnderTest(text, folder: folder)
        try daemon.waitForLog("printer: dropped: prints too much")
        var facts = stat()
        #expect(stat(daemon.runtime + "/logs/printer.log", &facts) == 0)
        #expect(facts.st_size <= 1 << 20)
        #expect(try daemon.state("victim") == "running")
        #expect(try daemon.stop() == .exited(code: 0))
    }
}

/// Builds the C plugins of the tests.
enum TestPlugins {
    static let compiler: String? = {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").map { "\($0)/cc" }.first { access($0, X_OK) == 0 }
    }()

    /// Makes `libNAME.so` in a folder, once; or another one of it, with preprocessor definitions.
    static func build(
        _ name: String, into folder: String, as other: String? = nil, _ definitions: [String] = []
    ) throws {
        let library = "\(folder)/lib\(other ?? name).so"
        if access(library, R_OK) == 0 { return }
        let sources = Repository.root + "/Tests/PoisePluginTests/Plugins"
        var request = SpawnRequest(program: try #require(compiler))
        request.arguments = definitions.map { "-D\($0)" }
        request.arguments += [
            "-shared", "-fPIC", "-I", Repository.root + "/Sources/PluginABI/include", "-I", sources,
            "-o", library, "\(sources)/\(name).c",
        ]
        request.environment = OwnEnvironment.variables
        let child = try ChildProcess.spawn(request)
        var end: ProcessEnd?
        while end == nil {
            usleep(5_000)
            end = try child.reap()
        }
        try #require(end == .exited(code: 0), "cc failed on \(name).c")
    }
}
