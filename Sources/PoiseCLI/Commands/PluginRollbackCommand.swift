import PoiseModel
import PoiseWire

/// `poise plugin rollback`: the version before.
enum PluginRollbackCommand {
    static let command = Command(
        path: ["plugin", "rollback"],
        summary: "stop a plugin's rollout, or go back to the version before",
        arguments: [.init(name: "NAME", help: "the plugin, as the policy names it")],
        options: [
            .init(name: "follow", help: "show it until it is over"), .json, .runtimeFolder,
        ],
        examples: [.init("poise plugin rollback streaming", "the version before serves again")]
    ) { (invocation, console) throws(CommandFailure) in
        let call = DaemonCall(invocation)
        let plugin = invocation.arguments[0]
        let isUnderWay = RolloutView.active(try call.ask(.rollouts), plugin) != nil
        let answer = try call.ask(.rollback, ["plugin": .string(plugin)])
        guard invocation.has("follow") else {
            return RolloutFollowing.tell(answer, invocation, console)
        }
        let end = try RolloutFollowing.follow(plugin, call, invocation, console)
        // Going back is what was asked for: it failed when the newer version stayed.
        return isUnderWay || end == .done ? .done : .no
    }
}
