import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// Each fault on a small plugin, beside a command that must not notice.
@Suite(.enabled(if: TestPlugins.compiler != nil, "no C compiler `cc` on PATH"))
struct InjectedFaultTests {
    private func policy(_ folder: String, cores: String = "0.5") -> String {
        """
        version: 1
        name: chaos
        reserve: { cores: 0.1 }
        features:
          victim:
            plugin: \(folder)/libgood.so
            priority: 20
            cores: { performance: { min: 0.2, want: \(cores), max: 1 } }
          other:
            command: ["sh", "-c", "\(loopScript)"]
            priority: 80
            cores: { performance: { min: 0.1, want: 0.2, max: 1 } }

        """
    }

    private func start(_ arguments: [String] = ["--chaos"]) throws -> DaemonUnderTest {
        let folder = try DaemonUnderTest.makeFolder()
        try TestPlugins.build("good", into: folder)
        let daemon = try DaemonUnderTest(policy(folder), arguments, folder: folder)
        try daemon.waitForState("victim", "running")
        try daemon.waitForState("other", "running")
        return daemon
    }

    @discardableResult
    private func inject(
        _ fault: ChaosFault, _ daemon: DaemonUnderTest,
        _ change: (inout ChaosInjection) -> Void = { _ in }
    ) throws -> ControlReply {
        var injection = ChaosInjection(fault, fault.hasFeature ? FeatureID("victim") : nil)
        injection.duration = .seconds(2)
        change(&injection)
        return try daemon.call(.chaos, injection.json)
    }

    private func active(_ daemon: DaemonUnderTest) throws -> [String] {
        let list = try daemon.call(.status).parameters["chaos"]?["active"]?.array ?? []
        return list.compactMap { $0["fault"]?.string }
    }

    private func waitForEnd(_ fault: ChaosFault, _ daemon: DaemonUnderTest) throws {
        try daemon.waitForLog("chaos: ended \(fault.rawValue): its time is over")
        #expect(try active(daemon) == [])
    }

    /// Nobody but the victim may have noticed anything, and all of it is over.
    private func expectUnharmed(_ daemon: DaemonUnderTest, victimRestarts: Int = 0) throws {
        let other = try daemon.status(of: "other")
        #expect(other?["state"] == "running" && other?["restarts"] == 0)
        #expect(try daemon.status(of: "victim")?["restarts"]?.integer == victimRestarts)
        #expect(try daemon.stop() == .exited(code: 0))
    }

    /// The process of ours that strains the victim.
    private func strain(_ daemon: DaemonUnderTest) throws -> ProcessStat {
        var found: ProcessStat?
        try daemon.wait("a process strains it") {
            found =
                ProcessTree.children(of: daemon.child.pid).compactMap { pid in
                    let words = ProcessFiles.text("/proc/\(pid)/cmdline") ?? ""
                    return words.contains("--strain") ? ProcessFiles.stat(of: pid) : nil
                }.first
            return found != nil
        }
        return try #require(found)
    }

    private func waitForDeath(_ process: ProcessStat, _ daemon: DaemonUnderTest) throws {
        try daemon.wait("\(process.pid) is gone") {
            ProcessFiles.stat(of: process.pid)?.startTicks != process.startTicks
        }
    }

    @Test("without --chaos nothing is done, and what to do is told")
    func off() throws {
        let daemon = try start([])
        let reply = try inject(.kill, daemon)
        #expect(reply.failure == .refused && reply.text.contains("poised --chaos"))
        #expect(try daemon.call(.status).parameters["chaos"] == .null)
        #expect(try daemon.call(.chaos, ["command": "list"]).parameters["chaos"] == .null)
        try expectUnharmed(daemon)
    }

    @Test("what cannot be injected is refused with the reason")
    func wrong() throws {
        let daemon = try start()
        let cases: [(JSON, ControlReply.Failure, String)] = [
            ([:], .badParameters, "command"),
            (["command": "inject", "fault": "kil"], .badParameters, "did you mean 'kill'"),
            (["command": "inject", "fault": "kill"], .badParameters, "done to one"),
            (["command": "inject", "fault": "kill", "feature": "nobody"], .notFound, "victim"),
            (
                ["command": "inject", "fault": "clockJump", "feature": "victim"], .badParameters,
                "not to a feature"
            ),
            (
                [
                    "command": "inject", "fault": "stop", "feature": "victim",
                    "forMilliseconds": 600_001,
                ], .badParameters, "10m"
            ),
            (
                ["command": "inject", "fault": "cpuBurn", "feature": "victim", "threads": 1e300],
                .badParameters, "threads"
            ),
        ]
        for (parameters, failure, text) in cases {
            let reply = try daemon.call(.chaos, parameters)
            #expect(reply.failure == failure && reply.text.contains(text), "\(reply.text)")
        }
        #expect(try inject(.droppedReports, daemon).failure == nil)
        let again = try inject(.droppedReports, daemon)
        #expect(again.failure == .busy)
        try expectUnharmed(daemon)
    }

    @Test("a killed feature is started again")
    func kill() throws {
        let daemon = try start()
        let pid = try daemon.pid("victim")
        #expect(try inject(.kill, daemon).parameters["active"] == false)
        try daemon.waitForLog("victim: failed: signal 9")
        try daemon.wait("a new one runs") {
            try daemon.state("victim") == "running" && daemon.pid("victim") != pid
        }
        try expectUnharmed(daemon, victimRestarts: 1)
    }

