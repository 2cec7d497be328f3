import PoiseEngine
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

@testable import PoiseCLI

/// What may be asked, how it is answered, and by whom.
@Suite struct WhyNotTests {
    @Test(arguments: [
        (["4", "performance", "cores"], Question.cores(.performance, 4000)),
        (["4 performance cores"], .cores(.performance, 4000)),
        (["1", "low-power", "core"], .cores(.lowPower, 1000)),
        (["performance=0.5"], .cores(.performance, 500)),
        (["lowPower=2"], .cores(.lowPower, 2000)), (["cores=750m"], .cores(nil, 750)),
        (["3", "cores"], .cores(nil, 3000)), (["memory=8GiB"], .memory(8 << 30)),
        (["gpu=512MiB"], .gpu(512 << 20)), (["npu=50%"], .npu(50)), (["node=1"], .node(1)),
        (["cpus=4-7,9"], .cpus([4, 5, 6, 7, 9])), (["running"], .running),
    ])
    func everyFormIsRead(words: [String], question: Question) throws {
        #expect(try QuestionReader.read(words) == question)
    }

    @Test(arguments: [
        (["foo"], "write one of '4 performance cores', cores=4"),
        (["4", "perfomance", "cores"], "did you mean 'performance'?"),
        (["memory=8"], "has no unit"), (["memory=lots"], "write it as 512MiB"),
        (["node=x"], "such as node=1"), (["cpus=7-4"], "such as cpus=4-7,9"),
        (["cpus="], "such as cpus=4-7,9"), (["cores=0"], "nothing is asked for"),
        (["npu=150%"], "at most 100%"), (["cores=1.2345"], "finer than a thousandth"),
        (["=4"], "write one of"), ([""], "write one of"), (["node=99999999999999999999"], "node=1"),
    ])
    func aWrongFormIsToldWithARightOne(words: [String], told: String) throws {
        do {
            _ = try QuestionReader.read(words)
            Issue.record("\(words) was read")
        } catch {
            #expect(error.code == .wrongUse)
            #expect(error.text.contains(told), "\(error.text)")
        }
    }

    @Test(arguments: [
        (["why-not", "agents", "2", "performance", "cores"], ExitCode.done),
        (["why-not", "agents", "performance=3"], .done),
        (["why-not", "agents", "performance=5"], .no), (["why-not", "nobody", "running"], .no),
        (["why-not", "agents", "sunshine"], .wrongUse), (["explain", "agents"], .done),
        (["explain", "nobody"], .no),
    ])
    func theExitCodeIsTheAnswer(words: [String], code: ExitCode) {
        let capture = Capture()
        let options = ["--policy", "master-plan", "--machine", "core-i9-14900k"]
        #expect(capture.run(words + options) == code)
        #expect(capture.errors.isEmpty == (code == .done || words[2...].contains("performance=5")))
    }

    @Test func programsGetTheSameAnswer() throws {
        let words = ["why-not", "streaming", "performance=4", "--json"]
        let capture = Capture()
        let options = ["--policy", "master-plan", "--machine", "core-i9-14900k"]
        #expect(capture.run(words + options) == .no)
        let answer = try JSON.parse(capture.output)
        #expect(answer["verdict"] == "no")
        #expect(answer["constraint"]?["kind"] == "held")
        let cores = try #require(answer["constraint"]?["cores"]?.array?.first)
        let holders = cores["holders"]?.array ?? []
        let held = holders.reduce(0) { $0 + ($1["millicores"]?.integer ?? 0) }
        let rest = (cores["reserve"]?.integer ?? 0) + (cores["free"]?.integer ?? 0)
        #expect(held + rest == cores["millicores"]?.integer)
        let first = try #require(answer["remedies"]?.array?.first)
        #expect(first["changes"]?.array == ["raise its priority from 80 to 91"])
        #expect(first["losses"]?.array?.first?["feature"] == "agents")
        let explained = Capture()
        #expect(explained.run(["explain", "streaming", "--json"] + options) == .done)
        let explanation = try JSON.parse(explained.output)
        #expect(explanation["constraint"]?["kind"] == "ownWant")
        #expect(explanation["alternatives"]?.array?.isEmpty == false)
        #expect(explanation["more"]?["verdict"] == "onSignal")
    }

    /// A daemon's snapshot of two features on four cores, one of which is stopped.
    private func snapshot() throws -> Situation {
        let machine = machine([CoreGroup(4)])
        let policy = Policy(
            name: "live",
            features: [
                feature("one", priority: 60, performance: cores(1, 2, 3)),
                feature("two", priority: 50, performance: cores(1, 2, 4)),
            ])
        var made = Situation(
            machine: machine, policy: policy,
            plan: Planner(machine: machine, policy: policy).plan())
        made.absent[try #require(FeatureID("two"))] = "is stopped"
        made.plan = made.replanned()
        return made
    }

    @Test func aDaemonsSituationIsExplainedHere() throws {
        let json = try JSONEncoding.encode(try snapshot())
        let reply = "{\"parameters\": \(json)}"
        let told = "{\"parameters\": {\"feature\": \"one\", \"state\": \"running\"}}"
        let daemon = FakeDaemon([[reply], [told], [reply], ["{\"parameters\": {\"x\": 1}}"]])
        defer { daemon.folder.remove() }
        let options = ["--runtime-dir", daemon.folder.path]
        let why = Capture(width: 80)
        #expect(why.run(["why-not", "two", "running"] + options) == .no)
        #expect(why.output.hasPrefix("two has no place because it is stopped.\n"))
        #expect(why.output.contains("start it (poise feature start two)"))
        let explain = Capture(width: 80)
        #expect(explain.run(["explain", "one"] + options) == .done)
        #expect(explain.output.hasPrefix("one · running · priority 60\n"))
        let broken = Capture()
        #expect(broken.run(["why-not", "two", "running"] + options) == .unreachable)
        #expect(broken.errors.contains("reading failed on the daemon's snapshot"))
        #expect(
            daemon.received.map(\.text) == [
                "{\"method\":\"io.poise.Snapshot\"}",
                "{\"method\":\"io.poise.Explain\",\"parameters\":{\"feature\":\"one\"}}",
                "{\"method\":\"io.poise.Snapshot\"}", "{\"method\":\"io.poise.Snapshot\"}",
            ])
    }
}
