import PoiseBench
import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise bench apply`: what it costs to bring a decision into force.
enum BenchApplyCommand {
    static let command = Command(
        path: ["bench", "apply"], summary: "measure what bringing a decision into force costs",
        options: [
            .init(name: "quick", help: "3 runs of 100 changes instead of 7 of 2000"),
            .cgroup, .json,
        ],
        notes: [
            "With cgroup2 where the cgroup that it runs in (or --cgroup) is delegated, offers",
            "cpuset and is used by nobody; with affinity everywhere. It keeps four CPUs busy with",
            "processes of its own, and leaves the cgroup as it was. Figures are the medians of",
            "the runs; the metrics are those of the strongest backend that can be measured.",
        ],
        examples: [
            .init("poise bench apply", "by each backend that works here"),
            .init(
                "systemd-run --user -q --pipe --wait -p Delegate=yes poise bench apply --json",
                "in a delegated cgroup of its own"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let effort = invocation.has("quick") ? ApplyEffort.quick : .full
        let place = try place(invocation)
        var figures: [ApplyFigures] = []
        var problem: String?
        do throws(BenchFailure) {
            switch place {
            case .usable(let folder): figures.append(try CgroupApplyBench.run(in: folder, effort))
            case .unusable(let why): problem = why
            }
            for threads in [1, 4] {
                figures.append(try AffinityApplyBench.run(threads: threads, effort))
            }
        } catch {
            throw CommandFailure(.no, error.description)
        }
        if invocation.wantsJSON {
            console.print(json(figures, problem))
        } else {
            show(figures, problem, console)
        }
        return .done
    }

    private enum Place {
        case usable(String)
        case unusable(String)
    }

    /// The cgroup to measure in; one that was named and cannot be used is an error.
    private static func place(_ invocation: Invocation) throws(CommandFailure) -> Place {
        let isNamed = invocation.has(.cgroup)
        let choice = isNamed ? try DoctorCommand.subtree(invocation) : .own
        let host = HostCapabilities.probe(subtree: choice)
        let isGood =
            host.recommendedBackend == .cgroup2 && host.controllers?.contains("cpuset") == true
        if isGood, let folder = host.subtree?.folder { return .usable(folder) }
        let topics = ["cgroup2", "delegation", "cpuset"]
        let advice = host.advice.first { topics.contains($0.topic) }
        let why = advice.map { "this is missing: \($0.missing)" } ?? "the cgroup is not known"
        if isNamed {
            throw CommandFailure(
                .no,
                "measuring failed on \(invocation[.cgroup] ?? ""): \(why)"
                    + (advice?.command.map { " (\($0))" } ?? ""))
        }
        return .unusable(why)
    }

    private static func json(_ figures: [ApplyFigures], _ problem: String?) -> JSON {
        guard let best = figures.first else { return .null }
        return [
            "benchmark": "apply",
            "metrics": metrics(of: best),
            "peers": peers(of: best),
            "backend": .string(best.backend.rawValue),
            "backends": .array(
                figures.map { one in
                    [
                        "backend": .string(one.backend.rawValue), "threads": .integer(one.threads),
                        "unchangedTurns": .integer(one.unchangedTurns),
                        "p50Microseconds": .number(one.p50Microseconds),
                        "oneWriteP50Microseconds": .number(one.oneWriteP50Microseconds),
                        "metrics": metrics(of: one), "peers": peers(of: one),
                    ]
                }),
            "cgroup2UnknownBecause": JSON(problem),
        ]
    }

    private static func metrics(of one: ApplyFigures) -> JSON {
        [
            "unchangedWrites": .integer(one.unchangedWrites),
            "writesPerMove": .number(one.writesPerMove),
            "p99Microseconds": .number(one.p99Microseconds),
            "ratioToBareWrite": .number(one.ratioToBareWrite),
        ]
    }

    private static func peers(of one: ApplyFigures) -> JSON {
        [
            "bareWriteP50Microseconds": .number(one.bareP50Microseconds),
            "bareWriteP99Microseconds": .number(one.bareP99Microseconds),
        ]
    }

    private static func show(
        _ figures: [ApplyFigures], _ problem: String?, _ console: Console
    ) {
        var table = Table([
            .init("BACKEND"), .init("THREADS", number: true), .init("UNCHANGED", number: true),
            .init("WRITES/MOVE", number: true), .init("P50", number: true),
            .init("P99", number: true), .init("ONE WRITE", number: true),
            .init("BARE", number: true), .init("RATIO", number: true),
        ])
        let time = { (microseconds: Double) in
            QuantityText.decimal(microseconds, digits: 1) + " µs"
        }
        for one in figures {
            table.add([
                .init(one.backend.rawValue), .init("\(one.threads)"),
                .init("\(one.unchangedWrites)", one.unchangedWrites == 0 ? .good : .bad),
                .init(QuantityText.decimal(one.writesPerMove, digits: 2)),
                .init(time(one.p50Microseconds)), .init(time(one.p99Microseconds)),
                .init(time(one.oneWriteP50Microseconds)), .init(time(one.bareP50Microseconds)),
                .init(QuantityText.decimal(one.ratioToBareWrite, digits: 1)),
            ])
        }
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
        console.print("")
        for line in words { console.print(line) }
        if let problem { console.note("cgroup2 was not measured: \(problem)") }
    }

    private static let words = [
        "UNCHANGED: kernel writes in turns that changed nothing. P50, P99: from the decision until",
        "one core has moved, all written and read back (affinity: all threads moved). ONE WRITE,",
        "BARE, RATIO: a change of one write, the bare call in turn with it, and their quotient.",
    ]
}
