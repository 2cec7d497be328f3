import PoiseModel
import StreamingCore
import Testing

private struct Mistaken: Sendable {
    let json: JSON
    let text: String

    init(_ json: JSON, _ text: String) {
        self.json = json
        self.text = text
    }
}

private let mistaken: [Mistaken] = [
    Mistaken(
        ["source": ["kind": "x"]],
        #"source.kind: expected one of system, file, folder, tcp, command, found "x""#),
    Mistaken(["source": ["kind": "file"]], "source.path: missing"),
    Mistaken(["source": ["kind": "file", "path": 5]], "source.path: expected a text, found 5"),
    Mistaken(["source": ["kind": "tcp"]], "source.port: missing"),
    Mistaken(
        ["source": ["kind": "tcp", "port": 70000]],
        "source.port: expected a whole number from 0 to 65535, found 70000"),
    Mistaken(
        ["source": ["kind": "tcp", "port": 1, "path": "x"]],
        "source.path: only a source of kind file or folder has one"),
    Mistaken(
        ["source": ["kind": "command", "command": "ls"]],
        "source.command: expected a list of texts, the program first"),
    Mistaken(["source": ["rate": 0]], "source.rate: expected more than 0 events a second"),
    Mistaken(["source": ["rate": "fast"]], #"source.rate: expected a number, found "fast""#),
    Mistaken(
        ["source": ["format": "xml"]],
        #"source.format: expected one of auto, csv, json, found "xml""#),
    Mistaken(
        ["source": ["period": "5"]],
        #"source.period: expected a duration such as 100ms, 10s, 5min or 1h, found "5""#),
    Mistaken(
        ["source": ["period": "1ms"]], "source.period: expected at least 10ms and at most a year"),
    Mistaken(
        ["source": ["kind": "file", "path": "x", "repeat": "yes"]],
        #"source.repeat: expected true or false, found "yes""#),
    Mistaken(["window": ["size": "0s"]], "window.size: expected at least 1ms and at most a year"),
    Mistaken(
        ["window": ["slide": "1s"]],
        "window.slide: only a sliding window has one (set kind: sliding)"),
    Mistaken(
        ["window": ["kind": "sliding", "size": "1s", "slide": "2s"]],
        "window.slide: expected no more than window.size"),
    Mistaken(
        ["window": ["kind": "sliding", "size": "10s", "slide": "9999999us"]],
        "window.slide: expected a slide that divides window.size, or nearly so"),
    Mistaken(["window": 5], "window: expected an object, found 5"),
    Mistaken(
        ["anomaly": ["threshold": 1]], "anomaly.threshold: expected more than 0 and less than 1"),
    Mistaken(
        ["load": ["shape": "wave", "low": 5, "high": 2]],
        "load.low: expected 0 or more, and no more than load.high"),
    Mistaken(["load": ["shape": "wave"]], "load.high: expected more than 0 events a second"),
    Mistaken(["output": 5], "output: expected a text, found 5"),
    Mistaken(
        ["windows": [:]],
        "windows: unknown key (known: source, window, watermark, idle, anomaly, keys, output, load)"
    ),
    Mistaken(5, "expected an object, found 5"),
]

@Test(arguments: mistaken)
private func mistakeIsToldWithItsPath(mistaken: Mistaken) {
    #expect(throws: ConfigurationMistakes(mistakes: [mistaken.text])) {
        try StreamingConfiguration(mistaken.json)
    }
}

@Test func everyMistakeIsToldAtOnce() {
    let json: JSON = ["window": ["size": "x"], "watermark": 1, "output": ""]
    do {
        _ = try StreamingConfiguration(json)
        Issue.record("no mistake was found")
    } catch {
        #expect(error.mistakes.count == 3)
    }
}

@Test func nothingGivenIsThisMachineItself() throws {
    for json in [JSON.null, .object([])] {
        let configuration = try StreamingConfiguration(json)
        #expect(configuration.source == .system(period: .milliseconds(100)))
        #expect(configuration.load == nil)
        #expect(configuration.shape == WindowShape(size: .seconds(10)))
    }
}

@Test func everythingGivenIsTaken() throws {
    let json: JSON = [
        "source": [
            "kind": "folder", "path": "/data", "repeat": true, "format": "csv", "key": "host",
            "time": "at", "rate": 1000,
        ],
        "window": ["kind": "sliding", "size": "10s", "slide": "2s"], "watermark": "500ms",
        "anomaly": ["threshold": 0.99], "keys": 100, "output": "-",
        "load": ["shape": "wave", "low": 10, "high": 100, "period": "1min"],
    ]
    let configuration = try StreamingConfiguration(json)
    #expect(configuration.source == .folder(path: "/data", again: true))
    #expect(configuration.shape == WindowShape(size: .seconds(10), slide: .seconds(2)))
    #expect(configuration.lateness == .milliseconds(500))
    #expect(configuration.anomalyThreshold == 0.99)
    #expect(configuration.output == .standardOutput)
    #expect(configuration.load == .wave(low: 10, high: 100, period: .seconds(60)))
    #expect(try StreamingConfiguration(["anomaly": false]).anomalyThreshold == nil)
}
