import PoiseModel
import PoiseWire

/// `poise history`: what a feature used and had.
enum HistoryCommand {
    static let command = Command(
        path: ["history"], summary: "show what a feature used and had, and each change of it",
        arguments: [.init(name: "FEATURE", help: "the feature's name", value: .feature)],
        options: [
            .init(
                name: "since", valueName: "TIME",
                help: "the last 30s, 10m, 2h or 1d of it (default: 1d)"),
            .json, .runtimeFolder,
        ],
        examples: [
            .init("poise history streaming", "the last day as a chart, then its changes"),
            .init("poise history streaming --since 2h --json", "for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let feature = invocation.arguments[0]
        let seconds = try SinceOption.seconds(invocation) ?? 86_400
        guard seconds > 0 else {
            throw .use("'--since' is a time of the past, not '0'", help: ["history"])
        }
        let points = invocation.wantsJSON ? 1440 : HistoryView.columns(console)
        let answer = try DaemonCall(invocation).ask(
            .history,
            [
                "feature": .string(feature), "since": .integer(seconds),
                "points": .integer(points),
            ])
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            for line in HistoryView(answer, console: console).lines { console.print(line) }
        }
        return .done
    }
}
