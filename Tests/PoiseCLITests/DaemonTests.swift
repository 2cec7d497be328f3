import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// What the command line makes of a daemon's answers.
@Suite struct DaemonTests {
    private func run(_ words: [String], answers: [String]) -> (code: ExitCode, capture: Capture) {
        let daemon = FakeDaemon([answers])
        defer { daemon.folder.remove() }
        let capture = Capture()
        let code = capture.run(words + ["--runtime-dir", daemon.folder.path])
        return (code, capture)
    }

    @Test func anAnswerIsShown() {
        let text = "{\"parameters\": {\"text\": \"streaming is started\"}}"
        let (code, capture) = run(["feature", "restart", "streaming"], answers: [text])
        #expect(code == .done)
        #expect(capture.output == "streaming is started\n")
    }

    @Test("a feature that runs is not said to be started")
    func startingTellsWhenItRunsAlready() {
        let answer = { (state: String) in
            "{\"parameters\": {\"features\": [{\"feature\": \"a\", \"state\": \"\(state)\"}]}}"
        }
        let started = "{\"parameters\": {\"text\": \"a is started\"}}"
        for (state, text) in [("running", "a runs already\n"), ("stopped", "a is started\n")] {
            let daemon = FakeDaemon([[answer(state)], [started]])
            defer { daemon.folder.remove() }
            let capture = Capture()
            let words = ["feature", "start", "a", "--runtime-dir", daemon.folder.path]
            #expect(capture.run(words) == .done)
            #expect(capture.output == text)
            #expect(daemon.received.count == 2)
        }
    }

    @Test func eventsThatFollowAreALineEachUntilTheLast() {
        let event = { (text: String) in
            "{\"events\": [{\"time\": 0, \"kind\": \"planned\", \"text\": \"\(text)\"}]}"
        }
        let (code, capture) = run(
            ["events", "--follow", "--json"],
            answers: [
                "{\"parameters\": \(event("one")), \"continues\": true}",
                "{\"parameters\": \(event("two"))}",
            ])
        #expect(code == .done)
        #expect(
            capture.output == """
                {"time":0,"kind":"planned","text":"one"}
                {"time":0,"kind":"planned","text":"two"}

                """)
    }

    @Test(arguments: [
        ("{\"error\": \"io.poise.NotFound\", \"parameters\": {\"text\": \"no x\"}}", ExitCode.no),
        ("{\"error\": \"io.poise.NotAllowed\", \"parameters\": {}}", .notAllowed),
        ("{\"error\": \"io.poise.Nonsense\"}", .unreachable), ("garbage", .unreachable),
        ("", .unreachable),
    ])
    func anAnswerThatIsNoneHasItsExitCode(answer: String, code: ExitCode) {
        let (got, capture) = run(["explain", "x"], answers: [answer])
        #expect(got == code)
        #expect(capture.errors.hasPrefix("poise: "))
        #expect(capture.output.isEmpty)
    }

    @Test(arguments: [
        ("{\"applied\": true, \"mistakes\": [], \"changes\": []}", false, ExitCode.done),
        ("{\"applied\": false, \"mistakes\": [], \"changes\": []}", true, .done),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: warning: w\"]}", true, .done),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: error: e\"]}", true, .no),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: error: e\"]}", false, .no),
    ])
    func applyingIsGoodWhenItWasDoneOrCouldBe(answer: String, isDry: Bool, code: ExitCode) {
        let words = ["policy", "apply", "default"] + (isDry ? ["--dry-run"] : [])
        let (got, _) = run(words, answers: ["{\"parameters\": \(answer)}"])
        #expect(got == code)
    }
}
