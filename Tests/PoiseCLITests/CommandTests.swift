import Glibc
import PoiseHardware
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseCLI

/// A folder of this test run for files; what is in it goes with `remove()`.
struct ScratchFolder {
    let path: String

    init() {
        var template = Array((Repository.temporary + "/poise-cli-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp: \(errno)") }
        path = String(cString: made)
    }

    func file(_ name: String, _ text: String) -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "w") else { preconditionFailure("\(file): \(errno)") }
        fputs(text, stream)
        fclose(stream)
        return file
    }

    func remove() {
        guard let entries = opendir(path) else { return }
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink("\(path)/\(name)")
        }
        closedir(entries)
        rmdir(path)
    }
}

@Suite struct CommandTests {
    private static let profiles = MachineSource.profiles()

    private func json(_ text: String) throws -> JSON { try JSON.parse(text) }

    private func keys(_ json: JSON?) -> Set<String> { Set((json?.members ?? []).map(\.key)) }

    /// Which of `expected` (words) the object lacks.
    private func missing(_ expected: String, in json: JSON?) -> Set<String> {
        Set(expected.split(separator: " ").map(String.init)).subtracting(keys(json))
    }

    @Test func topologyHasTheKeysOfTheContract() throws {
        let capture = Capture()
        #expect(capture.run("topology", "--json", "--policy", "default") == .done)
        let machine = try json(capture.output)
        let lacks = [
            missing(
                "name isThisSystem pus smt cores clusters nodes classes accelerators", in: machine),
            missing("id class pus node package cluster", in: machine["cores"]?.array?.first),
            missing("id osIndex pus bytes kind", in: machine["nodes"]?.array?.first),
            missing("class cores pus", in: machine["classes"]?.array?.first),
        ]
        #expect(lacks == [[], [], [], []])
        #expect(machine["isThisSystem"] == true)
        #expect(machine["plan"]?["policy"] == "default")
    }

    @Test func aPlanHasTheKeysOfTheContract() throws {
        let capture = Capture()
        _ = capture.run("plan", "--json")
        let plan = try json(capture.output)
        let feature = try #require(plan["features"]?.array?.first)
        let lacks = [
            missing("machine policy solveMicroseconds reserved idle features", in: plan),
            missing(
                "feature priority level cpus exclusive shared borrowed cores millicores weight"
                    + " nodes memory accelerators held unmet because", in: feature),
            missing("performance efficiency lowPower", in: feature["cores"]),
            missing("lowBytes highBytes maxBytes", in: feature["memory"]),
            missing("cpus memory", in: feature["held"]),
        ]
        #expect(lacks == [[], [], [], [], []])
        #expect(try #require(plan["solveMicroseconds"]?.integer) >= 0)
    }

    // Profiles come from the folder hwprofiles of the checkout.
    @Test(
        .enabled(if: !CommandTests.profiles.isEmpty, "no folder hwprofiles above the test"),
        arguments: CommandTests.profiles,
        ["default", "master-plan", "latency-first", "batch-overnight", "laptop-battery"])
    func everyPolicyPlansOnEveryProfile(profile: String, policy: String) throws {
        let words = ["plan", "--policy", policy, "--machine", profile]
        let (table, document) = (Capture(width: 80), Capture())
        let code = table.run(words + ["--show-machine"])
        #expect(code == .done || code == .no, "\(table.errors)")
        #expect(document.run(words + ["--json"]) == code)
        let plan = try json(document.output)
        let isWhole =
            plan["keptOut"]?.array?.isEmpty == true
            && (plan["features"]?.array ?? []).allSatisfy { $0["unmet"]?.array?.isEmpty == true }
        #expect(isWhole == (code == .done))
        #expect(table.errors.isEmpty)
        for feature in plan["features"]?.array ?? [] {
            #expect(table.output.contains(feature["feature"]?.string ?? "?"))
        }
        let widest = table.output.split(separator: "\n").map { DisplayWidth.of(String($0)) }.max()
        #expect(widest ?? 0 <= 80)
    }

    @Test func aPlanThatIsInForceIsKept() throws {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let first = Capture()
        _ = first.run("plan", "--json")
        let file = folder.file("plan.json", first.output)
        let second = Capture()
        _ = second.run("plan", "--json", "--in-force", file)
        #expect(try json(first.output)["features"] == json(second.output)["features"])
    }

