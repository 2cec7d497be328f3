import PoiseModel
import PoiseWire

/// `poise explain`: why a feature has what it has.
enum ExplainCommand {
    static let command = Command(
        path: ["explain"], summary: "tell why a feature has what it has",
        arguments: [.init(name: "FEATURE", help: "the feature's name", value: .feature)],
        options: [.json, .runtimeFolder],
        examples: [.init("poise explain streaming", "what it has, wants and lacks, and why")]
    ) { (invocation, console) throws(CommandFailure) in
        let call = DaemonCall(invocation)
        let answer = try call.ask(.explain, ["feature": .string(invocation.arguments[0])])
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            for line in ExplainView(answer, console: console).lines { console.print(line) }
        }
        return .done
    }
}
