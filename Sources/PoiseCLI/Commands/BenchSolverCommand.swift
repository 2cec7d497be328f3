import PoiseBench
import PoiseModel
import PoiseWire

/// `poise bench solver`: how long a decision takes, by the size of the machine.
enum BenchSolverCommand {
    static let command = Command(
        path: ["bench", "solver"],
        summary: "measure what a decision costs, by the size of the machine",
        options: [.init(name: "quick", help: "300 decisions of each size instead of 4000"), .json],
        notes: [
            "A decision is a whole plan against the one in force, which cores included, after the",
            "demand of one of 16 features changed. Time is what the thread spent on a CPU,",
            "the middle of three times for each.",
        ],
        examples: [
            .init("poise bench solver", "at 256 and 1,024 CPUs, and from 2 to 64 nodes"),
            .init("poise bench solver --quick --json", "roughly, for a program"),
        ],
        perform: perform)

    private struct Measurement {
        var size: SolverBench.Size
        var p50: Double
        var p99: Double
    }

    /// What scx_layered's allocator took for counts alone (`unified_alloc`, release build, 256
    /// cores, 8 nodes, 16 layers), measured once on a machine like the one Poise was made on.
    private static let recordedCountsP99 = 111.0

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let count = invocation.has("quick") ? 300 : 4000
        let named = [SolverBench.Size.cpus256, .cpus1024].map { measure($0, count) }
        let series = SolverBench.Size.series.map { measure($0, count / 2) }
        let growth = Growth(series.map { (Double($0.size.nodes), $0.p50) }).exponent
        if invocation.wantsJSON {
            console.print(json(named, series, growth))
        } else {
            show(named, series, growth, console)
        }
        return .done
    }

    private static func measure(_ size: SolverBench.Size, _ count: Int) -> Measurement {
        var bench = SolverBench(size)
        // The first plans pay for cold caches and for memory that the heap has not got yet.
        _ = bench.run(count: count / 10) { 0 }
        let times = bench.run(count: count) { Stopwatch.ownTime.nanoseconds }
        return Measurement(
            size: size, p50: Double(times.percentile(50)) / 1000,
            p99: Double(times.percentile(99)) / 1000)
    }

    private static func json(
        _ named: [Measurement], _ series: [Measurement], _ growth: Double
    ) -> JSON {
        [
            "benchmark": "solver",
            "metrics": [
                "p99Microseconds256": JSON(named.first?.p99),
                "p99Microseconds1024": JSON(named.last?.p99),
                "p99Microseconds64Nodes": JSON(series.last?.p99),
                "growthExponent": .number(growth),
            ],
            "peers": ["recordedScxLayeredCountsP99Microseconds256": .number(recordedCountsP99)],
            "sizes": .array(
                (named + series).map { one in
                    [
                        "cpus": .integer(one.size.cpus), "nodes": .integer(one.size.nodes),
                        "features": .integer(SolverBench.features),
                        "p50Microseconds": .number(one.p50), "p99Microseconds": .number(one.p99),
                    ]
                }),
        ]
    }

    private static func show(
        _ named: [Measurement], _ series: [Measurement], _ growth: Double, _ console: Console
    ) {
        var table = Table([
            .init("CPUS", number: true), .init("NODES", number: true),
            .init("FEATURES", number: true), .init("P50", number: true),
            .init("P99", number: true), .init("GOAL", number: true),
        ])
        for one in named + series {
            let isSmall = one.size == .cpus256
            let goal =
                isSmall ? 150.0 : one.size == .cpus1024 || one.size == .nodes64 ? 1000 : nil
            table.add([
                .init("\(one.size.cpus)"), .init("\(one.size.nodes)"),
                .init("\(SolverBench.features)"), .init(time(one.p50)),
                .init(time(one.p99), goal.map { one.p99 <= $0 ? .good : .bad }),
                .init(goal.map { "≤ " + time($0) } ?? ""),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        console.print(
            "From 2 to 64 nodes the P50 grows as the nodes to the power of"
                + " \(QuantityText.decimal(growth, digits: 2)) (goal: 2 at most).")
        console.print(
            "For comparison: scx_layered's step that only counts took 111 µs (P99) at 256 CPUs and")
        console.print("8 nodes when it was measured apart from this run.")
    }

    private static func time(_ microseconds: Double) -> String {
        QuantityText.decimal(microseconds, digits: 1) + " µs"
    }
}
