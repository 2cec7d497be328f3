import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// What bash offers, by bash itself.
@Suite struct CompletionTests {
    /// The words offered for the last word of `line`; `poise` asks the daemon of that folder.
    private func offered(_ line: [String], daemon folder: String = "/no/daemon") throws -> [String]
    {
        let scratch = ScratchFolder()
        defer { scratch.remove() }
        let poise = try #require(InputFile.programFolder) + "/poise"
        let words = (["poise"] + line).map { "'\($0)'" }.joined(separator: " ")
        let script = """
            poise() { POISE_RUNTIME_DIR=\(folder) \(poise) "$@"; }
            source <(poise completions bash)
            cd \(scratch.path) && touch 'my.yaml'
            COMP_WORDS=(\(words)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _poise
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let run = try ProgramRun("/bin/bash", ["-uc", script])
        #expect(run.exitCode == 0)
        return String(decoding: run.output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test(arguments: [
        (["pol"], ["policy"]), (["policy", ""], ["check", "diff", "apply"]),
        (["feature", "st"], ["start", "stop"]), (["completions", "f"], ["fish"]),
        (["doctor", "--cg"], ["--cgroup"]), (["run", "--pol"], ["--policy-feature"]),
        (["policy", "check", "my"], ["my.yaml"]), (["plan", "--demand", ""], ["my.yaml"]),
        (["events", "--since", ""], []), (["status", "--js"], ["--json"]),
        (["run", "--policy-feature", "x", "--", "tru", "my"], ["my.yaml"]),
    ])
    func wordsFollowTheTable(line: [String], expected: [String]) throws {
        #expect(try offered(line) == expected)
    }

    @Test func namesOfPoliciesAndMachinesAreOffered() throws {
        #expect(try offered(["policy", "apply", "latency"]) == ["latency-first"])
        #expect(try offered(["plan", "--policy", "master"]) == ["master-plan"])
        #expect(try offered(["plan", "--machine", "vm-2"]) == ["vm-2-core"])
    }

    @Test func behindTwoDashesStandPrograms() throws {
        let line = ["run", "--policy-feature", "x", "--", "printe"]
        #expect(try offered(line).contains("printenv"))
    }

    @Test(arguments: [
        ["explain", "s"], ["feature", "stop", "s"], ["run", "--policy-feature", "s"],
    ])
    func namesOfFeaturesAreAskedOfTheDaemon(line: [String]) throws {
        let features = "[{\"feature\": \"streaming\"}, {\"feature\": \"twin\"}]"
        let answer = "{\"parameters\": {\"features\": \(features)}}"
        let daemon = FakeDaemon([[answer]])
        defer { daemon.folder.remove() }
        #expect(try offered(line, daemon: daemon.folder.path) == ["streaming"])
        #expect(try offered(line) == [], "without a daemon nothing is offered, and nothing said")
    }
}