    @Test("a stopped feature goes on when the time is over")
    func stop() throws {
        let daemon = try start()
        let pid = try #require(try daemon.pid("victim"))
        try inject(.stop, daemon)
        #expect(try active(daemon) == ["stop"])
        try daemon.wait("it is stopped") { ProcessFiles.stat(of: pid)?.state == "T" }
        try waitForEnd(.stop, daemon)
        try daemon.wait("it goes on") { ProcessFiles.stat(of: pid)?.state != "T" }
        #expect(try daemon.pid("victim") == pid)
        try expectUnharmed(daemon)
    }

    @Test("a feature that is stopped for too long has failed, and its fault ends with it")
    func hang() throws {
        let daemon = try start()
        let pid = try daemon.pid("victim")
        try inject(.stop, daemon) { $0.duration = .seconds(60) }
        try daemon.waitForLog("victim: chaos: ended stop: the feature has ended")
        try daemon.wait("a new one runs") {
            try daemon.state("victim") == "running" && daemon.pid("victim") != pid
        }
        #expect(try active(daemon) == [])
        try expectUnharmed(daemon, victimRestarts: 1)
    }

    @Test("poised that stops lets what it stopped go on, and ends in order")
    func stopping() throws {
        let daemon = try start()
        try inject(.stop, daemon) { $0.duration = .seconds(60) }
        #expect(try daemon.stop() == .exited(code: 0))
        #expect(daemon.log.contains("victim: chaos: ended stop: poised is stopping"))
        #expect(!daemon.log.contains("victim: forced"))
    }

    @Test(
        "load on purpose stays inside the feature's budget and ends",
        arguments: [
            ChaosFault.cpuBurn, .memoryHog, .slowDisk,
        ])
    func load(fault: ChaosFault) throws {
        let daemon = try start()
        try inject(fault, daemon) { $0.memoryBytes = 32 << 20 }
        let process = try strain(daemon)
        let cpus = try #require(try daemon.allocation("victim")?["cpus"]?.string)
        try daemon.wait("its threads have the victim's CPUs") {
            try ProcessTree.threads(of: process.pid).allSatisfy {
                try ThreadSettings.cpus(of: $0).description == cpus
            }
        }
        if fault == .cpuBurn {
            try daemon.wait("two threads burn") { ProcessTree.threads(of: process.pid).count == 2 }
        }
        if fault == .memoryHog {
            let pages = (32 << 20) / sysconf(Int32(_SC_PAGESIZE))
            try daemon.wait("it holds the memory") {
                let words = (ProcessFiles.text("/proc/\(process.pid)/statm") ?? "").split {
                    $0 == " "
                }
                return words.count > 1 && (Int(words[1]) ?? 0) >= pages
            }
        }
        if fault == .slowDisk { #expect(daemon.log.contains("no io.max here")) }
        try waitForEnd(fault, daemon)
        try waitForDeath(process, daemon)
        try expectUnharmed(daemon)
    }

    @Test("load on purpose ends with the feature")
    func loadEnds() throws {
        let daemon = try start()
        try inject(.cpuBurn, daemon) { $0.duration = .seconds(300) }
        let process = try strain(daemon)
        try inject(.kill, daemon)
        try daemon.waitForLog("victim: chaos: ended cpuBurn: the feature has ended")
        try waitForDeath(process, daemon)
        try daemon.wait("it runs again") { try daemon.state("victim") == "running" }
        try expectUnharmed(daemon, victimRestarts: 1)
    }

    @Test(
        "lost and late answers are counted, and harm nobody for a while",
        arguments: [
            ChaosFault.droppedReports, .delayedAnswers,
        ])
    func answers(fault: ChaosFault) throws {
        let daemon = try start()
        try daemon.wait("a report came") { try daemon.status(of: "victim")?["report"] != .null }
        try inject(fault, daemon) { $0.duration = .seconds(3) }
        try waitForEnd(fault, daemon)
        let word = fault == .droppedReports ? "dropped" : "held back"
        let line = daemon.log.split(separator: "\n").first {
            $0.contains("ended \(fault.rawValue)")
        }
        let text = try #require(line)
        #expect(text.hasSuffix("messages were \(word)") && !text.contains("; 0 messages"))
        #expect(try daemon.state("victim") == "running")
        try expectUnharmed(daemon)
    }

    @Test("a refused write takes the plan back, and it is tried again")
    func refusedWrite() throws {
        let daemon = try start()
        try inject(.refusedWrite, daemon) {
            $0.writes = 1
            $0.duration = .seconds(30)
        }
        let before = try daemon.allocation("victim")?["millicores"]
        let text = policy(daemon.folder, cores: "0.3")
        let reply = try daemon.call(
            .policyApply, ["path": .string(daemon.policyPath), "text": .string(text)])
        #expect(reply.parameters["applied"] == true)
        try daemon.waitForLog("refused: ")
        #expect(daemon.log.contains("poise chaos did it"))
        try daemon.wait("it is tried again") {
            try daemon.allocation("victim")?["millicores"] != before
        }
        try expectUnharmed(daemon)
    }

    @Test(
        "the wall clock jumps in what is told, and back; nothing else follows",
        arguments: [
            -7200, 172_800,
        ])
    func clock(seconds: Int) throws {
        let daemon = try start()
        let real = WallClock.now
        try inject(.clockJump, daemon) { $0.jump = .seconds(seconds) }
        try waitForEnd(.clockJump, daemon)
        let events = try daemon.call(.events).parameters["events"]?.array ?? []
        let chaos = events.filter { $0["kind"] == "chaos" }.compactMap { $0["time"]?.number }
        #expect(chaos.count == 2)
        #expect(abs((chaos.first ?? 0) - real - Double(seconds)) < 60)
        #expect(abs((chaos.last ?? 0) - real) < 60)
        try expectUnharmed(daemon)
    }
}
