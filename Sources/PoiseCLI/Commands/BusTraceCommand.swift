import PoiseModel
import PoiseWire

/// `poise bus trace`: messages of a topic as they pass.
enum BusTraceCommand {
    static let command = Command(
        path: ["bus", "trace"], summary: "show messages of a topic as they pass",
        arguments: [.init(name: "TOPIC", help: "a topic of a route of the policy")],
        options: [
            .init(name: "count", valueName: "N", help: "end after N messages (1 to 1000000)"),
            .init(
                name: "payload",
                help: "with the first 96 bytes of each; for who may change things (poise-admin)"),
            .json, .runtimeFolder,
        ],
        notes: [
            "nobody is held up: what passes faster than it can be shown is told as a gap",
            "rings that senders share (producers: many) are not followed; see poise bus top",
            "with --json, one object a line",
        ],
        examples: [
            .init("poise bus trace windows", "until Ctrl-C"),
            .init("poise bus trace windows --count 10 --payload", "ten messages, with their text"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        var members: [JSON.Member] = [.init("topic", .string(invocation.arguments[0]))]
        if let text = invocation["count"] {
            guard let count = Int(text), (1...1_000_000).contains(count) else {
                throw .use(
                    "--count takes a whole number from 1 to 1000000, not '\(text)'",
                    help: ["bus", "trace"])
            }
            members.append(.init("count", .integer(count)))
        }
        if invocation.has("payload") { members.append(.init("payload", true)) }
        try DaemonCall(invocation).follow(.busTrace, .object(members)) {
            (reply) throws(CommandFailure) in
            for line in lines(reply, invocation, console) { console.print(line) }
            try console.flush()
        }
        return .done
    }

    private static func lines(
        _ reply: JSON, _ invocation: Invocation, _ console: Console
    ) -> [String] {
        let messages = reply["messages"]?.array ?? []
        let missed = reply["missed"]?.integer ?? 0
        if invocation.wantsJSON {
            let gap = missed > 0 ? [JSON.object([.init("missed", .integer(missed))])] : []
            return (gap + messages).map(\.description)
        }
        return BusTraceLines(messages, missed: missed, console: console).lines
    }
}
