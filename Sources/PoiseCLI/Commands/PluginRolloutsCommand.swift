import PoiseModel
import PoiseWire

/// `poise plugin rollouts`: how rollouts go, and went.
enum PluginRolloutsCommand {
    static let command = Command(
        path: ["plugin", "rollouts"], summary: "show rollouts of plugins, and how they compare",
        options: [.json, .runtimeFolder],
        examples: [.init("poise plugin rollouts", "step, share and figures of both versions")]
    ) { (invocation, console) throws(CommandFailure) in
        let answer = try DaemonCall(invocation).ask(.rollouts)
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            for line in RolloutView(console).lines(of: answer) { console.print(line) }
        }
        return .done
    }
}
