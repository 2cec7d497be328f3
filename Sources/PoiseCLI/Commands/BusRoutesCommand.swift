import PoiseModel
import PoiseWire

/// `poise bus routes`: who says what to whom.
enum BusRoutesCommand {
    static let command = Command(
        path: ["bus", "routes"], summary: "show the routes between features, and their rings",
        options: [.json, .runtimeFolder],
        notes: [
            "a link is named ROUTE:SENDER>RECEIVER; one that drains is read until it is empty"
        ],
        examples: [
            .init("poise bus routes", "each route of the policy with its links"),
            .init("poise bus routes --json", "the same for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let answer = try DaemonCall(invocation).ask(.busRoutes)
        if invocation.wantsJSON {
            console.print(answer)
        } else {
            for line in BusRoutesView(answer, console: console).lines { console.print(line) }
        }
        return .done
    }
}
