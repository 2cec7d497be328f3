import PoiseBench
import PoiseModel
import PoiseWire

/// `poise bench stability`: how calmly the load is followed.
enum BenchStabilityCommand {
    static let command = Command(
        path: ["bench", "stability"], summary: "measure how calmly and how well load is followed",
        options: [
            .init(name: "quick", help: "the same: it takes a second anyway"), .json,
        ],
        notes: [
            "Five features on 16 cores, a look every 100 ms for two minutes, in simulated time.",
            "What a feature uses is its load, up to what it has; the rest is pressure. Poise is",
            "the engine of the daemon; the others are ports of rules from their descriptions.",
        ],
        examples: [
            .init("poise bench stability", "all rules over all traces"),
            .init("poise bench stability --json", "for a program"),
        ],
        perform: perform)

    private typealias Line = (
        trace: StabilityTrace, rule: StabilityBench.Rule, score: StabilityBench.Score
    )

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let lines = StabilityTrace.allCases.flatMap { trace in
            StabilityBench.Rule.allCases.map { rule in
                (trace: trace, rule: rule, score: StabilityBench.run(rule, trace))
            }
        }
        if invocation.wantsJSON {
            console.print(json(lines))
        } else {
            show(lines, console)
        }
        return .done
    }

    private static func json(_ lines: [Line]) -> JSON {
        let peers = StabilityBench.Rule.allCases.filter { $0 != .poise }
        return [
            "benchmark": "stability", "metrics": traces(of: .poise, lines),
            "peers": .object(peers.map { .init($0.rawValue, traces(of: $0, lines)) }),
        ]
    }

    /// Numbers by name, such as `noiseResizes`.
    private static func traces(of rule: StabilityBench.Rule, _ lines: [Line]) -> JSON {
        .object(
            lines.filter { $0.rule == rule }.flatMap { line -> [JSON.Member] in
                let (name, score) = (line.trace.rawValue, line.score)
                return [
                    .init(name + "Resizes", .integer(score.resizes)),
                    .init(name + "SettlingDecisions", JSON(score.settlingDecisions)),
                    .init(name + "Overshoots", .integer(score.overshoots)),
                    .init(name + "MinimumBreaches", .integer(score.minimumBreaches)),
                    .init(name + "Unserved", .number(score.unserved)),
                    .init(name + "SpareCores", .number(score.spareCores)),
                ]
            })
    }

    private static func show(_ lines: [Line], _ console: Console) {
        var table = Table([
            .init("TRACE"), .init("RULE"), .init("RESIZES", number: true),
            .init("SETTLING", number: true), .init("OVERSHOOTS", number: true),
            .init("BREACHES", number: true), .init("UNSERVED", number: true),
            .init("SPARE", number: true),
        ])
        for (trace, rule, score) in lines {
            table.add([
                .init(rule == .poise ? trace.title : ""), .init(rule.title),
                .init("\(score.resizes)"),
                .init(score.settlingDecisions.map { QuantityText.decimal($0, digits: 1) } ?? ""),
                .init("\(score.overshoots)"),
                .init("\(score.minimumBreaches)", score.minimumBreaches == 0 ? nil : .bad),
                .init(QuantityText.decimal(score.unserved * 100, digits: 2) + " %"),
                .init(QuantityText.decimal(score.spareCores, digits: 1)),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        for line in words { console.print(line) }
    }

    private static let words = [
        "Less is better everywhere. SETTLING: resizes of a feature in the ten seconds after its",
        "load jumped. OVERSHOOTS: growth beyond 1.5 times the load and a core. BREACHES: looks at",
        "which a feature had less than its minimum. UNSERVED: work that found no CPU, of all work.",
        "SPARE: cores that features had and did not use; who holds all serves all.",
    ]
}
