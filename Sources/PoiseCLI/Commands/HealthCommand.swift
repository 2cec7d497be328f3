import PoiseModel
import PoiseWire

/// `poise health`: who is ready, and who is not and why.
enum HealthCommand {
    static let command = Command(
        path: ["health"], summary: "tell who is live and ready, and who is not and why",
        arguments: [
            .init(
                name: "FEATURE", help: "only this feature, with all it depends on",
                count: .optional, value: .feature)
        ],
        options: [.json, .runtimeFolder],
        notes: [
            "Exit code 1 when a feature that is to run is not ready, or the one that was asked for."
        ],
        examples: [
            .init("poise health", "a line for each feature, and what is wrong"),
            .init("poise health streaming", "one feature, its dependencies and its checks"),
            .init("poise health --json", "the same for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let answer = try DaemonCall(invocation).ask(.health)
        guard let name = invocation.arguments.first else {
            if invocation.wantsJSON {
                console.print(answer)
            } else {
                for line in HealthView(answer, console: console).lines { console.print(line) }
            }
            return answer["ready"]?.bool == true ? .done : .no
        }
        let features = answer["features"]?.array ?? []
        guard let feature = features.first(where: { $0["feature"]?.string == name }) else {
            let names = features.compactMap { $0["feature"]?.string }.joined(separator: ", ")
            throw CommandFailure(.no, "there is no feature \(name); there are: \(names)")
        }
        if invocation.wantsJSON {
            console.print(feature)
        } else {
            for line in HealthView(of: feature, console: console).lines { console.print(line) }
        }
        return feature["ready"]?.bool == true ? .done : .no
    }
}
