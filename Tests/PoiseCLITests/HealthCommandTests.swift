import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

@Suite("poise health")
struct HealthCommandTests {
    /// What a daemon answers of two features, of which `web` is not ready, or only degraded.
    private func answer(isReady: Bool) -> JSON {
        let because = "its dependency db (tcp 127.0.0.1:5432) fails: connection refused"
        return [
            "live": true, "ready": .bool(isReady), "degraded": true,
            "because": [.string("web is not ready: \(because)"), "the service level is reduced"],
            "features": [
                feature("calm", true, [], []),
                feature(
                    "web", isReady, isReady ? [] : [because, "it is tired"],
                    [
                        [
                            "name": "db", "target": "tcp 127.0.0.1:5432",
                            "critical": .bool(!isReady), "verdict": "fails",
                            "because": "connection refused", "sinceSeconds": 75,
                            "failuresInARow": 15,
                        ]
                    ]),
            ],
        ]
    }

    private func feature(
        _ name: String, _ isReady: Bool, _ because: [String], _ lines: [JSON]
    ) -> JSON {
        [
            "feature": .string(name), "state": "running", "wanted": true, "live": true,
            "ready": .bool(isReady), "degraded": .bool(!lines.isEmpty),
            "notReadyBecause": .array(because.map(JSON.string)),
            "degradedBecause": lines.isEmpty ? [] : ["its disk is slow"],
            "says": nil, "dependencies": .array(lines), "checks": [],
        ]
    }

    private func run(_ words: String..., isReady: Bool = false) -> (ExitCode, Capture) {
        let reply = "{\"parameters\": \(answer(isReady: isReady))}"
        let daemon = FakeDaemon([[reply]])
        defer { daemon.folder.remove() }
        let capture = Capture(width: 80)
        let code = capture.run(["health"] + words + ["--runtime-dir", daemon.folder.path])
        return (code, capture)
    }

    @Test func `the exit code says whether the machine or the feature is ready`() {
        #expect(run().0 == .no)
        #expect(run(isReady: true).0 == .done)
        #expect(run("web").0 == .no)
        #expect(run("calm").0 == .done)
        #expect(run("--json").0 == .no)
        #expect(run("calm", "--json").0 == .done)
    }

    @Test func `what is wrong is told with what is behind it, within the terminal's width`() {
        let lines = run().1.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines
                == """
                not ready · 1 of 2 features ready · the service level is reduced

                FEATURE  STATE    LIVE  READY  BECAUSE
                calm     running  yes   yes
                web      running  yes   no     its dependency db (tcp 127.0.0.1:5432) fails:
                                               connection refused (and 1 more)

                web
                  NAME  IS A        CRITICAL  NOW    SINCE  FAILED  TARGET          BECAUSE
                  db    dependency  yes       fails   75 s      15  tcp             connection
                                                                    127.0.0.1:5432  refused

                """.split(separator: "\n", omittingEmptySubsequences: false))
        let degraded = run(isReady: true).1.output
        #expect(degraded.hasPrefix("ready, degraded · 2 of 2 features ready"))
        #expect(degraded.contains("degraded  its disk is slow"))
    }

    @Test func `a feature that is asked for is told whole, and one that is not there by its name`()
    {
        let (_, capture) = run("web")
        #expect(capture.output.contains("connection refused; it is tired"))
        #expect(!capture.output.contains("calm"))
        let (code, nobody) = run("nobody")
        #expect(code == .no)
        #expect(nobody.errors == "poise: there is no feature nobody; there are: calm, web\n")
    }
}
