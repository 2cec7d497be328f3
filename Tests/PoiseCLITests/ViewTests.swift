import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// What the daemon says, shown to people.
@Suite struct ViewTests {
    private let console = Capture(width: 94).console

    @Test func whatTheDaemonDoesNotKnowIsADash() {
        let status: JSON = [
            "version": "0.1.0", "pid": 7, "backend": "affinity", "machine": "vm",
            "policy": "default", "policyPath": nil, "uptimeSeconds": 90, "turns": 12,
            "reaction": [
                "need": ["count": 0, "p50Microseconds": nil, "p99Microseconds": nil],
                "pressure": ["count": 1, "p50Microseconds": 40_120, "p99Microseconds": 91_000.5],
                "apply": ["count": 9, "p50Microseconds": 4.25, "p99Microseconds": 310.7],
                "turn": ["count": 9, "p50Microseconds": 31.4, "p99Microseconds": 1900],
            ],
            "features": [
                [
                    "feature": "background", "state": "backingOff", "since": 0.5, "pid": nil,
                    "priority": 20, "millicores": 500, "cpus": "0-1", "coresBusy": nil,
                    "memoryBytes": nil, "threads": nil, "restarts": 3,
                    "lastProblem": "killed by signal 9", "generation": 4, "report": nil,
                    "health": nil, "dropped": nil,
                ],
                [
                    "feature": "streaming", "state": "running", "since": 90, "pid": 41,
                    "priority": 80, "millicores": 1000, "cpus": "0-1", "coresBusy": 0.754,
                    "memoryBytes": 67_108_864, "threads": 4, "restarts": 0, "lastProblem": nil,
                    "generation": 4, "health": "good", "dropped": 0,
                    "report": [
                        "utilisation": 0.75, "queueDepth": 3, "throughputPerSecond": 19998.7,
                        "latencyP50Seconds": nil, "latencyP99Seconds": 0.0042, "errors": 0,
                        "gauges": .object([]),
                    ],
                ],
            ],
        ]
        #expect(
            StatusView(status, console: console).lines == [
                "poised 0.1.0 · pid 7 · up 90 s · backend affinity · 12 turns",
                "machine vm · policy default · 1 of 2 features running",
                "reaction (p50/p99) · pressure 40/91 ms · apply 4.3/311 µs"
                    + " · turn 31 µs/1.9 ms",
                "",
                "FEATURE     STATE        SINCE  RESTARTS  CORES  CPUS  BUSY  MEMORY  RATE/S"
                    + "     P99  HEALTH",
                "background  backingOff  500 ms         3    0.5  0-1      –       –       –"
                    + "       –  –",
                "streaming   running       90 s         0      1  0-1   0.75  64 MiB   19999"
                    + "  4.2 ms  good",
                "",
                "Last problems",
                "  background  killed by signal 9",
            ])
    }

    @Test func anEmptyStatusIsShownAndDoesNotFail() {
        let lines = StatusView(.object([]), console: console).lines
        #expect(lines.last == "no features")
        #expect(PlanView(.null, console: console).lines.contains("no feature has a place"))
    }

    @Test(arguments: [
        (ControlReply.Failure.unknownMethod, ExitCode.no), (.badParameters, .wrongUse),
        (.notFound, .no), (.refused, .no), (.busy, .no), (.notAllowed, .notAllowed),
    ])
    func aRefusalOfTheDaemonHasItsExitCode(failure: ControlReply.Failure, code: ExitCode) {
        #expect(DaemonCall.failure(failure, text: "why", of: .explain).code == code)
    }

    @Test(arguments: [
        (ControlError.unreachable(socket: "s", .noSuchFile), ExitCode.unreachable),
        (.notAllowed(socket: "s"), .notAllowed), (.broken(socket: "s", "x"), .unreachable),
    ])
    func aBrokenConnectionHasItsExitCode(error: ControlError, code: ExitCode) {
        let failure = DaemonCall.failure(error)
        #expect(failure.code == code)
        #expect(failure.text == "poise: \(error)")
    }
}
