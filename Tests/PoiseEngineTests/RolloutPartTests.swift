import PoiseEngine
import PoiseHardware
import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import Testing

/// What goes out in two parts is what came in.
@Suite struct RolloutPartTests {
    private static let machines = Repository.files("hwprofiles", ending: ".xml")
    private static let policies = Repository.files("Policies", ending: ".yaml")
        .filter { !$0.contains("/chaos/") }

    private func expectWhole(
        _ whole: FeaturePolicy, _ share: Int, _ bytes: Int?,
        _ place: SourceLocation = #_sourceLocation
    ) {
        let (old, new) = whole.parts(share: share, bytesInUse: bytes)
        let note = "\(whole.id) at \(share) % with \(bytes ?? -1) bytes in use"
        for coreClass in CoreClass.allCases {
            for amount in [\CoreWish.min, \.want, \.max] {
                let sum =
                    (old.cores[coreClass]?[keyPath: amount] ?? 0)
                    + (new.cores[coreClass]?[keyPath: amount] ?? 0)
                #expect(sum == whole.cores[coreClass]?[keyPath: amount] ?? 0, "\(note)")
            }
            #expect(new.cores[coreClass]?.contradiction == nil, "\(note)")
            #expect(old.cores[coreClass]?.contradiction == nil, "\(note)")
        }
        #expect(old.memory.min + new.memory.min == whole.memory.min, "\(note)")
        #expect(old.memory.want + new.memory.want == whole.memory.want, "\(note)")
        #expect((old.memory.max == nil) == (whole.memory.max == nil), "\(note)")
        if let max = whole.memory.max {
            #expect((old.memory.max ?? 0) + (new.memory.max ?? 0) == max, "\(note)")
            let kept = min((bytes ?? 0) / 8 * 9, max - min(64 << 20, max / 2))
            #expect((old.memory.max ?? 0) >= kept, "\(note): the old one keeps what it uses")
            #expect((new.memory.max ?? 0) >= min(64 << 20, max / 2), "\(note)")
        }
        for part in [old, new] {
            #expect(part.contradiction == nil && part.memory.contradiction == nil, "\(note)")
            #expect(part.priority == whole.priority && part.level == whole.level)
        }
        if whole.weight > 1 { #expect(old.weight + new.weight == whole.weight, "\(note)") }
        if let weight = whole.ioWeight {
            #expect((old.ioWeight ?? 0) + (new.ioWeight ?? 0) == weight, "\(note)")
        }
        #expect(
            whole.npuPercent < 2 || old.npuPercent + new.npuPercent == whole.npuPercent,
            "\(note)")
        #expect(whole.gpuBytes < 2 || old.gpuBytes + new.gpuBytes == whole.gpuBytes, "\(note)")
    }

    @Test(arguments: policies) func `both parts are the whole at each step`(path: String) throws {
        let policy = try Policy.load(path: "\(Repository.root)/\(path)")
        for feature in policy.features {
            for share in [1, 5, 25, 50, 75, 99, 100] {
                for bytes in [nil, 0, 10 << 20, 1 << 30, 1 << 40] {
                    expectWhole(feature, share, bytes)
                }
            }
        }
    }

    @Test(arguments: 0..<40) func `both parts of any feature are the whole`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for feature in randomPolicy(using: &random).features {
            for share in 1...100 {
                expectWhole(feature, share, .random(in: 0...8 << 30, using: &random))
            }
        }
    }

    /// Every plugin of the policy is rolled out at once, on every machine: what was given a place
    /// before has one at each step, in both versions, and has as much.
    @Test(arguments: machines) func `each step has a plan on each machine`(path: String) throws {
        let machine = try Machine.discover(from: .file("\(Repository.root)/\(path)"))
        for policyPath in Self.policies {
            let policy = try Policy.load(path: "\(Repository.root)/\(policyPath)")
            let whole = Planner(machine: machine, policy: policy).plan()
            for share in [5, 25, 50, 75, 100] {
                var parts: [FeaturePolicy] = []
                for feature in policy.features {
                    var (old, new) = feature.parts(share: share)
                    new.id = try #require(Rollout.canary(of: feature.id))
                    old.id = feature.id
                    parts += [old, new]
                }
                var divided = policy
                divided.features = parts.sorted { $0.id < $1.id }
                let plan = Planner(machine: machine, policy: divided).plan(inForce: whole)
                let place = "\(machine.name) \(policy.name) at \(share) %"
                #expect(
                    PlanAudit(plan, machine: machine, policy: divided).breaches == [], "\(place)")
                for allocation in whole.features {
                    let canary = try #require(Rollout.canary(of: allocation.feature))
                    let both = [plan[allocation.feature], plan[canary]].compactMap(\.self)
                    #expect(both.count == 2, "\(place): \(allocation.feature) \(plan.keptOut)")
                    let sum = both.reduce(0) { $0 + $1.millicores.total }
                    // At 100 % the old ones have nothing, and a sliver each to run on.
                    let slivers = share == 100 ? 10 * whole.features.count : 0
                    #expect(
                        sum >= allocation.millicores.total - slivers,
                        "\(place): \(allocation.feature) had \(allocation.millicores.total)")
                }
            }
        }
    }
}

