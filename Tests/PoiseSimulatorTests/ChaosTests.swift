import Glibc
import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// The daemon as a whole under everything that can go wrong, by seeds.
///
/// `POISE_SEED=N` runs one seed, `POISE_THOROUGH=1` runs 10 000.
@Suite struct ChaosTests {
    /// Seeds come in lots, so that they run beside each other.
    private static let lots: [ClosedRange<UInt64>] = {
        if let named = getenv("POISE_SEED").flatMap({ UInt64(String(cString: $0)) }) {
            return [named...named]
        }
        let count: UInt64 = getenv("POISE_THOROUGH") == nil ? 15 : 500
        return (0..<count).map { ($0 * 20 + 1)...($0 * 20 + 20) }
    }()

    @Test("every invariant holds after every turn, and all comes to rest", arguments: lots)
    func chaos(seeds: ClosedRange<UInt64>) {
        for seed in seeds {
            var run = ChaosRun(seed: seed)
            run.run(turns: 200)
            if run.breaches.isEmpty, seed % 5 == 0 { run.holdLoad() }
            if run.breaches.isEmpty { run.settle() }
            run.shutDown()
            if !run.breaches.isEmpty { Issue.record("\(run.report)") }
        }
    }
}

/// Bugs that are planted between the engine and the world; each must be found.
enum PlantedBug: String, CaseIterable, CustomTestStringConvertible {
    case startsTwice, startsOnForeignCPUs, startsOnNothing, startsBelowMinimum, startsOffline
    case losesStart, losesEnforce, losesKill, losesQuit
    case enforcesForeignCPUs, enforcesOffline, enforcesBelowMinimum
    case tellsTheDead, killsTheDead, stopsTheDead, tellsAgain
    case floodsNotes, floodsDeeds, quitsEarly, planBreaks, deadlineIsOver

    var testDescription: String { rawValue }

    /// What is said of it.
    var finding: String {
        switch self {
        case .startsTwice: "is started twice"
        case .startsOnForeignCPUs: "still has"
        case .startsOnNothing: "is started on no CPU"
        case .startsBelowMinimum, .enforcesBelowMinimum: "of at least"
        case .startsOffline, .enforcesOffline: "that are not there"
        case .losesStart, .tellsTheDead, .killsTheDead, .stopsTheDead: "has no process"
        case .losesEnforce: "the engine believes"
        case .losesKill: "has no place"
        case .losesQuit: "does not end when it is told to"
        case .enforcesForeignCPUs: "have the same CPUs"
        case .tellsAgain: "again"
        case .floodsNotes: "directives and notes"
        case .floodsDeeds: "directives in one turn"
        case .quitsEarly: "quits while"
        case .planBreaks: "plan:"
        case .deadlineIsOver: "ns ago"
        }
    }

    func plant(_ directives: inout [Directive], _ run: ChaosRun) {
        switch self {
        case .losesStart: directives.removeAll { if case .start = $0 { true } else { false } }
        case .losesEnforce: directives.removeAll { if case .enforce = $0 { true } else { false } }
        case .losesKill: directives.removeAll { if case .kill = $0 { true } else { false } }
        case .losesQuit: directives.removeAll { $0 == .quit }
        case .floodsNotes:
            directives += Array(repeating: .note(EngineEvent(.load, nil, "so")), count: 400)
        case .floodsDeeds: directives += Array(repeating: .adopt(run.engine.plan), count: 60)
        case .quitsEarly where !run.processes.isEmpty: directives.append(.quit)
        case .planBreaks, .deadlineIsOver, .quitsEarly: break
        default: directives = directives.flatMap { changed($0, run) }
        }
    }

