import PoiseEngine
import PoiseModel

/// `poise why-not`: whether a feature would get something, and what it would take.
enum WhyNotCommand {
    static let command = Command(
        path: ["why-not"], summary: "tell why a feature does not get something, and what would",
        arguments: [
            .init(name: "FEATURE", help: "the feature's name", value: .feature),
            .init(
                name: "WHAT", help: "one of " + QuestionReader.forms, count: .atLeastOne),
        ],
        options: [
            .policy, .machine, PlanInput.demandOption, PlanInput.inForceOption, .json,
            .runtimeFolder,
        ],
        notes: [
            "exit code 0 when it has it or needs only to signal the need, 1 when the answer is no",
            "with --policy, --machine, --demand or --in-force no daemon is asked",
        ],
        examples: [
            .init("poise why-not streaming '4 performance cores'", "of the daemon's features"),
            .init(
                "poise why-not nas running --policy master-plan --machine core-i9-14900k",
                "without a daemon"),
            .init("poise why-not streaming memory=8GiB --json", "for a program"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let question = try QuestionReader.read(Array(invocation.arguments.dropFirst()))
        let whole = try SituationSource.situation(invocation)
        let feature = try SituationSource.feature(invocation.arguments[0], in: whole)
        let situation = whole.regarding(feature)
        let answer = WhyNot(question, for: feature, in: situation)
        if invocation.wantsJSON {
            console.print(answer.json(in: situation))
        } else {
            let view = WhyNotView(answer, situation, console: console)
            for line in view.lines { console.print(line) }
        }
        return answer.verdict == .no ? .no : .done
    }
}
