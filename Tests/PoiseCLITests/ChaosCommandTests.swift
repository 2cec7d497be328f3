import PoiseCLI
import PoiseTestSupport
import Testing

/// `poise chaos`, as far as no daemon is needed: the others are with the daemon's tests.
@Suite struct ChaosCommandTests {
    @Test(
        "what cannot be injected is told before anybody is asked",
        arguments: [
            (["kil", "a"], "FAULT is one of kill, stop,"),
            (["kill"], "FEATURE: kill is done to one"),
            (["kill", "a b"], "'a b' cannot be a feature's name"),
            (["kill", "a", "--for", "3s"], "kill takes no --for"),
            (["clockJump", "a"], "clockJump is done to the whole daemon"),
            (["clockJump", "--by", "0"], "--by: the clock jumps by whole seconds"),
            (["clockJump", "--by", "-1500ms"], "--by: the clock jumps by whole seconds"),
            (["stop", "a", "--for", "1h"], "--for: it lasts 1ms to 10m"),
            (["stop", "a", "--for", "3"], "--for: '3' has no unit"),
            (["cpuBurn", "a", "--threads", "many"], "--threads: 'many' is no whole number"),
            (["memoryHog", "a", "--memory", "1"], "--memory: '1' has no unit"),
        ])
    func wrongUse(words: [String], text: String) {
        let capture = Capture()
        #expect(capture.run(["chaos", "inject"] + words) == .wrongUse)
        #expect(capture.errors.contains(text), "\(capture.errors)")
    }

    @Test("a scenario with mistakes is told with all of them, and nothing is done")
    func mistakes() {
        let path = Repository.temporary + "/poise-test-scenario.yaml"
        let text = "name: s\nsteps:\n  - { at: 1s, fault: kil, feature: a }\n  - { at: soon }\n"
        #expect(Repository.write(text, to: path))
        let capture = Capture()
        #expect(capture.run("chaos", "run", path) == .no)
        #expect(capture.errors.contains("\(path):3:22: error: steps[0].fault cannot be 'kil'"))
        #expect(capture.errors.contains("\(path):4:5: error: steps[1] lacks the key 'fault'"))
        #expect(capture.errors.contains("\(path):4:11: error: steps[1].at"))
    }

    @Test("a scenario that comes with Poise is found by its name, and a daemon is needed")
    func byName() {
        let capture = Capture()
        let code = capture.run("chaos", "run", "hang", "--runtime-dir", "/nowhere")
        #expect(code == .unreachable, "\(capture.errors)")
    }
}
