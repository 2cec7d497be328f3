import PoiseEngine
import PoiseHardware
import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import Testing

@testable import PoiseSimulator

@Suite struct SimulationTests {
    private func policy(_ name: String) throws -> Policy {
        try Policy.load(path: "\(Repository.root)/Policies/\(name).yaml")
    }

    private func profile(_ name: String) throws -> Machine {
        try Machine.discover(from: .file("\(Repository.root)/hwprofiles/\(name).xml"))
    }

    private func run(
        _ policy: Policy, _ machine: Machine, _ trace: LoadTrace
    ) -> SimulationResult {
        var simulation = Simulation(machine: machine, policy: policy, trace: trace)
        return simulation.run()
    }

    @Test("what arrives is done or unserved, and nobody uses cores that are not there")
    func conservation() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let machine = randomMachine(using: &random)
            let policy = randomPolicy(using: &random)
            let shape = LoadShape.allCases.randomElement(using: &random) ?? .wave
            let trace = shape.trace(for: policy, length: .seconds(12), seed: seed)
            let result = run(policy, machine, trace)
            for feature in result.features {
                let sum = feature.doneWork + feature.unservedWork
                #expect(abs(feature.arrivedWork - sum) < 1e-6 * max(1, sum), "seed \(seed)")
                #expect(feature.minimumBreaches == 0, "seed \(seed): \(feature.feature)")
                let fair = feature.allocatedCoreSeconds + feature.borrowedInTruth + 1e-6
                #expect(feature.usedCoreSeconds <= fair, "seed \(seed): \(feature.feature)")
            }
            let used = result.features.reduce(0) { $0 + $1.usedCoreSeconds }
            #expect(used <= Double(machine.cores.count) * 12 + 1e-6)
            for one in result.classes {
                #expect(one.busySustained <= one.busyAtPeak + 1e-9 && one.busyAtPeak <= 1 + 1e-9)
            }
        }
    }

    @Test("the same load on the same machine has the same course")
    func sameAgain() throws {
        let policy = try policy("master-plan")
        let machine = try profile("core-i9-14900k")
        let trace = LoadShape.bursts.trace(for: policy, length: .seconds(10), seed: 5)
        #expect(run(policy, machine, trace) == run(policy, machine, trace))
    }

    @Test("a need that a trace signals moves cores within a hundredth of a second of the look")
    func needs() throws {
        var policy = Policy(
            name: "two",
            features: [
                feature("high", priority: 80, performance: cores(1, 2, 6)),
                feature("low", priority: 20, performance: cores(1, 4, 4)),
            ])
        policy.rebalance.shrinkAfter = .seconds(1)
        let names = policy.features.map(\.id)
        let text = "seconds,high:need\n0,0\n2,5\n4,0\n10,0\n"
        guard case .trace(let trace) = LoadTrace.read(Array(text.utf8), name: "t", features: names)
        else {
            Issue.record("no trace")
            return
        }
        let result = run(policy, machine([CoreGroup(6)]), trace)
        let high = result.chart.bins.map { $0.allocated[0] }
        let second = Int(1 / result.chart.binSeconds)
        #expect(high[second] == 2 && high[2 * second + 2] == 5)
        #expect(high.last == 2)
        #expect(result[id("low")]?.movedCPUs ?? 0 >= 3)
    }

    @Test("what the engine's account says was borrowed is what was, where cores have one thread")
    func account() {
        let policy = Policy(
            name: "two",
            features: [
                feature("high", priority: 80, performance: cores(4, 4, 4)),
                feature("low", priority: 20, performance: cores(2, 2, 8)),
            ])
        let text = "seconds,high,low\n0,0.2,5\n60,0.2,5\n"
        let reading = LoadTrace.read(
            Array(text.utf8), name: "t", features: policy.features.map(\.id))
        guard case .trace(var trace) = reading else {
            Issue.record("no trace")
            return
        }
        trace.length = .seconds(60)
        let result = run(policy, machine([CoreGroup(6)]), trace)
        let (high, low) = (result[id("high")], result[id("low")])
        #expect(low?.borrowedInTruth ?? 0 > 100)
        #expect(abs((low?.borrowedInTruth ?? 0) - (low?.borrowedCoreSeconds ?? 0)) < 6)
        #expect(abs((high?.lentInTruth ?? 0) - (high?.lentCoreSeconds ?? 0)) < 6)
        #expect(high?.unservedWork == 0)
    }

    @Test("a feature with less than its minimum is seen")
    func breaches() {
        let policy = Policy(name: "p", features: [feature("a", performance: cores(2, 2, 2))])
        let trace = LoadShape.step.trace(for: policy, length: .seconds(2), seed: 1)
        let place = machine([CoreGroup(2)])
        var recorder = Recorder(machine: place, policy: policy, trace: trace, step: 100_000_000)
        var world = World(
            machine: place, features: [id("a")], streams: [(0, nil)], threads: [2],
            settings: SimulationSettings())
        var shell = Shell(features: [id("a")], settings: SimulationSettings())
        var little = ResourceAllocation(feature: id("a"), exclusive: [0])
        little.millicores.performance = 1000
        shell.perform([.start(id("a"), little, generation: 1)], &world)
        world.advance(to: 50_000_000)
        _ = shell.answers(&world)
        world.advance(to: 100_000_000)
        for step in 2...5 {
            world.advance(to: step * 100_000_000)
            recorder.add(world, from: (step - 1) * 100_000_000, shell)
            recorder.endStretch(at: step * 100_000_000, length: 100_000_000)
        }
        #expect(recorder.result.features[0].minimumBreaches == 1)
        #expect(recorder.result.chart.marks.map(\.kind) == [.breach])
    }

    @Test(
        "cores are as busy as promised and the first in line loses nothing to the others",
        arguments: ["core-i9-14900k", "core-ultra-7-165h"])
    func utilisation(machine name: String) throws {
        var policy = try policy("master-plan")
        // How cores are divided among all features, not which of them rest under pressure.
        policy.levels = [:]
        let machine = try profile(name)
        let trace = LoadShape.wave.trace(for: policy, length: .seconds(60), seed: 1)
        let result = run(policy, machine, trace)
        // Performance cores at least 80 % busy at peak, efficiency cores 70 % all the time.
        let busy = { (coreClass: CoreClass) in
            result.classes.first { $0.coreClass == coreClass }
        }
        #expect(busy(.performance)?.busyAtPeak ?? 0 >= 0.8)
        #expect(busy(.efficiency)?.busySustained ?? 0 >= 0.7)
        #expect(result.features.allSatisfy { $0.minimumBreaches == 0 })
        let first = try #require(policy.features.max { $0.priority < $1.priority }?.id)
        var alone = policy
        alone.features = policy.features.filter { $0.id == first }
        let others = Set(policy.features.map(\.id)).subtracting([first])
        let before = run(alone, machine, trace.without(others))[first]?.doneWork ?? 0
        #expect(before > 50)
        #expect(result[first]?.doneWork ?? 0 >= 0.99 * before)
    }
}

