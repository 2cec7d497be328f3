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
            .json, .runtimeFolder,
        ],
        examples: [
            .init("poise events --since 10m", "the last ten minutes"),
            .init("poise events --follow --json", "as they come, one JSON object a line"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var members: [JSON.Member] = []
        if let text = invocation["since"] {
            guard let seconds = seconds(text) else {
                throw .use("'--since' is a time such as 30s, 10m, 2h, 1d, not '\(text)'")
            }
            members.append(.init("since", .integer(seconds)))
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

    /// `30s`, `10m`, `2h`, `1d`, or a number of seconds.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(digits), number <= 100_000_000
        else { return nil }
        return number * (unit ?? 1)
    }
}
