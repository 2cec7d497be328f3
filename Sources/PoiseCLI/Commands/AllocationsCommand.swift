import PoiseModel
import PoiseWire

/// `poise allocations`: the plan in force, and where the kernel differs from it.
enum AllocationsCommand {
    static let command = Command(
        path: ["allocations"], summary: "show what each feature has now",
        arguments: [
            .init(name: "FEATURE", help: "only this one", count: .optional, value: .feature)
        ],
        options: [.json, .runtimeFolder],
        examples: [
            .init("poise allocations", "the plan in force"),
            .init("poise allocations streaming --json", "of one feature, for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let feature = invocation.arguments.first
        let parameters: JSON = feature.map { ["feature": .string($0)] } ?? .object([])
        let plan = try DaemonCall(invocation).ask(.allocations, parameters)
        if invocation.wantsJSON {
            console.print(plan)
        } else {
            for line in PlanView(plan, console: console).lines { console.print(line) }
        }
        return .done
    }
}
