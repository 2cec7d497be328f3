import PoiseModel
import PoiseWire

/// `poise feature start`, `stop`, `restart`, `enable` and `disable`.
enum FeatureCommands {
    static let start = command("start", .featureStart, "start a feature that is stopped or failed")
    static let stop = command("stop", .featureStop, "stop a feature, and keep it stopped")
    static let restart = command("restart", .featureRestart, "stop a feature and start it again")

    static let enable = command("enable", .featureEnable, "turn a feature on, for good")
    static let disable = command("disable", .featureDisable, "turn a feature off, for good")

    private static func command(
        _ verb: String, _ method: ControlMethod, _ summary: String
    ) -> Command {
        Command(
            path: ["feature", verb], summary: summary,
            arguments: [.init(name: "NAME", help: "the feature's name", value: .feature)],
            options: [.json, .runtimeFolder],
            examples: [.init("poise feature \(verb) streaming", summary)]
        ) { (invocation, console) throws(CommandFailure) in
            let feature = invocation.arguments[0]
            let call = DaemonCall(invocation)
            let isRunning = method == .featureStart ? try runs(feature, call) : false
            // Asked all the same: a feature that ends just now is to start again.
            var answer = try call.ask(method, ["feature": .string(feature)])
            if isRunning { answer = ["text": .string("\(feature) runs already")] }
            if invocation.wantsJSON {
                console.print(answer)
            } else {
                console.print(answer["text"]?.string ?? "\(feature): done")
            }
            return .done
        }
    }

    private static func runs(
        _ feature: String, _ call: DaemonCall
    ) throws(CommandFailure) -> Bool {
        let features = try call.ask(.status)["features"]?.array ?? []
        return features.contains {
            $0["feature"]?.string == feature && $0["state"]?.string == "running"
        }
    }
}
