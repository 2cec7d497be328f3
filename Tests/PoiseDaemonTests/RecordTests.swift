import Glibc
import PoiseDaemon
import PoiseHistory
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@Suite("What a daemon keeps of what was")
struct RecordTests {
    private let one = commandPolicy([
        ("a", 50, loopScript, "{ min: 0.1, want: 0.3, max: 1 }"),
        ("b", 20, loopScript, "{ min: 0.1, want: 0.2, max: 1 }"),
    ])

    private func replay(_ daemon: DaemonUnderTest) throws -> ReplayReport {
        var replay = Replay(version: PoiseVersion.text)
        for segment in try RecordFolder.segments(at: daemon.folder + "/state") {
            try replay.add(segment)
        }
        return replay.report
    }

    @Test func `a run with starts, stops, a policy and a failure replays to the bit`() throws {
        let daemon = try DaemonUnderTest(one)
        for feature in ["a", "b"] { try daemon.waitForState(feature, "running") }
        _ = try daemon.call(.featureStop, ["feature": "b"])
        try daemon.waitForState("b", "stopped")
        _ = try daemon.call(.featureStart, ["feature": "b"])
        try daemon.waitForState("b", "running")
        kill(try #require(try daemon.pid("a")), SIGKILL)
        try daemon.waitForLog("a: backingOff")
        try daemon.waitForState("a", "running")
        let text = one.replacingOccurrence(of: "want: 0.2", with: "want: 0.4")
        let path = daemon.folder + "/policy.yaml"
        _ = try daemon.call(.policyApply, ["path": .string(path), "text": .string(text)])
        try daemon.waitForLog("policyChanged")
        let turns = try #require(try daemon.call(.status).parameters["turns"]?.integer)
        #expect(try daemon.stop() == .exited(code: 0))
        let report = try replay(daemon)
        #expect(report.isSame, "\(report.differences) \(report.damages)")
        #expect(report.remarks.isEmpty)
        #expect(report.turns > turns)
    }

    @Test func `two runs after each other replay, the first one killed`() throws {
        let first = try DaemonUnderTest(one)
        try first.waitForState("a", "running")
        try first.wait("a second of records is written") {
            try !RecordFolder.segments(at: first.folder + "/state").isEmpty
                && replay(first).turns > 0
        }
        try first.child.signal(SIGKILL)
        try first.wait("it is gone") { try first.child.reap() != nil }
        let second = try DaemonUnderTest(one, folder: first.folder)
        try second.waitForState("a", "running")
        #expect(try second.stop() == .exited(code: 0))
        let report = try replay(second)
        #expect(report.segments == 2)
        #expect(report.isSame, "\(report.differences) \(report.damages)")
    }

    @Test func `history is answered from the disk, with the changes and their causes`() throws {
        let daemon = try DaemonUnderTest(one)
        try daemon.waitForState("a", "running")
        let answer = try daemon.call(.history, ["feature": "a"])
        #expect(answer.failure == nil, "\(answer.text)")
        let changes = try #require(answer.parameters["changes"]?.array)
        let first = try #require(changes.first)
        #expect(first["beforeMillicores"] == .null)
        #expect(first["afterMillicores"]?.integer ?? 0 >= 300)
        #expect(first["because"]?.string?.isEmpty == false)
        let unknown = try daemon.call(.history, ["feature": "nobody"])
        #expect(unknown.failure == .notFound)
        try daemon.wait("it has looked at its features") {
            try daemon.call(.status).parameters["uptimeSeconds"]?.number ?? 0 > 2.5
        }
        #expect(try daemon.call(.history, ["feature": "a/b"]).failure == .badParameters)
        #expect(
            try daemon.call(.history, ["feature": "a", "points": 0]).failure == .badParameters)
        #expect(try daemon.stop() == .exited(code: 0))
        // The minute that had only begun is kept too.
        let id = try #require(FeatureID("a"))
        let store = try HistoryStore(
            daemon.folder + "/state/_poised/history.sqlite", now: Int(WallClock.now))
        let now = Int(WallClock.now)
        let kept = try #require(
            try store.history(of: id, since: 0, now: now, points: 99, changes: 9))
        #expect(kept.points.last?.allocatedMean != nil)
    }

    /// A state folder that is a file, and a history that is none.
    @Test func `a daemon without room for records says so and works`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        try #require(mkdir(folder + "/state", 0o700) == 0)
        try #require(Repository.write("no folder", to: folder + "/state/_poised"))
        let daemon = try DaemonUnderTest(one, folder: folder)
        try daemon.waitForState("a", "running")
        try daemon.waitForLog("turns are not recorded: ")
        let answer = try daemon.call(.history, ["feature": "a"])
        #expect(answer.failure == .refused)
        try daemon.waitForLog("history is not kept: ")
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `events are those of one feature and one kind when asked so`() throws {
        let daemon = try DaemonUnderTest(one)
        for feature in ["a", "b"] { try daemon.waitForState(feature, "running") }
        let answer = try daemon.call(.events, ["feature": "a", "kind": "started"])
        let events = try #require(answer.parameters["events"]?.array)
        #expect(events.count == 1)
        #expect(events.first?["feature"] == "a")
        let typo = try daemon.call(.events, ["kind": "startd"])
        #expect(typo.failure == .badParameters)
        #expect(typo.text.contains("did you mean 'started'?"))
        #expect(try daemon.call(.events, ["feature": "c"]).failure == .notFound)
        // Every kind that has happened can be asked for.
        let all = try #require(try daemon.call(.events).parameters["events"]?.array)
        for kind in Set(all.compactMap { $0["kind"]?.string }) {
            #expect(EventLog.kinds.contains(kind), "\(kind)")
        }
    }
}

extension String {
    fileprivate func replacingOccurrence(of part: String, with other: String) -> String {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return self[..<start] + other + self[index(start, offsetBy: part.count)...]
            }
            start = index(after: start)
        }
        return self
    }
}
