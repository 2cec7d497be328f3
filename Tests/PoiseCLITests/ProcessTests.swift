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
