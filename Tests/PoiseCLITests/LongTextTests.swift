import PoiseModel
import Testing

@testable import PoiseCLI

/// Texts that are longer, or other, than a terminal is made for.
@Suite struct LongTextTests {
    private static let name = String(repeating: "a-very-long-", count: 5) + "name"

    @Test("a long health is told below the table, and hides no column")
    func aLongHealthHidesNoColumn() throws {
        let health = "degraded: " + String(repeating: "the source is slow ", count: 10)
        let feature: JSON = [
            "feature": "streaming", "state": "running", "since": 90, "pid": 41, "priority": 80,
            "millicores": 1000, "cpus": "0-1", "health": .string(health),
        ]
        let lines = StatusView(["features": [feature]], console: Capture().console).lines
        let head = try #require(lines.first { $0.hasPrefix("FEATURE") })
        for title in ["PID", "PRIO", "HEALTH"] { #expect(head.contains(title)) }
        let row = try #require(lines.first { $0.hasPrefix("streaming") })
        #expect(row.contains(" 41 ") && row.hasSuffix("degraded"))
        #expect(lines.contains { $0.hasPrefix("  streaming  degraded: the source is slow") })
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= 100 })
    }

    @Test("the longest name of a feature leaves the plan within 80 columns")
    func aLongNameIsCut() {
        let feature: JSON = [
            "feature": .string(Self.name), "priority": 80, "cpus": "0-11", "millicores": 12000,
            "cores": ["performance": 4, "efficiency": 8], "nodes": "0-1",
            "memory": ["lowBytes": 268_435_456, "maxBytes": 1_073_741_824],
            "because": "as it wished",
        ]
        let lines = PlanView(["features": [feature]], console: Capture(width: 80).console).lines
        #expect(lines.contains { $0.hasPrefix("a-very-long-a-very-long…  ") })
        #expect(lines.contains { $0.contains(Self.name) }, "below it stands whole")
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= 80 }, "\(lines)")
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…"),
    ])
    func cuttingCountsColumns(text: String, width: Int, expected: String) {
        #expect(DisplayWidth.cut(text, to: width, .unicode) == expected)
    }

    @Test("control characters of arguments are not sent to the terminal")
    func errorsEscapeControlCharacters() {
        for words in [["\u{1B}[2Jx"], ["plan", "--machine", "a\u{7}b"], ["plan", "--\u{9B}31m"]] {
            let capture = Capture()
            #expect(capture.run(words) != .done)
            let controls = capture.errors.unicodeScalars.filter {
                $0.properties.generalCategory == .control && $0 != "\n"
            }
            #expect(controls.isEmpty, "\(capture.errors)")
        }
        #expect(PrintableText.of("a\u{1B}[2Jb\nc\u{202E}") == "a\\u{1B}[2Jb\nc\\u{202E}")
    }
}
