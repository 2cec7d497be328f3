import PoiseEngine
import PoiseModel
import PoiseWire

/// `poise explain`: why a feature has what it has.
enum ExplainCommand {
    static let command = Command(
        path: ["explain"], summary: "tell why a feature has what it has",
        arguments: [.init(name: "FEATURE", help: "the feature's name", value: .feature)],
        options: [
            .policy, .machine, PlanInput.demandOption, PlanInput.inForceOption, .json,
            .runtimeFolder,
        ],
        notes: ["with --policy, --machine, --demand or --in-force no daemon is asked"],
        examples: [
            .init("poise explain streaming", "what it has, wants and lacks, and why"),
            .init(
                "poise explain twin --policy master-plan --machine core-i9-14900k",
                "without a daemon"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let name = invocation.arguments[0]
        var told: JSON?
        if !PlanInput.isNamed(in: invocation) {
            told = try DaemonCall(invocation).ask(.explain, ["feature": .string(name)])
        }
        let whole = try SituationSource.situation(invocation)
        let feature = try SituationSource.feature(name, in: whole)
        let situation = whole.regarding(feature)
        guard let explanation = Explanation(of: feature, in: situation) else {
            throw CommandFailure(.no, "the policy has no feature '\(name)'")
        }
        if invocation.wantsJSON {
            let known = told?.members ?? []
            console.print(.object(known + explanation.members(in: situation, besides: known)))
        } else {
            let view = ExplainView(explanation, situation, told: told, console: console)
            for line in view.lines { console.print(line) }
        }
        return .done
    }
}
