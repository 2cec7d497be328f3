import PoiseModel
import PoiseWire

/// `poise events`: what happened.
enum EventsCommand {
    static let command = Command(
        path: ["events"], summary: "tell what happened: starts, failures, new plans",
        options: [
            .init(name: "follow", help: "go on as events come, until Ctrl-C"),
            .init(
                name: "since", valueName: "TIME", help: "only the last 30s, 10m, 2h or 1d of them"),
            .init(
                name: "feature", valueName: "NAME", help: "only those of this feature",
                value: .feature),
            .init(
                name: "kind", valueName: "KIND",
                help: "only those of this kind, such as planned, failed or started"),
            .json, .runtimeFolder,
        ],
        examples: [
            .init("poise events --since 10m", "the last ten minutes"),
            .init("poise events --feature streaming --kind failed", "what went wrong with one"),
            .init("poise events --follow --json", "as they come, one JSON object a line"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var members: [JSON.Member] = []
        if let seconds = try SinceOption.seconds(invocation) {
            members.append(.init("since", .integer(seconds)))
        }
        for name in ["feature", "kind"] {
            if let value = invocation[name] { members.append(.init(name, .string(value))) }
        }
        let follows = invocation.has("follow")
        if follows { members.append(.init("follow", true)) }
        let call = DaemonCall(invocation)
        guard follows else {
            let answer = try call.ask(.events, .object(members))
            if invocation.wantsJSON {
                console.print(answer)
            } else {
                let lines = EventLines(answer["events"]?.array ?? [], console: console).lines
                for line in lines.isEmpty ? ["no events"] : lines { console.print(line) }
            }
            return .done
        }
        try call.follow(.events, .object(members)) { (reply) throws(CommandFailure) in
            let events = reply["events"]?.array ?? []
            let lines =
                invocation.wantsJSON
                ? events.map(\.description) : EventLines(events, console: console).lines
            for line in lines { console.print(line) }
            try console.flush()
        }
        return .done
    }
}