/// What is worse and what is not.
@Suite struct RolloutVerdictTests {
    private func figures(_ errors: Int?, _ latency: Int?, _ throughput: Int?) -> RolloutFigures {
        var figures = RolloutFigures(readings: 10)
        figures.errorsPerMille = errors
        figures.latencyP99Microseconds = latency
        figures.throughputPerCore = throughput
        return figures
    }

    @Test(
        arguments: [
            // old errors, latency, throughput; new ones; which are worse, e, l and t; u is unknown
            ([5, 1000, 1000], [5, 1000, 1000], "---"),
            ([5, 1000, 1000], [15, 1000, 1000], "---"),
            ([5, 1000, 1000], [16, 1000, 1000], "e--"),
            ([500, 1000, 1000], [0, 1, 9000], "---"),
            ([5, 1000, 1000], [5, 1300, 1000], "---"),
            ([5, 1000, 1000], [5, 1301, 1000], "-l-"),
            ([5, 10_000, 1000], [5, 12_101, 1000], "-l-"),
            ([5, 1, 1000], [5, 90, 1000], "---"),
            ([5, 1000, 1000], [5, 1000, 800], "---"),
            ([5, 1000, 1000], [5, 1000, 799], "--t"),
            ([5, 1000, 0], [5, 1000, 0], "---"),
            ([5, 1000, 1000], [5, 1000, 0], "--t"),
            ([5, 1000, 1000], [900, 90_000, 1], "elt"),
            ([nil, nil, nil], [900, 90_000, 1], "uuu"),
            ([5, 1000, 1000], [nil, nil, nil], "uuu"),
            ([5, nil, 1000], [5, 1000, nil], "-uu"),
        ] as [([Int?], [Int?], String)])
    func `a table of verdicts`(old: [Int?], new: [Int?], expected: String) {
        let verdict = RolloutVerdict(
            old: figures(old[0], old[1], old[2]), new: figures(new[0], new[1], new[2]))
        let letters = zip([verdict.errors, verdict.latency, verdict.throughput], ["e", "l", "t"])
        let text = letters.map { finding, letter in
            switch finding {
            case .worse: letter
            case .notWorse: "-"
            case .unknown: "u"
            }
        }
        #expect(text.joined() == expected)
        #expect(verdict.isBlind == (expected == "uuu"))
        #expect(verdict.isWorse == expected.contains { "elt".contains($0) })
    }
}

@Suite struct PluginVersionTests {
    @Test func `names of versions and of plugins`() {
        for name in ["1", "2.0.1", "1.4-rc1", "2026-07-01", "a_b+c", "plain"] {
            #expect(PluginVersion(name)?.name == name)
        }
        for name in ["", "-1", ".2", "a/b", "a@b", "a b", String(repeating: "1", count: 33)] {
            #expect(PluginVersion(name) == nil, "\(name)")
        }
        #expect(PluginVersion.parts(of: "streaming")?.version == .plain)
        let parts = PluginVersion.parts(of: "streaming@2.1")
        #expect(parts?.plugin == "streaming" && parts?.version.name == "2.1")
        for source in ["a/b", "/lib/libx.so", "x@", "x@plain", "@2", "x@@2"] {
            #expect(PluginVersion.parts(of: source) == nil, "\(source)")
        }
        #expect(PluginVersion("2")?.source(of: "app") == "app@2")
        #expect(PluginVersion.plain.source(of: "app") == "app")
    }
}
