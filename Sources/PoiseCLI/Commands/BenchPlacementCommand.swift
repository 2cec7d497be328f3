import PoiseBench
import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise bench placement`: how close together features stay while others come and go.
enum BenchPlacementCommand {
    static let command = Command(
        path: ["bench", "placement"],
        summary: "measure how close together features stay under churn",
        options: [
            .init(name: "quick", help: "300 operations and 1 seed instead of 1500 and 3"), .json,
        ],
        notes: [
            "The same streams of arrivals, departures and resizes go through Poise and through",
            "small ports of other allocators, written for this comparison from their descriptions.",
            "All is counted, so that a run gives the same figures on every machine.",
        ],
        examples: [
            .init("poise bench placement", "on 256 CPUs, and on every machine of hwprofiles"),
            .init("poise bench placement --quick --json", "roughly, for a program"),
        ],
        perform: perform)

    private static let loads = [70, 90]

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let isQuick = invocation.has("quick")
        let bench = PlacementBench(
            .server, operations: isQuick ? 300 : 1500, seeds: isQuick ? 1...1 : 1...3)
        let outcomes = loads.map { bench.run(loadPercent: $0) }
        let exact = ExactComparison(cases: isQuick ? 200 : 2000, seed: 1)
        let profiles = profiles(operations: isQuick ? 100 : 500)
        if invocation.wantsJSON {
            console.print(json(outcomes, exact, profiles))
        } else {
            show(outcomes, exact, console)
            console.print("")
            show(profiles, console)
        }
        return .done
    }

    /// One machine of `hwprofiles`, at 70 % load.
    private struct Profile {
        var name: String
        var machine: ChurnMachine
        var scores: [PlacementBench.Allocator: ChurnScore]
    }

    private static func profiles(operations: Int) -> [Profile] {
        MachineSource.profiles().compactMap { name in
            // One that cannot be read is the business of `poise topology`.
            guard let found = machine(name) else { return nil }
            let machine = ChurnMachine(found)
            let outcome = PlacementBench(machine, operations: operations, seeds: 1...1)
                .run(loadPercent: 70)
            return Profile(name: name, machine: machine, scores: outcome.scores)
        }
    }

    private static func machine(_ name: String) -> Machine? {
        do throws(TopologyError) {
            return try Machine.discover(from: .profile(name))
        } catch {
            return nil
        }
    }
}

// What is printed.
extension BenchPlacementCommand {
    private static func json(
        _ outcomes: [PlacementBench.Outcome], _ exact: ExactComparison, _ profiles: [Profile]
    ) -> JSON {
        let peers = PlacementBench.Allocator.allCases.filter { $0 != .poise }
        var metrics = members(of: .poise, outcomes)
        metrics += outcomes.map {
            .init("meanLoad\($0.loadPercent)", .number($0.meanLoad))
        }
        metrics.append(.init("exactWithin3Percent", .number(exact.share)))
        metrics.append(.init("ratioToExact", .number(exact.ratio)))
        return [
            "benchmark": "placement", "metrics": .object(metrics),
            "peers": .object(peers.map { .init($0.rawValue, .object(members(of: $0, outcomes))) }),
            "profiles": .array(
                profiles.map { profile in
                    let scores = PlacementBench.Allocator.allCases.compactMap { allocator in
                        profile.scores[allocator].map {
                            JSON.Member(allocator.rawValue, .object(members($0, "")))
                        }
                    }
                    return [
                        "machine": .string(profile.name),
                        "mixedWidth": .bool(profile.machine.hasMixedWidth),
                        "allocators": .object(scores),
                    ]
                }),
        ]
    }

    private static func members(
        of allocator: PlacementBench.Allocator, _ outcomes: [PlacementBench.Outcome]
    ) -> [JSON.Member] {
        outcomes.flatMap { outcome in
            outcome.scores[allocator].map { members($0, "\(outcome.loadPercent)") } ?? []
        }
    }

    private static func members(_ score: ChurnScore, _ load: String) -> [JSON.Member] {
        [
            .init("cacheSpan" + load, .number(score.cacheSpan)),
            .init("numaSpan" + load, .number(score.nodeSpan)),
            .init("notMinimal" + load, .number(score.scatteredShare)),
            .init("movedPerOperation" + load, .number(score.movedPerOperation)),
            .init("splitCores" + load, .number(score.splitShare)),
            .init("tooFewCPUs" + load, .number(score.shortShare)),
            .init("otherClass" + load, .number(score.foreignShare)),
        ]
    }

    private static func show(
        _ outcomes: [PlacementBench.Outcome], _ exact: ExactComparison, _ console: Console
    ) {
        var table = Table([
            .init("LOAD"), .init("ALLOCATOR"), .init("CACHE SPAN", number: true),
            .init("NUMA SPAN", number: true), .init("NOT MINIMAL", number: true),
            .init("MOVED/OPERATION", number: true),
        ])
        for outcome in outcomes {
            for allocator in PlacementBench.Allocator.allCases {
                guard let score = outcome.scores[allocator] else { continue }
                let isPoise = allocator == .poise
                let style = { (isGood: Bool) -> Paint.Style? in
                    isPoise ? isGood ? .good : .bad : nil
                }
                table.add([
                    .init(isPoise ? "\(outcome.loadPercent) %" : ""), .init(allocator.title),
                    .init(ratio(score.cacheSpan), style(score.cacheSpan <= 1.1)),
                    .init(ratio(score.nodeSpan), style(score.nodeSpan <= 1.03)),
                    .init(share(score.scatteredShare)),
                    .init(ratio(score.movedPerOperation), style(score.movedPerOperation <= 0.5)),
                ])
            }
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        for line in words { console.print(line) }
        console.print(
            "On \(exact.cases) random machines of up to 16 cores a plan from nothing is within 3 %"
                + " of an exact")
        console.print(
            "search in \(share(exact.share)) of cases (goal: 95 %), and needs"
                + " \(QuantityText.decimal(exact.ratio, digits: 4)) × its caches and nodes in all.")
    }

    private static let words = [
        "Spans: caches (nodes) that a feature is in, over the fewest for its size: 1 is best. Not",
        "minimal: features in more of them than they need. Moved: CPUs that a feature had to leave",
        "and did not give up. Goals for spans and moves: 1.10, 1.03 and 0.5.",
    ]

    private static func show(_ profiles: [Profile], _ console: Console) {
        guard !profiles.isEmpty else {
            console.note("the folder hwprofiles was not found: no other machines")
            return
        }
        var table = Table([
            .init("MACHINE"), .init("PUS/CORE"), .init("POISE", number: true),
            .init("MOVED", number: true), .init("KUBELET", number: true),
            .init("SPLIT", number: true), .init("BALLOONS", number: true),
            .init("SPLIT", number: true), .init("FIXED", number: true),
            .init("SHORT", number: true),
        ])
        for profile in profiles {
            let widths = Set(profile.machine.machine.cores.map(\.pus.count)).sorted()
            let score = { (allocator: PlacementBench.Allocator) in profile.scores[allocator] }
            let span = { (allocator: PlacementBench.Allocator) in
                Table.Cell(score(allocator).map { ratio($0.cacheSpan) } ?? "")
            }
            let bad = { (value: Double?) in
                Table.Cell(value.map(share) ?? "", value ?? 0 > 0 ? .bad : nil)
            }
            table.add([
                .init(profile.name),
                .init(widths.map { "\($0)" }.joined(separator: " and ")), span(.poise),
                .init(score(.poise).map { ratio($0.movedPerOperation) } ?? ""),
                span(.kubeletCaches), bad(score(.kubeletCaches)?.splitShare), span(.balloons),
                bad(score(.balloons)?.splitShare), span(.fixedCoreOrder),
                bad(score(.fixedCoreOrder)?.shortShare),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        for line in profileWords { console.print(line) }
    }

    private static let profileWords = [
        "Cache spans at 70 % load. SPLIT: features that share a core with another. SHORT: features",
        "with fewer CPUs than they asked for. Who takes every core to have the same number of PUs",
        "splits cores or gives too little where cores differ.",
    ]

    /// With two decimals always, so that columns compare at a glance.
    private static func ratio(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private static func share(_ value: Double) -> String {
        QuantityText.decimal(value * 100, digits: 1) + " %"
    }
}
