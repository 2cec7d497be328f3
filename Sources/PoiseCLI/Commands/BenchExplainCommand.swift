import PoiseBench
import PoiseEngine
import PoiseModel

/// `poise bench explain`: what an explanation and an answer to `why-not` cost.
enum BenchExplainCommand {
    static let command = Command(
        path: ["bench", "explain"], summary: "measure what an explanation costs",
        options: [.json],
        examples: [.init("poise bench explain", "on a desktop and on a large server")],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let results = [BenchCase.desktop, BenchCase.server].map(measure)
        if invocation.wantsJSON {
            console.print(.array(results))
            return .done
        }
        var table = Table([
            .init("MACHINE"), .init("EXPLAIN P50", number: true),
            .init("WHY-NOT P50", number: true),
            .init("MAX", number: true), .init("PLANS P50", number: true),
            .init("MAX", number: true), .init("FOUND", number: true),
        ])
        let time = { (value: JSON?) in
            value?.integer.map { QuantityText.duration(.nanoseconds($0)) } ?? ""
        }
        for result in results {
            table.add([
                .init(result["machine"]?.string ?? ""), .init(time(result["explainP50"])),
                .init(time(result["whyNotP50"])), .init(time(result["whyNotMax"])),
                .init("\(result["plansP50"]?.integer ?? 0)"),
                .init("\(result["plansMax"]?.integer ?? 0)"),
                .init("\(result["found"]?.integer ?? 0) of \(result["asked"]?.integer ?? 0)"),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        return .done
    }

    private static func measure(_ benchCase: BenchCase) -> JSON {
        let bench = ExplainBench(benchCase)
        let clock = { Stopwatch.ownTime.nanoseconds }
        _ = bench.explain(clock)
        let explained = bench.explain(clock).sorted()
        let answers = bench.whyNot(clock)
        let times = answers.map(\.nanoseconds).sorted()
        let plans = answers.map(\.plans).sorted()
        return [
            "machine": .string(benchCase.name), "explainP50": .integer(explained.percentile(50)),
            "whyNotP50": .integer(times.percentile(50)), "whyNotMax": JSON(times.last),
            "plansP50": .integer(plans.percentile(50)), "plansMax": JSON(plans.last),
            "asked": .integer(answers.count { $0.verdict == .no }),
            "found": .integer(answers.count(where: \.hasRemedy)),
            "cutShort": .integer(answers.count(where: \.isCutShort)),
        ]
    }
}
