import Glibc
import PoiseModel
import PoiseWire

/// What `plugin rollout` and `plugin rollback` have in common: told once, or followed.
enum RolloutFollowing {
    static func tell(
        _ answer: JSON, _ invocation: Invocation, _ console: Console
    ) -> ExitCode {
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            console.print(answer["text"]?.string ?? "begun")
        }
        return .done
    }

    /// Shows what changes until the rollout is over; `.no` when its version is not in force then.
    static func follow(
        _ plugin: String, _ call: DaemonCall, _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var progress = RolloutProgress(plugin: plugin, view: RolloutView(console))
        while true {
            let answer = try call.ask(.rollouts)
            let news = progress.take(answer)
            if invocation.wantsJSON {
                if !news.lines.isEmpty || news.isOver { console.print(answer.description) }
            } else {
                for line in news.lines { console.print(line) }
            }
            try console.flush()
            if news.isOver { return news.isInForce ? .done : .no }
            usleep(250_000)
        }
    }
}
