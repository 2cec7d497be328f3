import PoiseCLI
import PoiseModel
import Testing

/// `poise plugin rollout`, `rollback`, `rollouts` and `list`, against prepared answers.
@Suite struct RolloutCommandTests {
    private static let begun = "{\"parameters\": {\"text\": \"the rollout of app 2 begins\"}}"

    private func result(_ share: Int, _ latency: String, _ finding: String) -> String {
        """
        {"share": \(share), "feature": "app", \
        "old": {"readings": 40, "errorsPerMille": 1, "latencyP99Microseconds": 1000, \
        "throughputPerCore": 950}, \
        "new": {"readings": 41, "errorsPerMille": 2, "latencyP99Microseconds": \(latency), \
        "throughputPerCore": 1010}, \
        "verdict": {"errors": "notWorse", "latency": "\(finding)", "throughput": "notWorse"}}
        """
    }

    private func active(_ stage: String, results: [String] = []) -> String {
        """
        {"parameters": {"rollouts": [{"plugin": "app", "from": "plain", "to": "2", \(stage), \
        "share": 5, "steps": [5, 100], \
        "features": [{"feature": "app", "canary": "app.canary", "newState": "starting"}], \
        "results": [\(results.joined(separator: ", "))], "now": []}], "ended": [], "inForce": []}}
        """
    }

    private func over(_ result: String, _ because: String, results: [String]) -> String {
        """
        {"parameters": {"rollouts": [], "ended": [{"plugin": "app", "from": "plain", "to": "2", \
        "result": "\(result)", "because": "\(because)", "secondsAgo": 3.2, \
        "results": [\(results.joined(separator: ", "))]}], "inForce": []}}
        """
    }

    private func run(_ words: [String], _ answers: [String]) -> (ExitCode, Capture, [String]) {
        let daemon = FakeDaemon(answers.map { [$0] })
        defer { daemon.folder.remove() }
        let capture = Capture(width: 80)
        let code = capture.run(words + ["--runtime-dir", daemon.folder.path])
        return (code, capture, daemon.received.map(\.text))
    }

    @Test func `following shows each step once, and a version that went back is exit code 1`() {
        let good = result(5, "1100", "notWorse")
        let bad = result(100, "4000", "worse")
        let (code, capture, _) = run(
            ["plugin", "rollout", "app", "2", "--follow"],
            [
                Self.begun, active("\"stage\": \"preparing\""),
                active("\"stage\": \"preparing\""),
                active("\"stage\": \"step\", \"step\": 0"),
                active("\"stage\": \"step\", \"step\": 1", results: [good]),
                over("rolledBack", "app's new version is worse: latency", results: [good, bad]),
            ])
        #expect(code == .no)
        #expect(
            capture.output == """
                app plain → 2  prepares: app.canary is starting
                app plain → 2  step 1 of 2: the new version has 5 %
                              SHARE  ERRORS  LATENCY P99  DONE A CORE  READINGS
                  app          95 %   0.1 %         1 ms        950/s        40
                  app.canary    5 %   0.2 %       1.1 ms       1010/s        41  not worse
                app plain → 2  step 2 of 2: the new version has 5 %
                              SHARE  ERRORS  LATENCY P99  DONE A CORE  READINGS
                  app           0 %   0.1 %         1 ms        950/s        40
                  app.canary  100 %   0.2 %         4 ms       1010/s        41  worse: latency
                app plain → 2  rolled back: app's new version is worse: latency

                """)
    }

    @Test func `a version that took over is exit code 0`() {
        let (code, capture, _) = run(
            ["plugin", "rollout", "app", "2", "--follow"],
            [Self.begun, over("finished", "it was not worse in any step", results: [])])
        #expect(code == .done)
        #expect(capture.output == "app plain → 2  finished: it was not worse in any step\n")
    }

    @Test func `what is unknown is shown as unknown`() {
        let (_, capture, _) = run(
            ["plugin", "rollouts"],
            [over("rolledBack", "x", results: [result(5, "null", "unknown")])])
        #expect(capture.output.contains("rolled back 3.2 s ago: x"))
        #expect(capture.output.contains("app.canary    5 %   0.2 %            –"))
    }

    @Test func `options become parameters, and wrong ones are told before anybody is asked`() {
        let words = ["plugin", "rollout", "app", "2"]
        let (code, _, calls) = run(
            words + [
                "--steps", "10,100", "--step-for", "5m", "--more-errors", "2%",
                "--more-latency", "50%",
            ], [Self.begun])
        #expect(code == .done)
        #expect(
            calls == [
                "{\"method\":\"io.poise.Rollout\",\"parameters\":{\"plugin\":\"app\","
                    + "\"version\":\"2\",\"steps\":[10,100],\"stepForMilliseconds\":300000,"
                    + "\"moreErrorsPerMille\":20,\"moreLatencyPercent\":50}}"
            ])
        for wrong in [
            ["--steps", "5;100"], ["--steps", "5,,100"], ["--steps", "100", "--at-once"],
            ["--step-for", "7"], ["--more-latency", "20"], ["--less-throughput", "-1%"],
        ] {
            let (code, capture, calls) = run(words + wrong, [])
            #expect(code == .wrongUse, "\(wrong)")
            #expect(calls.isEmpty && capture.errors.hasPrefix("poise: '--"), "\(wrong)")
        }
    }

    @Test func `the list tells each version and which one is in force`() {
        let plugin = { (version: String, isInForce: Bool, says: String) in
            """
            {"name": "app", "fileVersion": "\(version)", "inForce": \(isInForce), \
            "version": \(says), "usedBy": [], "path": "/p/lib\(version).so"}
            """
        }
        let list = [plugin("plain", false, "null"), plugin("2", true, "\"2.0.1\"")]
        let (_, capture, _) = run(
            ["plugin", "list"],
            ["{\"parameters\": {\"plugins\": [\(list.joined(separator: ", "))]}}"])
        #expect(
            capture.output == """
                PLUGIN  VERSION      SAYS   USED BY  PATH
                app     plain        –      nobody   /p/libplain.so
                app     2, in force  2.0.1  nobody   /p/lib2.so

                """)
    }
}
