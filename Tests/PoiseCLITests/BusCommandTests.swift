import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

@Suite("poise bus")
struct BusCommandTests {
    private static func link(
        sent: Int, bytes: Int, depth: JSON = 3, dropped: Int = 0, incarnation: Int = 1,
        waits: [JSON] = [], urgent: Int = 0
    ) -> JSON {
        func lane(_ name: String, _ sent: Int, _ bytes: Int, _ dropped: Int) -> JSON {
            [
                "lane": .string(name), "sent": .integer(sent), "taken": 0, "bytes": .integer(bytes),
                "depth": depth, "droppedOldest": .integer(dropped), "droppedNewest": 0,
                "refused": 0, "spilled": 0, "missed": 0, "blockedNanoseconds": 0,
            ]
        }
        return [
            "link": "windows:a-sender-with-a-name>receiver", "route": "windows",
            "from": ["a-sender-with-a-name"], "to": "receiver",
            "incarnation": .integer(incarnation), "ringBytes": 262_144, "wait": "adaptive",
            "draining": false, "depth": depth, "depthBytes": 96, "sleeps": 10,
            "waits": .array(waits),
            "lanes": [lane("urgent", urgent, 0, 0), lane("normal", sent, bytes, dropped)],
        ]
    }

    private static func snapshot(_ seconds: Double, _ link: JSON) -> JSON {
        ["seconds": .number(seconds), "links": [link]]
    }

    private static func wait(_ upTo: Int, _ count: Int) -> JSON {
        ["upToNanoseconds": .integer(upTo), "count": .integer(count)]
    }

    private func run(
        _ words: [String], _ connections: [[String]], width: Int = 80
    ) -> (ExitCode, Capture) {
        let daemon = FakeDaemon(connections)
        defer { daemon.folder.remove() }
        let capture = Capture(width: width)
        return (capture.run(["bus"] + words + ["--runtime-dir", daemon.folder.path]), capture)
    }

    private func reply(_ json: JSON, continues: Bool = false) -> String {
        ControlReply(json, continues: continues).json.description
    }

    @Test func `rates are what was counted between two looks`() throws {
        let (first, second) = (
            Self.link(sent: 100, bytes: 1000, waits: [Self.wait(1000, 5)]),
            Self.link(
                sent: 5100, bytes: 65_000_000, dropped: 7,
                waits: [Self.wait(1000, 55), Self.wait(4000, 50)])
        )
        let rates = BusSnapshot(Self.snapshot(12, second)).rates(
            since: BusSnapshot(Self.snapshot(10, first)))
        let rate = try #require(rates.first)
        #expect(rate.messagesPerSecond == 2500)
        #expect(rate.drops.map(\.kind) == ["droppedOldest"])
        #expect(rate.p50Nanoseconds == 1000)
        #expect(rate.p99Nanoseconds == 4000)
    }

    @Test func `files that were made anew count from nothing`() throws {
        let rates = BusSnapshot(Self.snapshot(2, Self.link(sent: 50, bytes: 0, incarnation: 2)))
            .rates(since: BusSnapshot(Self.snapshot(1, Self.link(sent: 9000, bytes: 0))))
        #expect(try #require(rates.first).messagesPerSecond == 50)
    }

    @Test func `bus top shows a table within 80 columns, and what is unknown is a dash`() {
        let (code, capture) = run(
            ["top", "--once"],
            [
                [reply(Self.snapshot(1, Self.link(sent: 0, bytes: 0)))],
                [
                    reply(
                        Self.snapshot(
                            2,
                            Self.link(
                                sent: 4_200_000, bytes: 300_000_000, depth: .null, dropped: 3,
                                urgent: 5)))
                ],
            ])
        #expect(code == .done)
        #expect(capture.output.contains("4.2M"))
        #expect(capture.output.contains("oldest"))
        #expect(capture.output.contains("urgent"))
        #expect(capture.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(capture.output.contains("–"))
    }

