import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// The program itself, as a process.
@Suite struct ProcessTests {
    private func poise() throws -> String { try #require(InputFile.programFolder) + "/poise" }

    @Test func aFullDeviceIsAnErrorAndNotSilence() throws {
        let line = "\(try poise()) plan --machine vm-2-core >/dev/full"
        let told = try ProgramRun("/bin/sh", ["-c", "{ \(line); } 2>&1"])
        #expect(told.exitCode == 1)
        let text = String(decoding: told.output, as: UTF8.self)
        #expect(text.hasPrefix("poise: writing failed on standard output: ENOSPC"))
    }

    @Test("a turn that changes nothing writes nothing, and a move writes once a thread")
    func whatIsAppliedIsCounted() throws {
        let run = try ProgramRun(try poise(), ["bench", "apply", "--quick", "--json"])
        #expect(run.exitCode == 0)
        let json = try JSON.parse(run.output)
        #expect(json["benchmark"] == "apply")
        let keys = ["unchangedWrites", "writesPerMove", "p99Microseconds", "ratioToBareWrite"]
        #expect(json["metrics"]?.members?.map(\.key) == keys)
        #expect(try #require(json["peers"]?["bareWriteP50Microseconds"]?.number) > 0)
        let all = json["backends"]?.array ?? []
        let affinity = all.filter { $0["backend"] == "affinity" }
        #expect(affinity.map { $0["threads"]?.integer } == [1, 4])
        for one in all {
            #expect(one["metrics"]?["unchangedWrites"] == 0)
            #expect(try #require(one["unchangedTurns"]?.integer) > 0)
            let isAffinity = one["backend"] == "affinity"
            // A core that goes from a feature to another: one gets less, the other more.
            let least = isAffinity ? one["threads"]?.integer ?? 0 : 2
            #expect(one["metrics"]?["writesPerMove"]?.number == Double(least))
            #expect(try #require(one["metrics"]?["ratioToBareWrite"]?.number) > 0)
        }
    }

    @Test func whatCannotBeMeasuredIsSaid() throws {
        let capture = Capture()
        #expect(capture.run("bench", "apply", "--quick", "--cgroup", "/no/cgroup") == .no)
        #expect(capture.errors.hasPrefix("poise: measuring failed on /no/cgroup: "))
    }

    @Test func theBenchHasTheMetricsOfTheContract() throws {
        let run = try ProgramRun(try poise(), ["bench", "plan", "--quick", "--json"])
        #expect(run.exitCode == 0)
        let json = try JSON.parse(run.output)
        #expect(json["benchmark"] == "plan")
        #expect(json["peers"] == .object([]))
        let keys = json["metrics"]?.members?.map(\.key)
        #expect(keys == ["p50Microseconds", "p99Microseconds", "allocations"])
        let p50 = try #require(json["metrics"]?["p50Microseconds"]?.number)
        let allocations = json["metrics"]?["allocations"]?.number
        let why = json["allocationsUnknownBecause"]?.string
        #expect(p50 > 0)
        #expect((allocations ?? 0) > 0 || why != nil)
    }
}
