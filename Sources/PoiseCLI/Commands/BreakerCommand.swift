import PoiseModel
import PoiseWire

/// `poise breaker`.
enum BreakerCommand {
    static let command = Command(
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
            console.print(["breakers": .array(features.map(BreakerCommand.json))])
        } else {
            for line in BreakerView(features, console: console).lines { console.print(line) }
        }
        return .done
    }

    private static func json(_ feature: JSON) -> JSON {
        ["feature": feature["feature"] ?? .null, "breaker": feature["breaker"] ?? .null]
    }
}