    private func changed(_ directive: Directive, _ run: ChaosRun) -> [Directive] {
        switch directive {
        case .start(let feature, var allocation, let generation):
            if self == .startsTwice { return [directive, directive] }
            spoil(&allocation, of: feature, run, isStart: true)
            return [.start(feature, allocation, generation: generation)] + toTheDead(run)
        case .enforce(var changes):
            for index in changes.indices {
                let feature = changes[index].feature
                spoil(&changes[index].allocation, of: feature, run, isStart: false)
            }
            return [.enforce(changes)]
        case .tell(let feature, let allocation, let generation) where self == .tellsAgain:
            return [directive, .tell(feature, allocation, generation: generation)]
        default: return [directive]
        }
    }

    private func spoil(
        _ allocation: inout ResourceAllocation, of feature: FeatureID, _ run: ChaosRun,
        isStart: Bool
    ) {
        let foreign = run.processes.filter { $0.key != feature }
            .reduce(into: CPUSet()) { $0.formUnion($1.value.held.exclusive) }
        switch (self, isStart) {
        case (.startsOnForeignCPUs, true), (.enforcesForeignCPUs, false):
            allocation.exclusive.formUnion(foreign)
        case (.startsOnNothing, true):
            (allocation.exclusive, allocation.shared, allocation.borrowed) = ([], [], [])
        case (.startsBelowMinimum, true), (.enforcesBelowMinimum, false):
            allocation.millicores = .zero
        case (.startsOffline, true), (.enforcesOffline, false): allocation.shared.insert(4000)
        default: break
        }
    }

    private func toTheDead(_ run: ChaosRun) -> [Directive] {
        guard let dead = FeatureID("nobody") else { return [] }
        switch self {
        case .tellsTheDead:
            return [.tell(dead, ResourceAllocation(feature: dead, shared: [0]), generation: 1)]
        case .killsTheDead: return [.kill(dead)]
        case .stopsTheDead: return [.askToStop(dead, within: .seconds(1))]
        default: return []
        }
    }
}

@Suite struct ChaosCheckTests {
    @Test("a planted bug is found", arguments: PlantedBug.allCases)
    func planted(bug: PlantedBug) {
        var found: [String] = []
        for seed in 1...20 as ClosedRange<UInt64>
        where !found.contains(where: { $0.contains(bug.finding) }) {
            var run = ChaosRun(seed: seed) { bug.plant(&$0, $1) }
            if bug == .planBreaks {
                run.seenPlan = { plan in
                    var plan = plan
                    for index in plan.features.indices { plan.features[index].exclusive = [0] }
                    return plan
                }
            }
            if bug == .deadlineIsOver {
                run.seenDeadline = { _, now in Instant(nanoseconds: now - 5) }
            }
            run.run(turns: 100)
            if run.breaches.isEmpty { run.settle() }
            run.shutDown()
            found += run.breaches
        }
        #expect(found.contains { $0.contains(bug.finding) }, "found: \(found)")
    }

    @Test("a run is the same each time that its seed is run")
    func sameSeedSameRun() {
        var runs = [ChaosRun(seed: 12), ChaosRun(seed: 12)]
        for index in runs.indices { runs[index].run(turns: 100) }
        #expect(runs[0].report == runs[1].report && runs[0].engine.plan == runs[1].engine.plan)
        var other = ChaosRun(seed: 13)
        other.run(turns: 100)
        #expect(other.report != runs[0].report)
    }

    @Test("everything that can go wrong does go wrong in the usual seeds")
    func nothingIsMissed() {
        var kinds: Set<String> = []
        for seed in 1...30 as ClosedRange<UInt64> {
            var run = ChaosRun(seed: seed) { directives, _ in
                for case .note(let event) in directives { kinds.insert(event.kind.rawValue) }
                for case .kill in directives { kinds.insert("kill") }
            }
            run.run(turns: 200)
        }
        let wanted: Set = [
            "kill", "failed", "backingOff", "late", "forced", "refused", "found", "machineChanged",
            "policyChanged", "need", "load", "lent", "returned", "keptOut", "stopped",
        ]
        #expect(wanted.subtracting(kinds).isEmpty, "never: \(wanted.subtracting(kinds))")
    }
}
