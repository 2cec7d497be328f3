import PoiseModel
import PoiseWire

/// `poise breaker`, `poise breaker reset` and `poise breaker hold`.
enum BreakerCommands {
    static let list = Command(
        path: ["breaker"], summary: "show the circuit breaker of each feature",
        arguments: [
            .init(name: "FEATURE", help: "only this one", count: .optional, value: .feature)
        ],
        options: [.json, .runtimeFolder],
        examples: [
            .init("poise breaker", "all of them"),
            .init("poise breaker streaming --json", "of one feature, for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let all = try DaemonCall(invocation).ask(.status)["features"]?.array ?? []
        let only = invocation.arguments.first
        let features = all.filter { only == nil || $0["feature"]?.string == only }
        if let only, features.isEmpty {
            let names = all.compactMap { $0["feature"]?.string }.joined(separator: ", ")
            throw CommandFailure(.no, "there is no feature \(only); there are: \(names)")
        }
        if invocation.wantsJSON {
            console.print(["breakers": .array(features.map(BreakerCommands.json))])
        } else {
            for line in BreakerView(features, console: console).lines { console.print(line) }
        }
        return .done
    }

    static let reset = command(
        "reset", "close a feature's breaker, forget its failures and let it run")
    static let hold = command(
        "hold", "open a feature's breaker, and keep it open until it is reset")

    private static func json(_ feature: JSON) -> JSON {
        ["feature": feature["feature"] ?? .null, "breaker": feature["breaker"] ?? .null]
    }

    private static func command(_ verb: String, _ summary: String) -> Command {
        Command(
            path: ["breaker", verb], summary: summary,
            arguments: [.init(name: "NAME", help: "the feature's name", value: .feature)],
            options: [.json, .runtimeFolder],
            examples: [.init("poise breaker \(verb) streaming", summary)]
        ) { (invocation, console) throws(CommandFailure) in
            let feature = invocation.arguments[0]
            let answer = try DaemonCall(invocation).ask(
                .breaker, ["feature": .string(feature), "command": .string(verb)])
            if invocation.wantsJSON {
                console.print(answer)
            } else {
                console.print(answer["text"]?.string ?? "\(feature): done")
            }
            return .done
        }
    }
}
