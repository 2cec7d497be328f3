import PoiseBench
import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise bench bus`: how fast features talk to each other, beside others' queues, and whether
/// anything is lost.
enum BenchBusCommand {
    static let command = Command(
        path: ["bench", "bus"], summary: "measure the bus beside others' queues, and its losses",
        options: [
            .init(name: "quick", help: "3 short rounds instead of 9"),
            .init(
                name: "audit", valueName: "MESSAGES",
                help: "only the loss audit, with so many messages (such as 1e9)"),
            .init(
                name: "kills", valueName: "N",
                help: "how many processes the audit kills (default: 100)"),
            .init(
                name: "seed", valueName: "S",
                help: "decides whom it kills and when (default: 1)"),
            .json,
        ],
        notes: [
            "Two processes on two CPUs; figures are the medians of rounds in which the bus and its",
            "peers take turns. Batches are of 32. A ratio is ours over theirs, in messages of 64",
            "bytes a second: to ck_ring one by one (it has no batches), to rte_ring in batches.",
            "The peers are built from scripts/bus-peers, of the Debian packages libck-dev,",
            "libdpdk-dev (its headers), liburcu-dev and libzmq3-dev; without them their ratios are",
            "null. The audit kills producers, the consumer and the process that keeps the memory.",
            "Exit code 1 when a message was lost, came twice or out of order.",
        ],
        examples: [
            .init("poise bench bus", "takes some minutes on a machine that is else idle"),
            .init("poise bench bus --quick --json", "roughly, for a program"),
            .init("poise bench bus --audit 1e9 --kills 100", "nothing lost, nothing twice"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        guard let program = InputFile.executable else {
            throw CommandFailure(
                .no, "measuring failed on the bus: /proc/self/exe cannot be read (mount /proc)")
        }
        if invocation.has("audit") {
            let plan = try plan(invocation)
            return try audit(program, plan, invocation, console)
        }
        for option in ["kills", "seed"] where invocation.has(option) {
            throw CommandFailure(.wrongUse, "--\(option) needs --audit (poise help bench bus)")
        }
        let figures: BusFigures
        do throws(BenchFailure) {
            let bench = BusBench(
                program: program, cpus: try .here(on: machine),
                effort: invocation.has("quick") ? .quick : .full
            ) { console.progress($0) }
            figures = try bench.run()
        } catch {
            console.progress(nil)
            throw CommandFailure(.no, error.description)
        }
        console.progress(nil)
        if invocation.wantsJSON {
            console.print(BusView.json(figures))
        } else {
            BusView(console).show(figures)
        }
        let isGood = figures.wrong == 0 && figures.audit?.isClean == true
        return isGood ? .done : .no
    }

    /// This machine, to choose two CPUs near each other; nil where it cannot be told.
    private static var machine: Machine? {
        do throws(TopologyError) {
            return try Machine.discover(from: .thisSystem)
        } catch {
            return nil
        }
    }

    private static func plan(_ invocation: Invocation) throws(CommandFailure) -> AuditPlan {
        let messages = try number("audit", 1...100_000_000_000, invocation) ?? 0
        let kills = try number("kills", 0...100_000, invocation) ?? 100
        let seed = try number("seed", 0...Int(Int32.max), invocation) ?? 1
        return AuditPlan(messages: messages, kills: kills, seed: UInt64(seed))
    }

    /// A whole number, also as `1e9`.
    private static func number(
        _ option: String, _ range: ClosedRange<Int>, _ invocation: Invocation
    ) throws(CommandFailure) -> Int? {
        guard let text = invocation[option] else { return nil }
        let whole = Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
        guard let whole, range ~= whole else {
            throw CommandFailure(
                .wrongUse,
                "--\(option) takes a whole number from \(range.lowerBound) to"
                    + " \(range.upperBound), not \(text)")
        }
        return whole
    }

    private static func audit(
        _ program: String, _ plan: AuditPlan, _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let outcome: AuditOutcome
        do throws(BenchFailure) {
            let audit = BusAudit(program: program, plan: plan) { console.progress($0) }
            outcome = try audit.run()
        } catch {
            console.progress(nil)
            throw CommandFailure(.no, error.description)
        }
        console.progress(nil)
        if invocation.wantsJSON {
            console.print(BusView.json(outcome, plan))
        } else {
            BusView(console).show(outcome)
        }
        return outcome.isClean ? .done : .no
    }
}
