import PoiseModel
import PoisePolicyFile
import PoiseWire

/// `poise chaos run`: the faults of a scenario, and what came of them.
enum ChaosRunCommand {
    static let command = Command(
        path: ["chaos", "run"],
        summary: "do the harm that a scenario file says, and report what came of it",
        arguments: [
            .init(
                name: "FILE", help: "a scenario file, or a name in Policies/chaos", value: .file)
        ],
        options: [.json, .runtimeFolder],
        notes: [
            "Exit code 1 when something that the scenario expects did not hold."
        ],
        examples: [
            .init("poise chaos run kill-streaming", "a scenario that comes with Poise"),
            .init("poise chaos run my.yaml --json", "your own, as one JSON document"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let reading = ChaosScenario.read(path: path(named: invocation.arguments[0]))
        guard let scenario = reading.scenario else {
            let text = reading.mistakes.map(\.description).joined(separator: "\n")
            throw CommandFailure(.no, text, prefixed: false)
        }
        for mistake in reading.mistakes { console.note(mistake.description) }
        var trial = try ChaosTrial(scenario, DaemonCall(invocation))
        try trial.run { console.progress($0) }
        console.progress(nil)
        let report = ChaosReport(trial)
        if invocation.wantsJSON {
            console.print(report.json)
        } else {
            for line in report.lines(console) { console.print(line) }
        }
        return report.isGood ? .done : .no
    }

    /// The file that somebody means: a path, or the name of a scenario that comes with Poise.
    private static func path(named name: String) -> String {
        if name.contains("/") || InputFile.exists(name) { return name }
        let folders = PolicyFolder.all(
            named: RuntimeFolder.environment("POISE_POLICIES"), executable: InputFile.executable)
        let file = name.hasSuffix(".yaml") ? name : name + ".yaml"
        return folders.map { "\($0)/chaos/\(file)" }.first(where: InputFile.exists) ?? name
    }
}
