import PoiseModel
import PoisePolicyFile
import PoiseSimulator

/// `poise simulate`: the live decision code over a load, on any machine.
enum SimulateCommand {
    static let command = Command(
        path: ["simulate"], summary: "run the daemon's decisions over a load, on any machine",
        options: [
            .policy, .machine,
            .init(
                name: "load", valueName: "FILE|SHAPE",
                help: "a trace, or wave, step, bursts, noise or day (default: wave)", value: .file),
            .init(
                name: "for", valueName: "TIME",
                help: "how long, such as 90s or 24h (default: what the load says)"),
            .init(name: "linear", help: "a trace's values go in straight lines from row to row"),
            .init(name: "seed", valueName: "N", help: "another course of bursts and noise"),
            .init(
                name: "svg", valueName: "FILE", help: "draw who had what, when, into a new file",
                value: .file),
            .json,
        ],
        notes: [
            "A trace is comma-separated. The first line names the columns, # begins a comment:",
            "  seconds,streaming,twin,twin:efficiency,agents:need",
            "  0,1.5,0.2,2,0                 what arrives from this second on, in cores' worth of",
            "  10,3,,,2                      work; an empty cell is 'as before'",
            "NAME:efficiency is work that goes to efficiency cores first, NAME:need what a feature",
            "signals that it needs (NAME:need-efficiency of efficiency cores). Or single requests,",
            "each with its cost in seconds of a performance core:",
            "  seconds,feature,cost",
            "  0.25,agents,0.04",
            "",
            "The table counts core seconds: HAD is what a feature was entitled to. BREACHES are",
            "times of 100 ms and more below its minimum, LOST is work that waited for over 5 s,",
            "P99 what all but 1 % of the work waited for at most, PRESSED the part of the time in",
            "which it waited for a CPU. An efficiency core does 0.6 of a performance core's work.",
            "Exit code 1 when a minimum was breached.",
        ],
        examples: [
            .init("poise simulate", "the default policy on this machine under a swinging load"),
            .init(
                "poise simulate --policy master-plan --machine core-i9-14900k --load bursts"
                    + " --svg course.svg",
                "with a chart, on a machine from hwprofiles"),
            .init(
                "poise simulate --policy my.yaml --load monday.csv --json",
                "over a recorded load, for a program"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let policy = try PolicyFolder.load(invocation[.policy] ?? "default")
        let machine = try MachineChoice.machine(invocation)
        let trace = try trace(invocation, policy)
        if let file = invocation["svg"], InputFile.exists(file) {
            throw CommandFailure(
                .no, "writing failed on \(file): it is there already (name a new file)")
        }
        var simulation = Simulation(machine: machine, policy: policy, trace: trace)
        let start = Stopwatch.ownTime
        let result = simulation.run { part in
            guard (Stopwatch.ownTime - start).inSeconds > 0.5 else { return }
            console.progress("simulating: \(Int(part * 100)) %")
        }
        let seconds = (Stopwatch.ownTime - start).inSeconds
        console.progress(nil)
        let view = SimulationView(
            result, decisionsPerSecond: Double(result.decisions) / max(seconds, 1e-9))
        if let file = invocation["svg"] {
            try OutputFolder.write(SimulationChart(result).text, to: file)
            console.note("the chart is in \(file)")
        }
        if invocation.wantsJSON {
            console.print(view.json)
        } else {
            for line in view.lines(console) { console.print(line) }
            let silent = policy.features.map(\.id).filter { !trace.features.contains($0) }
            if !silent.isEmpty {
                let names = silent.map(\.name).joined(separator: ", ")
                console.note("the load has nothing for \(names)")
            }
        }
        return result.features.allSatisfy { $0.minimumBreaches == 0 } ? .done : .no
    }

    /// The load that somebody means: a shape by its name, or a file.
    private static func trace(
        _ invocation: Invocation, _ policy: Policy
    ) throws(CommandFailure) -> LoadTrace {
        let name = invocation["load"] ?? LoadShape.wave.rawValue
        let length = try length(invocation)
        let seed = try seed(invocation)
        var trace: LoadTrace
        if let shape = LoadShape(rawValue: name) {
            trace = shape.trace(for: policy, length: length ?? shape.usualLength, seed: seed)
        } else {
            trace = try read(name, policy)
        }
        if invocation.has("linear") { trace.isLinear = true }
        trace.length = length ?? trace.length
        return trace
    }

    private static func read(
        _ path: String, _ policy: Policy
    ) throws(CommandFailure) -> LoadTrace {
        if !path.contains("/"), path != "-", !InputFile.exists(path) {
            let shapes = LoadShape.allCases.map(\.rawValue)
            let hint = Nearest.hint(for: path, among: shapes)
            throw CommandFailure(
                .no,
                "finding failed on the load \(path): there is no such file, and no shape of that"
                    + " name\(hint) (name a trace file)")
        }
        let bytes = try InputFile.read(path)
        let features = policy.features.map(\.id)
        switch LoadTrace.read(bytes, name: path, features: features) {
        case .trace(let trace): return trace
        case .mistakes(let mistakes):
            var lines = mistakes.map { $0.told(of: path) }
            if mistakes.count >= TraceLimit.mistakes { lines.append("further ones are not shown") }
            throw CommandFailure(.no, lines.joined(separator: "\n"), prefixed: false)
        }
    }

    private static func length(_ invocation: Invocation) throws(CommandFailure) -> Duration? {
        guard let text = invocation["for"] else { return nil }
        let length: Duration
        do throws(NotADuration) {
            length = try Duration(written: text)
        } catch {
            throw .use("'--for': \(error.text)", help: ["simulate"])
        }
        guard length >= .milliseconds(100), length.inSeconds <= TraceLimit.seconds else {
            throw .use("'--for' is between 100ms and a year, not '\(text)'", help: ["simulate"])
        }
        return length
    }

    private static func seed(_ invocation: Invocation) throws(CommandFailure) -> UInt64 {
        guard let text = invocation["seed"] else { return 1 }
        guard let seed = UInt64(text) else {
            throw .use("'--seed' is a whole number, not '\(text)'", help: ["simulate"])
        }
        return seed
    }
}
