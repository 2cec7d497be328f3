import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

@Suite struct RunCommandTests {
    private static let yes = "{\"parameters\": {}}"

    /// Runs `poise run` as a process against a daemon that answers so.
    private func run(
        _ answer: String, _ words: [String]
    ) throws -> (run: ProgramRun, calls: [FakeDaemon.Call]) {
        let daemon = FakeDaemon([[answer]])
        defer { daemon.folder.remove() }
        let poise = try #require(InputFile.programFolder) + "/poise"
        let run = try ProgramRun(
            poise,
            ["run", "--policy-feature", "batch", "--runtime-dir", daemon.folder.path] + words)
        return (run, daemon.received)
    }

    @Test("the process that asks is the one that becomes the command")
    func theCallerBecomesTheCommand() throws {
        let (run, calls) = try run(Self.yes, ["--", "sh", "-c", "echo $$ $0; exit 7", "--json"])
        #expect(run.exitCode == 7)
        let call = try #require(calls.first)
        #expect(String(decoding: run.output, as: UTF8.self) == "\(call.process) --json\n")
        let json = try JSON.parse(Array(call.text.utf8))
        #expect(json["method"] == "io.poise.Run")
        #expect(json["parameters"] == ["feature": "batch"])
        #expect(call.waited)
    }

    @Test("the command has no descriptor of poise")
    func nothingIsLeftOpen() throws {
        let daemon = FakeDaemon([[Self.yes]])
        defer { daemon.folder.remove() }
        let poise = try #require(InputFile.programFolder) + "/poise"
        // What the test process has open to its children is closed first.
        let script = """
            for file in /proc/$$/fd/*; do
                number=${file##*/}
                if [ $number -gt 2 ] && [ $number -ne 255 ]; then eval "exec $number>&-"; fi
            done
            exec \(poise) run --policy-feature x --runtime-dir \(daemon.folder.path) -- \
                sh -c 'cd /proc/$$/fd && echo *'
            """
        let run = try ProgramRun("/bin/bash", ["-c", script])
        // 3 is the folder that is being read.
        #expect(String(decoding: run.output, as: UTF8.self) == "0 1 2 3\n")
    }

    @Test(arguments: [
        ("NotFound", 1), ("Refused", 1), ("NotAllowed", 4), ("Busy", 1), ("UnknownMethod", 1),
    ])
    func aRefusalRunsNothing(failure: String, code: Int32) throws {
        let answer = "{\"error\": \"io.poise.\(failure)\", \"parameters\": {\"text\": \"no\"}}"
        let (run, calls) = try run(answer, ["--", "echo", "ran"])
        #expect(run.exitCode == code)
        #expect(run.output.isEmpty)
        #expect(calls.count == 1)
    }

    @Test(arguments: [("/no/such/program", 127), ("no-such-program", 127), ("/", 126)])
    func aCommandThatCannotBeStartedHasTheCodesOfShells(program: String, code: Int32) throws {
        #expect(try run(Self.yes, ["--", program]).run.exitCode == code)
    }

    @Test func wrongUseAsksNobody() {
        let daemon = FakeDaemon([])
        defer { daemon.folder.remove() }
        for words in [["run", "--", "true"], ["run", "--policy-feature", "x"]] {
            let capture = Capture()
            #expect(capture.run(words) == .wrongUse)
            #expect(capture.errors.contains("'run' needs "))
        }
        #expect(daemon.received == [])
    }

    @Test func withoutADaemonNothingRuns() {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let capture = Capture()
        let words = ["run", "--policy-feature", "x", "--runtime-dir", folder.path, "--", "true"]
        #expect(capture.run(words) == .unreachable)
    }
}
