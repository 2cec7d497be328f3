import PoiseModel
import PoiseSimulator
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseCLI

@Suite struct SimulateCommandTests {
    private static let usual = [
        "simulate", "--policy", "\(Repository.root)/Policies/master-plan.yaml",
        "--machine", "\(Repository.root)/hwprofiles/core-i9-14900k.xml",
    ]

    private func run(_ words: String..., width: Int = 100) -> (code: ExitCode, Capture) {
        let capture = Capture(width: width)
        return (capture.run(SimulateCommandTests.usual + words), capture)
    }

    @Test("the document has the keys of the contract")
    func document() throws {
        let (code, capture) = run("--load", "noise", "--for", "10s", "--json")
        #expect(code == .done && capture.errors.isEmpty)
        let json = try JSON.parse(capture.output)
        #expect(json["decisionsPerSecond"]?.number ?? 0 > 0)
        let features = try #require(json["features"]?.array)
        #expect(features.count == 5)
        for key in [
            "allocatedCoreSeconds", "usedCoreSeconds", "lentCoreSeconds", "borrowedCoreSeconds",
            "minimumBreaches", "resizes", "movedCPUs",
        ] {
            #expect(features.allSatisfy { $0[key]?.number != nil }, "\(key)")
        }
        #expect(features.contains { $0["usedCoreSeconds"]?.number ?? 0 > 1 })
    }

    @Test("the table fits the terminal", arguments: [80, 100, 140])
    func table(width: Int) {
        let (code, capture) = run("--for", "5s", width: width)
        #expect(code == .done)
        let lines = capture.output.split(separator: "\n")
        #expect(lines.allSatisfy { DisplayWidth.of(String($0)) <= width })
        #expect(capture.output.contains("streaming") && capture.output.contains("BREACHES"))
    }

    @Test("the chart names everybody, and a file that is there is left alone")
    func chart() throws {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let path = folder.path + "/course.svg"
        #expect(run("--for", "30s", "--load", "bursts", "--svg", path).code == .done)
        let svg = try #require(Repository.text(path))
        for word in ["<svg ", "</svg>", "agents", "twin", "master-plan", "seconds", "cores<"] {
            #expect(svg.contains(word), "\(word)")
        }
        #expect(svg.contains("class=\"move\"") && svg.contains("class=\"pressure\""))
        let (code, capture) = run("--for", "1s", "--svg", path)
        #expect(code == .no && capture.errors.contains("it is there already"))
        #expect(Repository.text(path) == svg)
    }

    @Test("names of others cannot break out of a chart")
    func escaping() {
        #expect(SVGText.escaped("a<b>&\"\u{1B}") == "a&lt;b&gt;&amp;&quot;\u{FFFD}")
    }

    @Test("a trace's mistakes are told with file and line")
    func mistakes() {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let path = folder.file("bad.csv", "seconds,streamin\n0,1\n")
        let (code, capture) = run("--load", path)
        #expect(code == .no && capture.output.isEmpty)
        #expect(
            capture.errors.hasPrefix(
                "\(path):1: error: the policy has no feature 'streamin'; did you mean 'streaming'?")
        )
    }

    @Test(
        "wrong use is told with a remedy",
        arguments: [
            (["--load", "wav"], ExitCode.no, "did you mean 'wave'?"),
            (["--for", "10"], .wrongUse, "has no unit"),
            (["--for", "1us"], .wrongUse, "between 100ms and a year"),
            (["--seed", "x"], .wrongUse, "is a whole number"),
        ])
    func wrongUse(words: [String], code: ExitCode, finding: String) {
        let capture = Capture()
        #expect(capture.run(SimulateCommandTests.usual + words) == code)
        #expect(capture.errors.contains(finding), "\(capture.errors)")
    }
}
