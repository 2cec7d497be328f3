import Glibc
import PoiseDaemon
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@Suite struct DaemonTests {
    private let two = commandPolicy([
        ("high", 80, loopScript, "{ min: 0.3, want: 0.5, max: 1 }"),
        ("low", 20, "sleep 1000 & " + loopScript, "{ min: 0.1, want: 0.2, max: 1 }"),
    ])

    @Test func everyThreadOfAFeatureHasTheMaskOfItsAllocation() throws {
        let daemon = try DaemonUnderTest(two)
        for feature in ["high", "low"] {
            try daemon.waitForState(feature, "running")
            let cpus = try #require(try daemon.allocation(feature)?["cpus"]?.string)
            let pid = try #require(try daemon.pid(feature))
            let tree = ProcessTree.tree(of: [pid])
            #expect(!tree.isEmpty)
            for process in tree {
                for thread in ProcessTree.threads(of: process) {
                    // A sleep may have ended since it was listed.
                    guard let mask = try? ThreadSettings.cpus(of: thread) else { continue }
                    #expect(mask.description == cpus)
                }
            }
        }
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func stoppingLeavesNoProcessAndNoSocketBehind() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("low", "running")
        try daemon.waitForState("high", "running")
        var processes: [ProcessStat] = []
        try daemon.wait("low has started its sleep") {
            let roots = try ["high", "low"].compactMap { try daemon.pid($0) }
            processes = ProcessTree.tree(of: roots).compactMap { ProcessFiles.stat(of: $0) }
            return processes.count >= 3
        }
        #expect(try daemon.stop() == .exited(code: 0))
        for process in processes {
            // What was killed may take a moment to be gone, a zombie is init's to bury, and a
            // number may have been given to somebody else since.
            try daemon.wait("\(process.name) \(process.pid) is gone") {
                guard let now = ProcessFiles.stat(of: process.pid) else { return true }
                return now.startTicks != process.startTicks || now.state == "Z"
            }
        }
        #expect(access(daemon.runtime + "/control.sock", F_OK) != 0)
    }

    @Test func aKilledFeatureIsStartedAgainAndTheOtherDoesNotNotice() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        try daemon.waitForState("low", "running")
        let victim = try #require(try daemon.pid("high"))
        let other = try daemon.status(of: "low")
        #expect(kill(victim, SIGKILL) == 0)
        try daemon.waitForLog("high: failed: signal 9")
        try daemon.wait("a new process runs") {
            let now = try daemon.pid("high")
            return try now != nil && now != victim && daemon.state("high") == "running"
        }
        let after = try daemon.status(of: "low")
        #expect(after?["pid"] == other?["pid"])
        #expect(after?["generation"] == other?["generation"])
        #expect(after?["restarts"] == .integer(0))
    }

    @Test func garbageOnTheSocketIsAnsweredAndHarmsNobody() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        let before = try daemon.pid("high")
        let path = RuntimeFolder.socket(in: daemon.runtime)
        var random = SeededGenerator(seed: 1)
        for round in 0..<60 {
            let socket = try LocalSocket.connect(path)
            var bytes = (0..<Int.random(in: 1...5000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if round % 3 == 0 { bytes = Array("{\"method\":7}\0".utf8) }
            _ = try? LocalSocket.send(bytes[...], to: socket)
        }
        let flood = try LocalSocket.connect(path)
        let long = [UInt8](repeating: 65, count: 1 << 16)
        for _ in 0..<64 { _ = try? LocalSocket.send(long[...], to: flood) }
        #expect(try daemon.state("high") == "running")
        #expect(try daemon.pid("high") == before)
        let reply = try daemon.call(.explain, ["feature": "nobody"])
        #expect(reply.failure == .notFound)
        #expect(reply.text == "there is no feature nobody; there are: high, low")
        let snapshot = try daemon.call(.snapshot).parameters
        let situation = try JSONDecoding.decode(Situation.self, from: snapshot)
        #expect(situation.policy.features.map(\.id.name) == ["high", "low"])
        #expect(situation.plan.features.map(\.feature.name) == ["high", "low"])
        #expect(situation.absent.isEmpty)
    }

    @Test func hundredsOfCallersThatNeverReadDoNotStopTheOthers() throws {
        let daemon = try DaemonUnderTest(two)
        let path = RuntimeFolder.socket(in: daemon.runtime)
        var idle: [FileDescriptor] = []
        for _ in 0..<200 {
            var connected: FileDescriptor?
            try daemon.wait("the queue has room") {
                connected = try? LocalSocket.connect(path)
                return connected != nil
            }
            let socket = try #require(connected)
            let call = Array("{\"method\":\"io.poise.Status\"}\0".utf8)
            for _ in 0..<20 { _ = try? LocalSocket.send(call[...], to: socket) }
            idle.append(socket)
        }
        try daemon.waitForState("high", "running")
        #expect(idle.count == 200)
    }

    @Test func aSecondDaemonOnOneFolderIsRefusedWithTheProcessThatHasIt() throws {
        let daemon = try DaemonUnderTest(two)
        let second = try DaemonUnderTest.spawn(daemon.folder, [])
        var end: ProcessEnd?
        try daemon.wait("the second ends") {
            end = try second.reap()
            return end != nil
        }
        #expect(end == .exited(code: 1))
        #expect(daemon.log.contains("poised with process number \(daemon.child.pid)"))
        #expect(try daemon.call(.status).failure == nil)
    }

    @Test func aSocketThatAnotherProgramListensOnIsLeftToIt() throws {
        let folder = try DaemonUnderTest.makeFolder()
        #expect(mkdir(folder + "/run", 0o700) == 0)
        let other = try LocalSocket.listen(folder + "/run/control.sock")
        #expect(Repository.write(two, to: folder + "/policy.yaml"))
        let child = try DaemonUnderTest.spawn(folder, [])
        var end: ProcessEnd?
        let deadline = MonotonicClock.now + .seconds(30)
        while end == nil, MonotonicClock.now < deadline {
            end = try child.reap()
            usleep(10_000)
        }
        #expect(end == .exited(code: 1))
        #expect((Repository.text(folder + "/log") ?? "").contains("EADDRINUSE"))
        withExtendedLifetime(other) {}
    }

    @Test func aStaleSocketIsTakenOver() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        try daemon.child.signal(SIGKILL)
        try daemon.wait("it is gone") { try daemon.child.reap() != nil }
        let again = try DaemonUnderTest(two, folder: daemon.folder)
        try again.waitForState("high", "running")
    }

    @Test func twoHundredReloadsChangeWhatTheyShouldAndNothingElse() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("low", "running")
        let pid = try daemon.pid("low")
        for round in 0..<200 {
            let want = round % 2 == 0 ? "0.3" : "0.2"
            // What its load may want beyond that is the engine's matter.
            let text = two.replacing("want: 0.2, max: 1", with: "want: \(want), max: \(want)")
            #expect(Repository.write(text, to: daemon.policyPath + ".new"))
            #expect(rename(daemon.policyPath + ".new", daemon.policyPath) == 0)
            try daemon.child.signal(SIGHUP)
        }
        try daemon.wait("the last policy is in force") {
            try daemon.allocation("low")?["millicores"] == .integer(200)
        }
        #expect(try daemon.pid("low") == pid)
        #expect(try daemon.status(of: "low")?["restarts"] == .integer(0))
    }

    @Test func aPolicyWithMistakesChangesNothingAndIsTold() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        #expect(Repository.write("version: 1\nnmae: x\n", to: daemon.policyPath))
        try daemon.waitForLog("has mistakes; the policy in force stays")
        #expect(daemon.log.contains("policy.yaml:2:1: error:"))
        #expect(try daemon.state("high") == "running")
        let reply = try daemon.call(
            .policyApply,
            [
                "path": .string(daemon.policyPath),
                "text": .string(Repository.text(daemon.policyPath) ?? ""),
            ])
        #expect(reply.parameters["applied"] == false)
        #expect(reply.parameters["mistakes"]?.array?.isEmpty == false)
    }

    @Test func aChangeOfTheFileThatALinkNamesIsSeenAndABrokenOneIsShownUntilItIsMended() throws {
        let policy = commandPolicy([(name: "a", priority: 50, script: loopScript, cores: "0.1")])
        let daemon = try DaemonUnderTest(policy)
        try daemon.waitForState("a", "running")
        let target = daemon.folder + "/real"
        #expect(mkdir(target, 0o700) == 0)
        #expect(Repository.write(policy + "# linked\n", to: target + "/p.yaml"))
        #expect(symlink(target + "/p.yaml", daemon.policyPath + ".new") == 0)
        #expect(rename(daemon.policyPath + ".new", daemon.policyPath) == 0)
        usleep(200_000)
        #expect(Repository.write("version: 1\n", to: target + "/p.yaml"))
        try daemon.wait("the broken policy is shown") {
            try daemon.call(.status).parameters["policyProblem"]?.string != nil
        }
        let other = policy.replacing("name: test", with: "name: mended")
        #expect(Repository.write(other, to: target + "/p.yaml"))
        try daemon.wait("the mended policy is in force") {
            let status = try daemon.call(.status).parameters
            return status["policy"]?.string == "mended" && status["policyProblem"] == .null
        }
        try daemon.waitForLog("is good again")
    }

    @Test func theOperatorStopsStartsAndRestarts() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        #expect(try daemon.call(.featureStop, ["feature": "high"]).failure == nil)
        try daemon.waitForState("high", "stopped")
        #expect(try daemon.allocation("high") == nil)
        #expect(try daemon.call(.featureStart, ["feature": "high"]).failure == nil)
        try daemon.waitForState("high", "running")
        let pid = try daemon.pid("high")
        #expect(try daemon.call(.featureRestart, ["feature": "high"]).failure == nil)
        try daemon.wait("it runs anew") {
            try daemon.state("high") == "running" && daemon.pid("high") != pid
        }
    }

    @Test func aProgramThatIsNotThereIsToldOnceAndNotRetried() throws {
        let text =
            two + "  gone:\n    command: [\"/no/such/program\"]\n"
            + "    cores: { performance: 0.1 }\n"
        let daemon = try DaemonUnderTest(text)
        try daemon.waitForState("gone", "failed")
        try daemon.waitForState("high", "running")
        #expect(daemon.log.contains("/no/such/program: ENOENT"))
    }

    @Test func anUnknownPluginNamesThoseThatThereAre() throws {
        let text = two + "  odd:\n    plugin: nonesuch\n    cores: { performance: 0.1 }\n"
        let daemon = try DaemonUnderTest(text)
        try daemon.waitForState("odd", "failed")
        let told = daemon.log.split(separator: "\n").first {
            $0.contains("no such plugin: nonesuch (there are: ")
        }
        #expect(told?.contains("streaming") ?? false, "\(daemon.log)")
    }

    @Test func aFullDiskUnderTheLogsIsToldAndHarmsNobody() throws {
        let folder = try DaemonUnderTest.makeFolder()
        #expect(mkdir(folder + "/run", 0o700) == 0 && mkdir(folder + "/run/logs", 0o700) == 0)
        #expect(symlink("/dev/full", folder + "/run/logs/high.log") == 0)
        let noisy = two.replacing(loopScript, with: "while :; do echo x; sleep 0.1; done")
        let daemon = try DaemonUnderTest(noisy, folder: folder)
        try daemon.waitForLog("high: degraded: its log cannot be written: write failed")
        #expect(daemon.log.contains("ENOSPC"))
        #expect(try daemon.state("high") == "running")
        #expect(try daemon.state("low") == "running")
    }

    @Test func whatLeavesItsCPUsIsPutBack() throws {
        let daemon = try DaemonUnderTest(two)
        try daemon.waitForState("high", "running")
        let cpus = try #require(try daemon.allocation("high")?["cpus"]?.string)
        let own = try #require(CPUSet(cpus))
        let others = try ThreadSettings.cpus(of: 0).subtracting(own)
        guard let outside = others.first else { return }
        let pid = try #require(try daemon.pid("high"))
        try ThreadSettings.setCPUs([outside], of: pid)
        try daemon.wait("it is put back") { try ThreadSettings.cpus(of: pid) == own }
        try daemon.waitForLog("high: drift:")
    }

    @Test func observeTouchesNothing() throws {
        let daemon = try DaemonUnderTest(two, ["--backend", "observe"])
        try daemon.waitForState("high", "running")
        let pid = try #require(try daemon.pid("high"))
        #expect(try ThreadSettings.cpus(of: pid) == ThreadSettings.cpus(of: 0))
        #expect(try daemon.allocation("high")?["held"]?["cpus"] == "advisory")
    }
}

@Suite struct DaemonOptionsTests {
    @Test(arguments: [
        (["--nonsense"], "unknown argument --nonsense"), (["--policy"], "--policy needs a value"),
        (
            ["--backend", "magic"],
            "unknown backend magic; there are auto, cgroup2, affinity and observe"
        ),
        (["--start-within", "x"], "--start-within takes 1 to 3600 seconds, not x"),
    ])
    func wrongUseIsTold(arguments: [String], text: String) {
        #expect(throws: DaemonOptions.Stop.wrongUse(text)) {
            try DaemonOptions(arguments, environment: { _ in nil }, isRoot: true)
        }
    }

    @Test func theRuntimeFolderIsFoundInTheOrderOfTheContract() throws {
        let environment = ["XDG_RUNTIME_DIR": "/x", "POISE_RUNTIME_DIR": "/p"]
        let named = try DaemonOptions(
            ["--runtime-dir=/o"], environment: { environment[$0] }, isRoot: false)
        #expect(named.runtimeFolder == "/o")
        let byVariable = try DaemonOptions([], environment: { environment[$0] }, isRoot: false)
        #expect(byVariable.runtimeFolder == "/p")
    }
}
