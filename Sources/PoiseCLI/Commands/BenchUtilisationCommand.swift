import PoiseModel
import PoiseWire

/// `poise bench utilisation`: how busy the cores are, and what others cost the first feature.
enum BenchUtilisationCommand {
    static let command = Command(
        path: ["bench", "utilisation"],
        summary: "measure how busy cores are, and what others cost the first",
        options: [
            .init(name: "quick", help: "1 round of 3 seconds instead of 5 of 8"), .json,
        ],
        notes: [
            "Starts a poised of its own with three features of the plugin streaming, each with",
            "more work than there is time, by the backend affinity. In each round the one with",
            "the highest priority and a core of its own runs alone, and then with the others.",
        ],
        examples: [.init("poise bench utilisation", "takes about two minutes")],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let isQuick = invocation.has("quick")
        let trial = try UtilisationTrial(seconds: isQuick ? 3 : 8)
        var rounds: [Round] = []
        let count = isQuick ? 1 : 5
        for number in 1...count {
            console.note("round \(number) of \(count)")
            rounds.append(
                Round(alone: try trial.run(alone: true), all: try trial.run(alone: false)))
        }
        if invocation.wantsJSON {
            console.print(json(rounds))
        } else {
            show(rounds, console)
        }
        return .done
    }

    private struct Round {
        var alone: UtilisationTrial.Phase
        var all: UtilisationTrial.Phase

        /// What the others cost the first, per cent of its throughput.
        var lossPercent: Double { 100 * (1 - all.topPerSecond / alone.topPerSecond) }

        /// The CPU that was in use least.
        var leastBusyPercent: Double { 100 * (all.busy.values.min() ?? 0) }
    }

    private static func median(_ rounds: [Round], _ value: (Round) -> Double) -> Double {
        let sorted = rounds.map(value).sorted()
        return sorted[sorted.count / 2]
    }

    private static func json(_ rounds: [Round]) -> JSON {
        [
            "benchmark": "utilisation",
            "metrics": [
                "lossPercent": .number(median(rounds, \.lossPercent)),
                "leastBusyPercent": .number(median(rounds, \.leastBusyPercent)),
                "topPerSecondAlone": .number(median(rounds) { $0.alone.topPerSecond }),
                "topPerSecondWithOthers": .number(median(rounds) { $0.all.topPerSecond }),
                "allPerSecond": .number(median(rounds) { $0.all.allPerSecond }),
                "minimumBreaches": .integer(rounds.reduce(0) { $0 + $1.all.breaches.count }),
            ],
            "peers": [:],
        ]
    }

    private static func show(_ rounds: [Round], _ console: Console) {
        let cpus = rounds.first?.all.busy.keys.sorted() ?? []
        var table = Table(
            [
                .init("ROUND"), .init("TOP ALONE", number: true),
                .init("WITH OTHERS", number: true), .init("LOSS", number: true),
                .init("ALL", number: true),
            ] + cpus.prefix(8).map { .init("CPU \($0)", number: true) }
                + [.init("BELOW MINIMUM", wraps: true)])
        let millions = { (rate: Double) in QuantityText.decimal(rate / 1e6, digits: 2) + " M/s" }
        let percent = { (share: Double) in QuantityText.decimal(share, digits: 1) + " %" }
        for (number, round) in rounds.enumerated() {
            table.add(
                [
                    .init("\(number + 1)"), .init(millions(round.alone.topPerSecond)),
                    .init(millions(round.all.topPerSecond)), .init(percent(round.lossPercent)),
                    .init(millions(round.all.allPerSecond)),
                ]
                    + cpus.prefix(8).map { .init(percent(100 * (round.all.busy[$0] ?? 0))) }
                    + [.init(round.all.breaches.joined(separator: ", "), .bad)])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        let loss = percent(median(rounds, \.lossPercent))
        let busy = percent(median(rounds, \.leastBusyPercent))
        console.print(
            "Medians: the others cost the first \(loss) of its throughput, and the CPU that")
        console.print("was in use least was in use for \(busy) of the time.")
    }
}