/// Requests to language models as they arrived at Azure in November 2023.
@Suite(.enabled(if: Repository.shared != nil, "needs the folder of shared data"))
struct RequestTraceTests {
    /// `2023-11-16 18:17:03.9799600` in seconds of its day.
    private func seconds(_ text: Substring) -> Double? {
        let parts = text.split(separator: " ").last?.split(separator: ":").compactMap { Double($0) }
        guard let parts, parts.count == 3 else { return nil }
        return parts[0] * 3600 + parts[1] * 60 + parts[2]
    }

    @Test("recorded requests are served without one being lost")
    func requests() throws {
        let path = (Repository.shared ?? "") + "/data/traces/AzureLLMInferenceTrace_code.csv"
        guard let text = Repository.text(path) else { return }
        let serving = id("serving")
        var requests: [LoadTrace.Request] = []
        var first: Double?
        for line in text.split(whereSeparator: \.isNewline).dropFirst().prefix(3000) {
            let cells = line.split(separator: ",")
            guard cells.count == 3, let at = seconds(cells[0]), let read = Double(cells[1]),
                let written = Double(cells[2])
            else { continue }
            first = first ?? at
            let cost = read * 0.0001 + written * 0.004
            requests.append(.init(at: .seconds(at - (first ?? at)), feature: serving, cost: cost))
        }
        #expect(requests.count == 3000)
        let policy = Policy(
            name: "serving",
            features: [
                feature("serving", priority: 80, performance: cores(1, 2, 12)),
                feature("batch", priority: 10, performance: cores(1, 8, 12)),
            ])
        let trace = LoadTrace(
            name: "code", columns: [.init(id("batch"), .work(nil))],
            rows: [.init(at: .zero, values: [8])], requests: requests)
        var long = trace
        long.length = .seconds((requests.last?.at.inSeconds ?? 0) + 30)
        var simulation = Simulation(
            machine: machine([CoreGroup(12)]), policy: policy, trace: long)
        let result = simulation.run()
        let served = try #require(result[serving])
        #expect(served.unservedWork < 0.005 * served.arrivedWork)
        #expect(served.minimumBreaches == 0 && served.resizes > 10)
        #expect(result[id("batch")]?.usedCoreSeconds ?? 0 > served.usedCoreSeconds)
    }
}
