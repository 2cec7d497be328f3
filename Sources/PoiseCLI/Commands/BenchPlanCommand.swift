import PoiseBench
import PoiseModel
import PoiseWire

/// `poise bench plan`: what a plan costs, in time and in allocations.
enum BenchPlanCommand {
    static let command = Command(
        path: ["bench", "plan"], summary: "measure what computing a plan costs",
        options: [
            .init(name: "quick", help: "100 plans of each kind instead of 4000"),
            .init(
                name: "count-allocations",
                help: "count in this process (it must be preloaded with \(AllocationCount.library))"
            ),
            .json,
        ],
        examples: [
            .init("poise bench plan", "p50 and p99 on a desktop and on a large server"),
            .init("poise bench plan --quick --json", "roughly, for a program"),
        ],
        perform: perform)

    /// One size and mode, measured.
    private struct Measurement {
        var name: String
        var mode: PlanBench.Mode
        var plans: Int
        var p50Nanoseconds: Int
        var p99Nanoseconds: Int
        /// Calls of the allocator for one plan, on average; nil when they could not be counted.
        var allocations: Double?
    }

    private static let cases = [BenchCase.desktop, BenchCase.server]

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let isQuick = invocation.has("quick")
        if invocation.has("count-allocations") {
            guard let reader = AllocationCount.reader else {
                throw CommandFailure(
                    .no,
                    "counting failed on this process: it has no \(AllocationCount.library)"
                        + " (set LD_PRELOAD to it)")
            }
            console.print(count(plans: isQuick ? 20 : 500, with: reader))
            return .done
        }
        let counted = AllocationsOfChild(isQuick: isQuick)
        let measured = cases.flatMap { measure($0, plans: isQuick ? 100 : 4000, counted) }
        if invocation.wantsJSON {
            console.print(json(measured, counted))
        } else {
            show(measured, counted, console)
        }
        return .done
    }

    private static func measure(
        _ benchCase: BenchCase, plans: Int, _ counted: AllocationsOfChild
    ) -> [Measurement] {
        PlanBench.Mode.allCases.map { mode in
            var bench = PlanBench(benchCase)
            // The first plans pay for cold caches and for memory that the heap has not got yet.
            _ = bench.run(mode, count: plans / 10) { 0 }
            let times = bench.run(mode, count: plans) { Stopwatch.ownTime.nanoseconds }
                .sorted()
            return Measurement(
                name: benchCase.name, mode: mode, plans: plans,
                p50Nanoseconds: times.percentile(50), p99Nanoseconds: times.percentile(99),
                allocations: counted.allocations(of: benchCase.name, mode))
        }
    }

    /// What the counting child prints: allocations a plan by size and mode.
    private static func count(plans: Int, with reader: () -> Int) -> JSON {
        .object(
            cases.map { benchCase in
                let modes = PlanBench.Mode.allCases.map { mode in
                    var bench = PlanBench(benchCase)
                    _ = bench.run(mode, count: plans / 10, cost: reader)
                    let total = bench.run(mode, count: plans, cost: reader).reduce(0, +)
                    return JSON.Member(mode.rawValue, .number(Double(total) / Double(plans)))
                }
                return .init(benchCase.name, .object(modes))
            })
    }

    private static func json(_ measured: [Measurement], _ counted: AllocationsOfChild) -> JSON {
        // The figures that are promised: the middle on the desktop, the tail on the server, each
        // in its dearer mode.
        let desktop = measured.filter { $0.name == cases[0].name }
        let server = measured.filter { $0.name == cases[1].name }
        let microseconds = { (nanoseconds: Int?) in JSON(nanoseconds.map { Double($0) / 1000 }) }
        return [
            "benchmark": "plan",
            "metrics": [
                "p50Microseconds": microseconds(desktop.map(\.p50Nanoseconds).max()),
                "p99Microseconds": microseconds(server.map(\.p99Nanoseconds).max()),
                "allocations": JSON(desktop.compactMap(\.allocations).max()),
            ],
            "peers": .object([]),
            "sizes": .array(
                measured.map { one in
                    [
                        "size": .string(one.name), "mode": .string(one.mode.rawValue),
                        "plans": .integer(one.plans),
                        "p50Microseconds": microseconds(one.p50Nanoseconds),
                        "p99Microseconds": microseconds(one.p99Nanoseconds),
                        "allocations": JSON(one.allocations),
                    ]
                }),
            "allocationsUnknownBecause": JSON(counted.problem),
        ]
    }

    private static func show(
        _ measured: [Measurement], _ counted: AllocationsOfChild, _ console: Console
    ) {
        var table = Table([
            .init("SIZE"), .init("KIND"), .init("PLANS", number: true),
            .init("P50", number: true), .init("P99", number: true),
            .init("ALLOCATIONS", number: true),
        ])
        for one in measured {
            let time = { (nanoseconds: Int) in
                QuantityText.decimal(Double(nanoseconds) / 1000, digits: 1) + " µs"
            }
            table.add([
                .init(one.name),
                .init(one.mode == .cold ? "from nothing" : "against a plan in force"),
                .init("\(one.plans)"), .init(time(one.p50Nanoseconds)),
                .init(time(one.p99Nanoseconds)),
                .init(
                    one.allocations.map { QuantityText.decimal($0, digits: 1) }
                        ?? console.glyphs.unknown),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        console.print(
            "Time that the planning thread spent on a CPU; what other load takes does not count.")
        if let problem = counted.problem { console.note("allocations unknown: \(problem)") }
    }
}

/// Allocations for each plan, counted by a second process of this program, so that counting does
/// not slow what is timed.
private struct AllocationsOfChild {
    private var counts: JSON = .null
    /// Why nothing was counted.
    private(set) var problem: String?

    init(isQuick: Bool) {
        guard let program = InputFile.executable else {
            problem = "/proc/self/exe cannot be read"
            return
        }
        guard let library = AllocationCount.path(program: program) else {
            problem =
                "\(AllocationCount.library) is not beside \(program)"
                + " (swift build --product poise-malloc-count)"
            return
        }
        let words = ["bench", "plan", "--count-allocations"] + (isQuick ? ["--quick"] : [])
        do {
            let run = try ProgramRun(program, words, extra: ["LD_PRELOAD=\(library)"])
            guard run.exitCode == 0 else {
                problem = "the counting process failed (status \(run.status))"
                return
            }
            counts = try JSON.parse(run.output)
        } catch {
            problem = "the counting process failed: \(error)"
        }
    }

    func allocations(of name: String, _ mode: PlanBench.Mode) -> Double? {
        counts[name]?[mode.rawValue]?.number
    }
}
