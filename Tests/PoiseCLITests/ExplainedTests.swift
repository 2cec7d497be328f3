import Glibc
import PoiseEngine
import PoiseHardware
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseCLI

/// What `poise explain` and `poise why-not` say, as text in `Golden/explained/NAME.txt`, to be read
/// aloud. `POISE_UPDATE_GOLDEN=1` writes the files anew.
@Suite struct ExplainedTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var machine: String
        /// A shipped policy, or the features of one.
        var policy: String
        var demand = "{}"
        var words: [String]

        var testDescription: String { name }
    }

    private static let plan = "master-plan"
    private static let desktop = "core-i9-14900k"
    private static let tiny = "vm-2-core"

    private static func yaml(_ name: String, _ priority: Int, _ rest: String) -> String {
        "  \(name): { command: [\"true\"], priority: \(priority), \(rest) }\n"
    }

    private static let twins =
        yaml(
            "left", 50,
            "cores: { performance: { min: 1, want: 6, max: 6, fallback: none },"
                + " weight: 300 }")
        + yaml("right", 50, "cores: { performance: { min: 1, want: 6, max: 6, fallback: none } }")
    private static let alone =
        yaml("only", 50, "cores: { performance: { min: 1, want: 2, max: 2 }, sharing: shared }")
    private static let hungry =
        yaml("cache", 70, "memory: { min: 8GiB, want: 40GiB, max: 60GiB }")
        + yaml("index", 50, "memory: { min: 4GiB, want: 40GiB, max: 60GiB }")
    private static let local =
        yaml(
            "strict", 50,
            "cores: { performance: { min: 1, want: 2, max: 4 } },"
                + " memory: { min: 1GiB, want: 500GiB, max: 600GiB, locality: strict }")
        + yaml("other", 60, "cores: { performance: { min: 1, want: 2, max: 4 } }")
    private static let picky =
        yaml("slow", 50, "cores: { lowPower: { min: 0, want: 1, max: 1, fallback: none } }")
        + yaml("fast", 60, "cores: { performance: { min: 1, want: 2, max: 2 } }")

    static let cases: [Case] = [
        Case(
            name: "hybrid-satisfied", machine: desktop, policy: plan,
            words: ["explain", "streaming"]
        ),
        Case(
            name: "signalled-need", machine: desktop, policy: plan,
            demand: "{\"twin\": {\"performance\": 3}}", words: ["explain", "twin"]),
        Case(
            name: "priority-and-minimums", machine: desktop, policy: plan,
            words: ["why-not", "streaming", "4", "performance", "cores"]),
        Case(
            name: "own-maximum", machine: desktop, policy: plan,
            words: ["why-not", "streaming", "performance=5"]),
        Case(
            name: "only-a-signal", machine: desktop, policy: plan,
            words: ["why-not", "twin", "cores=9"]),
        Case(
            name: "more-than-the-machine", machine: desktop, policy: plan,
            words: ["why-not", "nas", "cores=40"]),
        Case(
            name: "gpu", machine: desktop, policy: plan, words: ["why-not", "nas", "gpu=16GiB"]),
        Case(name: "no-npu", machine: desktop, policy: plan, words: ["explain", "fusion"]),
        Case(
            name: "taken-cpus", machine: desktop, policy: plan,
            words: ["why-not", "agents", "cpus=4-7"]),
        Case(name: "kept-out", machine: tiny, policy: plan, words: ["explain", "nas"]),
        Case(
            name: "kept-out-why-not", machine: tiny, policy: plan,
            words: ["why-not", "twin", "running"]),
        Case(name: "same-priority", machine: desktop, policy: twins, words: ["explain", "right"]),
        Case(name: "reserve", machine: tiny, policy: alone, words: ["explain", "only"]),
        Case(
            name: "memory-short", machine: desktop, policy: hungry,
            words: ["why-not", "index", "memory=40GiB"]),
        Case(
            name: "strict-locality", machine: "2x-xeon-platinum-8380", policy: local,
            words: ["explain", "strict"]),
        Case(
            name: "other-node", machine: "2x-epyc-9654", policy: plan,
            words: ["why-not", "agents", "node=1"]),
        Case(
            name: "many-caches", machine: "2x-epyc-9654", policy: plan,
            words: ["explain", "streaming"]),
        Case(name: "no-such-cores", machine: desktop, policy: picky, words: ["explain", "slow"]),
    ]

    @Test(arguments: cases) func readsLikeAPersonsAnswer(asked: Case) throws {
        let folder = ScratchFolder()
        defer { folder.remove() }
        var policy = asked.policy
        if policy.contains(":") {
            policy = folder.file(
                "p.yaml",
                "version: 1\nname: test\nreserve: { cores: 0.2, memory: 1GiB }\nfeatures:\n"
                    + policy)
        }
        let demand = folder.file("demand.json", asked.demand)
        let capture = Capture(width: 80)
        let code = capture.run(
            asked.words + ["--policy", policy, "--machine", asked.machine, "--demand", demand])
        #expect(capture.errors == "")
        let line = "$ poise \(asked.words.joined(separator: " "))\n"
        check(asked.name, line + capture.output + "exit code \(code.rawValue)\n")
    }

    private func check(_ name: String, _ text: String) {
        let file = "Tests/PoiseEngineTests/Golden/explained/\(name).txt"
        if getenv("POISE_UPDATE_GOLDEN") != nil { #expect(Repository.write(text, to: file)) }
        #expect(Repository.text(file) == text, "\(file)")
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        for word in ["ration", "[", "nil", "Optional", "millicore", " 1 cores", "  ,"] {
            let plain = text.replacing("generation", with: "")
            #expect(!plain.contains(word), "\(file) says '\(word)'")
        }
    }

    // MARK: What a daemon knows besides

    private func situation(
        load: [String: Situation.Load] = [:], needs: [String: Int] = [:],
        demands: [String: Int] = [:], change: (inout Situation) -> Void = { _ in }
    ) throws -> Situation {
        let policy = Policy(
            name: "live", reserve: Reserve(millicores: 1000),
            features: [
                feature("batch", priority: 20, performance: cores(1, 2, 8)),
                feature("web", priority: 80, performance: cores(1, 3, 5)),
            ])
        let machine = machine([CoreGroup(8, threads: 2, perCluster: 4)])
        let planned = { (amounts: [String: Int]) -> [FeatureID: Demand] in
            var found: [FeatureID: Demand] = [:]
            for (name, amount) in amounts {
                guard let id = FeatureID(name) else { continue }
                var demand = Demand()
                demand.wanted.performance = amount
                found[id] = demand
            }
            return found
        }
        let wanted = planned(demands.merging(needs) { load, _ in load })
        let plan = Planner(machine: machine, policy: policy).plan(demands: wanted)
        var made = Situation(
            machine: machine, policy: policy, plan: plan, demands: wanted, needs: planned(needs))
        for (name, value) in load { made.loads[try #require(FeatureID(name))] = value }
        change(&made)
        return made
    }

    private func explain(
        _ name: String, _ situation: Situation, told: JSON? = ["state": "running"]
    ) throws -> String {
        let id = try #require(FeatureID(name))
        let explanation = try #require(Explanation(of: id, in: situation))
        let console = Capture(width: 80).console
        return ExplainView(explanation, situation, told: told, console: console).lines
            .joined(separator: "\n") + "\n"
    }

    @Test func loadIsTold() throws {
        let load = Situation.Load(usedMillicores: 2900, pressurePerMille: 240, wants: 4200)
        let told = try explain(
            "web", try situation(load: ["web": load], demands: ["web": 4200]))
        check("load", told)
    }

    @Test func aLiarIsToldSo() throws {
        let load = Situation.Load(usedMillicores: 200, wants: 3000)
        let told = try explain(
            "web",
            try situation(load: ["web": load], needs: ["web": 5000], demands: ["web": 3000]))
        check("doubted", told)
    }

    @Test func aForecastIsTold() throws {
        let load = Situation.Load(usedMillicores: 1000, wants: 4000, isForetold: true)
        let told = try explain(
            "web", try situation(load: ["web": load], demands: ["web": 4000]))
        check("foretold", told)
    }

    @Test func loansAreToldOnBothSides() throws {
        let lent = try situation { made in
            guard let web = FeatureID("web"), let batch = FeatureID("batch"),
                let cpus = CPUSet("2-5")
            else { return }
            let free = made.plan[web]?.exclusive ?? []
            made.plan = made.plan.with([
                Loan(lender: web, borrower: batch, cpus: free.intersection(cpus))
            ])
        }
        check("lends", try explain("web", lent))
        check("borrows", try explain("batch", lent))
    }

    @Test func aFeatureThatFailedIsToldSo() throws {
        let failed = try situation { made in
            guard let web = FeatureID("web") else { return }
            made.absent[web] = "has failed: killed by signal 9"
            made.plan = made.replanned()
        }
        check("failed", try explain("web", failed, told: ["state": "failed"]))
    }

    @Test func aNeedWithinTheDeadbandIsTold() throws {
        let still = try situation(needs: ["web": 3100]) { made in
            guard let web = FeatureID("web"),
                let index = made.plan.features.firstIndex(where: { $0.feature == web })
            else { return }
            made.plan.features[index].wanted.performance = 3000
            made.plan.features[index].millicores.performance = 3000
        }
        check("deadband", try explain("web", still))
    }
}
