import PoiseModel
import PoiseWire

/// `poise breaker reset` and `poise breaker hold`.
enum BreakerCommands {
    static let reset = command("reset", "close a feature's breaker and let it run")
    static let hold = command("hold", "open a feature's breaker until it is reset")

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
