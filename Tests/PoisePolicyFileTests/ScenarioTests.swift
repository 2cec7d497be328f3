import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import Testing

@Suite("Scenarios are read as strictly as policies")
struct ScenarioTests {
    private func read(_ text: String) -> ScenarioReading {
        ChaosScenario.read(Array(text.utf8), name: "s.yaml")
    }

    private func mistakes(_ steps: String, expect: String = "{}") -> [String] {
        read("name: s\nsteps:\n\(steps)\nexpect: \(expect)\n").mistakes.map(\.description)
    }

    @Test("a whole scenario says what its file says")
    func whole() throws {
        let text = """
            name: all
            steps:
              - { at: 0, fault: kill, feature: a }
              - { at: 2s, fault: stop, feature: a, for: 300ms }
              - { at: 2s, fault: cpuBurn, feature: a, threads: 7 }
              - { at: 3s, fault: memoryHog, feature: b, memory: 1GiB }
              - { at: 4s, fault: delayedAnswers, feature: b, delay: 20ms }
              - { at: 5s, fault: refusedWrite, writes: 3, for: 1m }
              - { at: 6s, fault: clockJump, by: -2h }
            expect:
              recoverWithin: 5s
              neverRestarted: [b, c]
            """
        let reading = read(text)
        #expect(reading.mistakes == [])
        let scenario = try #require(reading.scenario)
        let (a, b) = (try #require(FeatureID("a")), try #require(FeatureID("b")))
        var all: [(Duration, ChaosInjection)] = [
            (.zero, ChaosInjection(.kill, a)), (.seconds(2), ChaosInjection(.stop, a)),
            (.seconds(2), ChaosInjection(.cpuBurn, a)),
            (.seconds(3), ChaosInjection(.memoryHog, b)),
            (.seconds(4), ChaosInjection(.delayedAnswers, b)),
            (.seconds(5), ChaosInjection(.refusedWrite)), (.seconds(6), ChaosInjection(.clockJump)),
        ]
        all[1].1.duration = .milliseconds(300)
        all[2].1.threads = 7
        all[3].1.memoryBytes = 1 << 30
        all[4].1.delay = .milliseconds(20)
        all[5].1.writes = 3
        all[5].1.duration = .seconds(60)
        all[6].1.jump = .seconds(-7200)
        #expect(scenario.steps == all.map { ChaosScenario.Step(at: $0.0, $0.1) })
        #expect(scenario.name == "all" && scenario.recoverWithin == .seconds(5))
        #expect(scenario.neverRestarted == [b, try #require(FeatureID("c"))])
    }

    @Test("each mistake is told with its place and what to do", arguments: wrong)
    func mistake(step: String, expected: [String]) {
        #expect(mistakes("  - { at: 1s, \(step) }") == expected)
    }

    static let wrong: [(String, [String])] = [
        ("fault: kill, feature: a", []),
        (
            "fault: kil, feature: a",
            [
                "s.yaml:3:22: error: steps[0].fault cannot be 'kil'; did you mean 'kill'?"
            ]
        ),
        (
            "fault: kill",
            ["s.yaml:3:5: error: steps[0] lacks the key 'feature' (kill is done to one)"]
        ),
        (
            "fault: kill, feature: a, for: 2s",
            ["s.yaml:3:40: error: kill takes no 'for', only feature"]
        ),
        (
            "fault: clockJump, feature: a",
            ["s.yaml:3:33: error: clockJump takes no 'feature', only for, by"]
        ),
        (
            "fault: stop, feature: a, for: 11m",
            ["s.yaml:3:45: error: steps[0].for cannot be: it lasts 1ms to 10m"]
        ),
        (
            "fault: stop, feature: a, for: 3",
            [
                "s.yaml:3:45: error: steps[0].for: '3' has no unit (write it as 50us, 100ms, 2s, "
                    + "1m or 1h)"
            ]
        ),
        (
            "fault: cpuBurn, feature: a, threads: 0",
            ["s.yaml:3:52: error: steps[0].threads cannot be: 1 to 256 threads"]
        ),
        (
            "fault: clockJump, by: [1]",
            ["s.yaml:3:37: error: steps[0].by must be a time with a sign, such as -1h, not a list"]
        ),
        (
            "fault: kill, feature: 'a b'",
            ["s.yaml:3:37: error: 'a b' cannot be a feature's name"]
        ),
        (
            "fault: kill, feature: a, loud: true",
            [
                "s.yaml:3:40: error: unknown key 'loud' in steps[0]; known are at, fault, feature, "
                    + "for, threads, memory, delay, writes, by"
            ]
        ),
        (
            "fault: kill, feature: a, feature: b",
            ["s.yaml:3:40: error: the key 'feature' was already given in line 3"]
        ),
    ]

    @Test("all mistakes of a file are told at once, in its order")
    func several() {
        let found = mistakes(
            "  - { fault: kill, feature: a }\n  - { at: 5s, fault: stop, feature: a }\n"
                + "  - { at: 1s, fault: stop, feature: a }\n  - 7",
            expect: "{ recoverWithin: soon, neverRestarted: b, colour: red }")
        let places = found.map { $0.split(separator: " ").first.map(String.init) ?? "" }
        #expect(
            places == [
                "s.yaml:3:5:", "s.yaml:5:5:", "s.yaml:6:5:", "s.yaml:7:26:", "s.yaml:7:48:",
                "s.yaml:7:51:",
            ])
    }

    @Test(
        "what is no scenario is told so",
        arguments: [
            ("", "s.yaml:1:1: error: the file holds no scenario (one begins with 'name: …')"),
            (
                "- a",
                "s.yaml:1:1: error: a scenario must be a mapping of keys to values, not a list"
            ),
            ("name: s\nsteps: []", "s.yaml:2:8: error: steps is an empty list (list at least one)"),
            ("name: s\n", "s.yaml:1:1: error: the key 'steps' is missing (list at least one)"),
            (
                "name: s\nsteps: {}\n",
                "s.yaml:2:8: error: steps must be a list of steps such as - { at: "
                    + "2s, fault: kill, … }, not a mapping"
            ),
        ])
    func none(text: String, expected: String) {
        #expect(read(text).mistakes.map(\.description) == [expected])
        #expect(read(text).scenario == nil)
    }

    @Test("a file that is not there is told")
    func missing() {
        let reading = ChaosScenario.read(path: "/nowhere/s.yaml")
        #expect(reading.scenario == nil)
        #expect(reading.mistakes.first?.text.hasPrefix("the file cannot be opened") ?? false)
    }

    @Test("the scenarios of the repository have no mistakes and fit the default policy")
    func shipped() throws {
        let files = Repository.files("Policies/chaos", ending: ".yaml")
        #expect(files.count >= 4)
        let policy = try Policy.load(path: Repository.root + "/Policies/default.yaml")
        for file in files {
            let reading = ChaosScenario.read(path: Repository.root + "/" + file)
            #expect(reading.mistakes == [], "\(file)")
            let scenario = try #require(reading.scenario)
            #expect(file.hasSuffix("/\(scenario.name).yaml"))
            let features = scenario.steps.compactMap(\.injection.feature) + scenario.neverRestarted
            for feature in features { #expect(policy[feature] != nil, "\(file): \(feature)") }
        }
    }
}
