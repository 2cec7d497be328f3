import PoiseModel
import PoiseWire

/// `poise plugin rollout`: another version of a plugin, step by step.
enum PluginRolloutCommand {
    static let command = Command(
        path: ["plugin", "rollout"],
        summary: "run another version of a plugin beside the one in force, and take it when good",
        arguments: [
            .init(name: "NAME", help: "the plugin, as the policy names it"),
            .init(
                name: "VERSION", help: "of libNAME@VERSION.so; plain: libNAME.so"),
        ],
        options: [
            .init(
                name: "steps", valueName: "LIST",
                help: "the new version's shares in per cent (default: 5,25,50,75,100)"),
            .init(
                name: "step-for", valueName: "TIME", help: "how long a step lasts (default: 30s)"),
            .init(name: "at-once", help: "one step to 100 % (blue-green)"),
            .init(
                name: "more-errors", valueName: "SHARE",
                help: "it may have so many more errors (default: 1%)"),
            .init(
                name: "more-latency", valueName: "SHARE",
                help: "its p99 may be longer by so much (default: 20%)"),
            .init(
                name: "less-throughput", valueName: "SHARE",
                help: "it may do so much less a core (default: 20%)"),
            .init(name: "follow", help: "show each step until it is over"),
            .json, .runtimeFolder,
        ],
        notes: [
            "The feature and its canary (FEATURE.canary) divide the feature's budget. A",
            "version that is worse, or whose canary fails, goes back by itself; --follow",
            "then exits with 1.",
        ],
        examples: [
            .init("poise plugin rollout streaming 2 --follow", "five steps of 30 s, as they go"),
            .init("poise plugin rollout streaming 2 --at-once --step-for 1m", "blue-green"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let plugin = invocation.arguments[0]
        var members: [JSON.Member] = [
            .init("plugin", .string(plugin)), .init("version", .string(invocation.arguments[1])),
        ]
        members += try settings(invocation)
        let call = DaemonCall(invocation)
        let answer = try call.ask(.rollout, .object(members))
        guard invocation.has("follow") else {
            return RolloutFollowing.tell(answer, invocation, console)
        }
        return try RolloutFollowing.follow(plugin, call, invocation, console)
    }

    /// What the options say, as the daemon takes it.
    private static func settings(
        _ invocation: Invocation
    ) throws(CommandFailure) -> [JSON.Member] {
        var members: [JSON.Member] = []
        let path = invocation.command.path
        if let text = invocation["steps"] {
            guard !invocation.has("at-once") else {
                throw .use("'--at-once' is '--steps 100': give one of the two", help: path)
            }
            let shares = text.split(separator: ",", omittingEmptySubsequences: false).map {
                Int($0)
            }
            guard shares.allSatisfy({ $0 != nil }) else {
                throw .use(
                    "'--steps' is a list of per cents such as 5,25,50,75,100, not '\(text)'",
                    help: path)
            }
            members.append(.init("steps", .array(shares.compactMap { $0.map(JSON.integer) })))
        }
        if invocation.has("at-once") { members.append(.init("steps", [100])) }
        if let text = invocation["step-for"] {
            guard let seconds = SinceOption.seconds(text) else {
                throw .use(
                    "'--step-for' is a time with a unit such as 10s, 5m or 1h, not '\(text)'",
                    help: path)
            }
            members.append(.init("stepForMilliseconds", .integer(seconds * 1000)))
        }
        let shares = [
            ("more-errors", "moreErrorsPerMille", 10), ("more-latency", "moreLatencyPercent", 1),
            ("less-throughput", "lessThroughputPercent", 1),
        ]
        for (option, key, scale) in shares {
            guard let text = invocation[option] else { continue }
            guard text.last == "%", let percent = Int(text.dropLast()), (0...10_000) ~= percent
            else { throw .use("'--\(option)' is a share such as 20%, not '\(text)'", help: path) }
            members.append(.init(key, .integer(percent * scale)))
        }
        return members
    }
}