    @Test(arguments: [
        ("{\"streaming\": {\"performance\": 0.5}}", ""),
        ("{\"streaming\": {\"perf\": 1}}", "at streaming.perf: classes are"),
        ("{\"streaming\": ", "demand.json:1:"), ("[]", "a demand is an object"),
    ])
    func aDemandThatIsNoneIsToldWithItsPlace(text: String, problem: String) {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let capture = Capture()
        let file = folder.file("demand.json", text)
        let code = capture.run("plan", "--demand", file)
        #expect(capture.errors.contains(problem), "\(capture.errors)")
        if !problem.isEmpty { #expect(code == .no) }
    }

    @Test func checkTellsAllMistakesOfAllFilesWithTheirPlaces() throws {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let good = folder.file(
            "good.yaml",
            "version: 1\nname: a\nfeatures: { x: { command: [run], memory: { min: 1GB } } }\n")
        let bad = folder.file("bad.yaml", "version: 1\nname: b\nfetures: {}\nrebalance: 5\n")
        let capture = Capture()
        #expect(capture.run("policy", "check", good, bad) == .no)
        #expect(capture.output.contains("\(good): policy a is good"))
        let lines = capture.errors.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("\(bad):3:1: error: ") && $0.contains("features") })
        #expect(lines.contains { $0.hasPrefix("\(bad):4:") && $0.contains(": error: ") })
        let document = Capture()
        #expect(document.run("policy", "check", "--json", good, bad) == .no)
        let files = try json(document.output)["files"]?.array ?? []
        #expect(files.map { $0["ok"] } == [true, false])
        #expect(document.errors.isEmpty)
    }

    @Test func checkOnAMachineWarnsOfWhatItCannotGive() {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let file = folder.file(
            "greedy.yaml",
            """
            version: 1
            name: greedy
            features:
              huge:
                command: ["true"]
                cores: { performance: { min: 9000, want: 9000, max: 9000 } }
            """)
        let capture = Capture()
        guard let profile = MachineSource.profiles().first else { return }
        #expect(capture.run("policy", "check", file, "--machine", profile) == .done)
        #expect(capture.errors.contains("warning: on \(profile): huge is kept out"))
    }

    @Test func diffTellsWhoGainsAndLoses() throws {
        let capture = Capture()
        #expect(capture.run("policy", "diff", "default", "default") == .done)
        #expect(capture.output.contains("nothing changes for anybody"))
        let document = Capture()
        #expect(document.run("policy", "diff", "default", "latency-first", "--json") == .done)
        let diff = try json(document.output)
        #expect(missing("machine old new movedCPUs changes routes", in: diff).isEmpty)
    }

    @Test func diffTellsOfRoutesOfTheBus() throws {
        let folder = ScratchFolder()
        defer { folder.remove() }
        func file(_ routes: String) -> String {
            folder.file(
                "p\(routes.count).yaml",
                "version: 1\nname: p\nreserve: { cores: 0.1 }\nfeatures:\n"
                    + "  a: { plugin: a, memory: { min: 1GB } }\n"
                    + "  b: { plugin: b, memory: { min: 1GB } }\n"
                    + "bus: { routes: { \(routes) } }\n")
        }
        let old = file("r: { topics: t }, s: { topics: u }")
        let new = file("q: { topics: v }, r: { topics: t }, s: { topics: u, ring: 4KiB }")
        let capture = Capture()
        #expect(capture.run("policy", "check", old) == .done)
        #expect(capture.output == "\(old): policy p is good, 2 features, 2 routes\n")
        #expect(capture.errors.isEmpty)
        let difference = Capture()
        #expect(difference.run("policy", "diff", old, new) == .done)
        #expect(difference.output.contains("nothing changes for anybody but on the bus"))
        #expect(difference.output.contains("  route added      q\n  route changed    s\n"))
        let document = Capture()
        #expect(document.run("policy", "diff", new, old, "--json") == .done)
        let routes = try json(document.output)["routes"]
        #expect(
            routes == [
                ["route": "q", "change": "removed"], ["route": "s", "change": "changed"],
            ])
    }

    @Test(arguments: [
        (["status"], ExitCode.unreachable), (["allocations"], .unreachable),
        (["explain", "x"], .unreachable), (["events"], .unreachable),
        (["feature", "stop", "x"], .unreachable), (["plugin", "list"], .unreachable),
        (["topology"], .unreachable), (["policy", "apply", "default"], .unreachable),
    ])
    func withoutADaemonTheExitCodeIsThree(words: [String], code: ExitCode) {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let capture = Capture()
        #expect(capture.run(words + ["--runtime-dir", folder.path]) == code)
        #expect(capture.errors.contains("no daemon at \(folder.path)/control.sock"))
        #expect(capture.output.isEmpty)
    }

    @Test(arguments: [
        ["plan", "--machine", "no-such-machine"], ["plan", "--policy", "no-such-policy"],
        ["topology", "--machine", "/dev/null"], ["topology", "--export", "/no/such/folder/x.xml"],
        ["plan", "--demand", "/no/such/file"], ["policy", "check", "/no/such/file"],
    ])
    func aFileThatIsNotThereIsAnErrorWithAWayOut(words: [String]) {
        let capture = Capture()
        #expect(capture.run(words) == .no)
        #expect(!capture.errors.isEmpty)
        #expect(capture.output.isEmpty)
    }

    @Test func outputThatCannotBeWrittenIsAnError() {
        let capture = Capture()
        capture.failure = .noSpace
        #expect(capture.run("plan") == .no)
        #expect(capture.errors.contains("writing failed on standard output: ENOSPC"))
    }
}
