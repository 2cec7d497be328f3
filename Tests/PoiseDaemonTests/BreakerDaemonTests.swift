import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// Breakers of a real daemon over real processes.
@Suite struct BreakerDaemonTests {
    private func policy(_ folder: String, breaker: String) -> String {
        let script = "test -e \(folder)/well && exec sleep 1000; sleep 0.05; exit 3"
        return commandPolicy([("good", 80, loopScript, "{ min: 0.3, want: 0.5 }")])
            + """
              flaky:
                priority: 20
                command: ["sh", "-c", "\(script)"]
                cores: { performance: { min: 0.2, want: 0.4 } }
                breaker: { \(breaker) }

            """
    }

    private func breaker(_ daemon: DaemonUnderTest) throws -> JSON? {
        try daemon.status(of: "flaky")?["breaker"]
    }

    @Test func `a crash loop opens, probes and closes again, and the neighbour does not notice`()
        throws
    {
        let folder = try DaemonUnderTest.makeFolder()
        let daemon = try DaemonUnderTest(
            policy(
                folder, breaker: "failures: 3, within: 60s, open: 300ms, openMax: 1s, probes: 2"),
            folder: folder)
        try daemon.waitForLog("flaky: opened: its breaker opens for")
        try daemon.waitForLog("flaky: probing: is tried again with 25 %")
        try #require(Repository.write("", to: folder + "/well"))
        try daemon.waitForLog("flaky: closed: its breaker is closed: it works again")
        try daemon.waitForState("flaky", "running")
        #expect(try breaker(daemon)?["state"] == "closed")
        #expect(try breaker(daemon)?["cause"] == "crash")
        let good = try daemon.status(of: "good")
        #expect(good?["restarts"] == 0 && good?["state"] == "running")
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `an open breaker and its cause outlive the daemon`(signal: Int32) throws {
        let folder = try DaemonUnderTest.makeFolder()
        let text = policy(folder, breaker: "failures: 2, open: 1m, openMax: 1m")
        let first = try DaemonUnderTest(text, folder: folder)
        try first.waitForLog("flaky: opened: its breaker opens for")
        if signal == SIGTERM {
            #expect(try first.stop() == .exited(code: 0))
        } else {
            try first.child.signal(signal)
            try first.wait("it ends") { try first.child.reap() != nil }
        }
        let second = try DaemonUnderTest(text, folder: folder)
        #expect(try breaker(second)?["state"] == "open")
        #expect(try breaker(second)?["because"]?.string?.contains("exit code 3") == true)
        #expect(try second.status(of: "flaky")?["restarts"] == 0)
        #expect(try second.stop() == .exited(code: 0))
    }

    @Test func `what cannot be read of what was kept is told, and all begins anew`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        let text = policy(folder, breaker: "failures: 2, open: 1m, openMax: 1m")
        let first = try DaemonUnderTest(text, folder: folder)
        try first.waitForLog("flaky: opened: its breaker opens for")
        #expect(try first.stop() == .exited(code: 0))
        let kept = folder + "/state/_poised/kept"
        let whole = try #require(Repository.text(kept))
        for damaged in ["", "poise-kept 1 0000000000000000\n{}\n", String(whole.dropLast(40))] {
            try #require(Repository.write(damaged, to: kept))
            let next = try DaemonUnderTest(text, folder: folder)
            try next.waitForLog("kept says nothing")
            #expect(try next.stop() == .exited(code: 0))
        }
    }

    @Test func `a hand holds a breaker open and resets it, and a start is refused meanwhile`()
        throws
    {
        let folder = try DaemonUnderTest.makeFolder()
        try #require(Repository.write("", to: folder + "/well"))
        let daemon = try DaemonUnderTest(policy(folder, breaker: "failures: 2"), folder: folder)
        try daemon.waitForState("flaky", "running")
        func tell(_ command: String) throws -> ControlReply {
            try daemon.call(
                .breaker, ["feature": "flaky", "command": .string(command)])
        }
        #expect(try tell("hold").failure == nil)
        try daemon.waitForState("flaky", "backing off")
        let refusal = try daemon.call(.featureStart, ["feature": "flaky"])
        #expect(refusal.failure == .refused && refusal.text.contains("poise breaker reset flaky"))
        #expect(try tell("reset").failure == nil)
        try daemon.waitForState("flaky", "running")
        #expect(try tell("mend").failure == .badParameters)
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `a feature that is disabled stays so in the next daemon`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        try #require(Repository.write("", to: folder + "/well"))
        let text = policy(folder, breaker: "failures: 2")
        let first = try DaemonUnderTest(text, folder: folder)
        try first.waitForState("flaky", "running")
        #expect(try first.call(.featureDisable, ["feature": "flaky"]).failure == nil)
        try first.waitForState("flaky", "stopped")
        #expect(try first.stop() == .exited(code: 0))
        let second = try DaemonUnderTest(text, folder: folder)
        try second.waitForState("good", "running")
        #expect(try second.state("flaky") == "stopped")
        #expect(try second.call(.featureStart, ["feature": "flaky"]).failure == .refused)
        #expect(try second.call(.featureEnable, ["feature": "flaky"]).failure == nil)
        try second.waitForState("flaky", "running")
        #expect(try second.stop() == .exited(code: 0))
    }
}
