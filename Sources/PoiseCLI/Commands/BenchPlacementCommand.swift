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
        for outcome in outcomes {
            for a in PlacementBench.Allocator.allCases {
                guard let s = outcome.scores[a] else { continue }
                print(outcome.loadPercent, outcome.meanLoad, a, s.cacheSpan, s.nodeSpan, s.scatteredShare, s.movedPerOperation, s.splitShare, s.shortShare)
            }
        }
        print(exact, exact.share, exact.ratio)
        return .done
    }
}