    @Test func `bus top --json has the rates in camelCase`() throws {
        let (code, capture) = run(
            ["top", "--once", "--json"],
            [
                [reply(Self.snapshot(1, Self.link(sent: 0, bytes: 0)))],
                [reply(Self.snapshot(2, Self.link(sent: 10, bytes: 640)))],
            ])
        #expect(code == .done)
        let json = try JSON.parse(Array(capture.output.utf8))
        let link = try #require(json["links"]?.array?.first)
        #expect(link["messagesPerSecond"]?.number == 10)
        #expect(link["bytesPerSecond"]?.number == 640)
        #expect(link["p99Nanoseconds"] == .null)
    }

    @Test func `bus routes shows routes and links within 80 columns`() {
        let answer: JSON = [
            "arenaBytes": 0,
            "routes": [
                [
                    "route": "windows", "removed": false,
                    "topics": ["streaming.windows", "streaming.anomalies"], "from": ["streaming"],
                    "to": [], "delivery": "broadcast",
                    "full": ["rule": "block", "nanoseconds": 100_000_000],
                    "ringBytes": 262_144, "wait": "adaptive", "shared": false,
                    "links": [
                        [
                            "link": "windows:streaming>digest", "route": "windows",
                            "from": ["streaming"], "to": "digest", "incarnation": 1,
                            "ringBytes": 262_144, "node": 0, "draining": false, "shares": [100],
                            "written": true, "read": false,
                        ]
                    ],
                ]
            ],
        ]
        let (code, capture) = run(["routes"], [[reply(answer)]])
        #expect(code == .done)
        for text in ["streaming.anomalies", "waits 100 ms", "all", "no receiver", "256 KiB"] {
            #expect(capture.output.contains(text), "\(text) is missing")
        }
        #expect(capture.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let none = run(["routes"], [[reply(["arenaBytes": 0, "routes": []])]])
        #expect(none.1.output == "no routes: the policy has no bus (see its key bus)\n")
    }

    private let message: JSON = [
        "time": 1_795_300_690.25, "route": "r", "from": "a", "to": "b", "lane": "urgent",
        "sequence": 7, "bytes": 1200, "inArena": false,
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
        "text": "first\nsecond\u{1B}[2J",
    ]

    @Test func `bus trace shows messages and gaps, and nothing of a message acts on the terminal`()
    {
        let (code, capture) = run(
            ["trace", "windows", "--count", "2", "--payload"],
            [
                [
                    reply(["messages": []], continues: true),
                    reply(["messages": [message], "missed": 12], continues: true),
                    reply(["messages": [message], "missed": 0]),
                ]
            ])
        #expect(code == .done)
        let lines = capture.output.split(separator: "\n")
        #expect(lines.first == "12 messages passed unseen")
        #expect(lines.count == 7)
        #expect(capture.output.contains("a→b  urgent  #7  1200 B"))
        #expect(capture.output.contains("trace 0af7651916cd43dd8448eb211c80319c"))
        #expect(capture.output.contains("first\\nsecond\\u{1B}[2J"))
        #expect(!capture.output.contains("\u{1B}"))
    }

    @Test func `with --json each message and each gap is an object on a line of its own`() throws {
        let (_, capture) = run(
            ["trace", "windows", "--json"], [[reply(["messages": [message], "missed": 1])]])
        let lines = capture.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(try JSON.parse(Array(lines[0].utf8))["missed"]?.integer == 1)
        #expect(try JSON.parse(Array(lines[1].utf8)) == message)
    }

    @Test func `exit codes are those of all commands`() {
        let refusals: [(ControlReply.Failure, ExitCode)] = [
            (.notFound, .no), (.busy, .no), (.notAllowed, .notAllowed),
            (.badParameters, .wrongUse),
        ]
        for (failure, code) in refusals {
            let text = ControlReply(failure, "no").json.description
            #expect(run(["trace", "windows"], [[text]]).0 == code)
        }
        #expect(run(["trace", "windows", "--count", "0"], []).0 == .wrongUse)
        #expect(run(["trace"], []).0 == .wrongUse)
        let capture = Capture()
        #expect(capture.run("bus", "top", "--runtime-dir", "/nonexistent") == .unreachable)
    }
}
