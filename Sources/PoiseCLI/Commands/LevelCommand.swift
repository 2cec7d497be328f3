import PoiseModel
import PoiseWire

/// `poise level`: the service level of the machine.
enum LevelCommand {
    private static let words = ["full", "reduced", "essential", "emergency", "auto"]

    static let command = Command(
        path: ["level"], summary: "show or set the machine's service level, and what runs at it",
        arguments: [
            .init(
                name: "LEVEL",
                help: "full, reduced, essential or emergency: stay there; auto: follow the load",
                count: .optional, value: .oneOf(words))
        ],
        options: [.json, .runtimeFolder],
        notes: [
            "a level that was set stays until poise level auto, also when poised is started again"
        ],
        examples: [
            .init("poise level", "the level, why, and how far each trigger of the policy is"),
            .init("poise level essential", "stop what does not run at that level"),
            .init("poise level auto", "let the load decide again"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        var parameters = JSON.object([])
        if let level = invocation.arguments.first {
            guard words.contains(level) else {
                let hint = Nearest.hint(for: level, among: words)
                throw .use("there is no service level '\(level)'\(hint)", help: ["level"])
            }
            parameters = ["set": .string(level)]
        }
        let answer = try DaemonCall(invocation).ask(.level, parameters)
        if invocation.wantsJSON {
            console.print(answer)
        } else if let text = answer["text"]?.string {
            console.print(text)
        } else {
            for line in LevelView(answer, console: console).lines { console.print(line) }
        }
        return .done
    }
}
