import PoiseEngine
import PoiseModel
import PoiseWire

/// `poise plan`: what a policy gives each feature on a machine.
enum PlanCommand {
    static let command = Command(
        path: ["plan"], summary: "compute what a policy gives each feature on a machine",
        options: [
            .policy, .machine,
            .init(
                name: "demand", valueName: "FILE",
                help: "what features need now: {\"streaming\": {\"performance\": 2.5}}",
                value: .file),
            .init(
                name: "in-force", valueName: "FILE",
                help: "a plan by --json that the new one stays close to", value: .file),
            .init(name: "show-machine", help: "draw the machine with the plan too"),
            .json,
        ],
        examples: [
            .init("poise plan", "the default policy on this machine"),
            .init(
                "poise plan --policy master-plan --machine core-i9-14900k --show-machine",
                "a policy that comes with Poise, on a machine from hwprofiles"),
            .init(
                "poise plan --policy my.yaml --demand now.json --in-force before.json --json",
                "how a plan would follow a demand"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let policy = try PolicyFolder.load(invocation[.policy] ?? "default")
        let machine = try MachineChoice.machine(invocation)
        let demands = try demands(invocation["demand"])
        for feature in demands.keys.sorted()
        where !policy.features.contains(where: { $0.id == feature }) {
            let names = policy.features.map(\.id.name).joined(separator: ", ")
            throw CommandFailure(
                .no,
                "reading failed on the demand: the policy has no feature \(feature)"
                    + " (it has: \(names))")
        }
        let inForce = try planInForce(invocation["in-force"])
        let planner = Planner(machine: machine, policy: policy)
        let start = Stopwatch.now
        let plan = planner.plan(demands: demands, inForce: inForce)
        let time = (Stopwatch.now - start).wholeNanoseconds / 1000
        let document = plan.json(
            holding: MachineChoice.holding(of: machine), solveMicroseconds: time)
        if invocation.wantsJSON {
            console.print(document)
        } else {
            if invocation.has("show-machine") {
                let drawing = MachineDrawing(machine, plan: plan, console: console)
                for line in drawing.lines + [""] { console.print(line) }
            }
            for line in PlanView(document, console: console).lines { console.print(line) }
        }
        let isWhole = plan.keptOut.isEmpty && plan.features.allSatisfy(\.unmet.isEmpty)
        return isWhole ? .done : .no
    }

    private static func demands(
        _ path: String?
    ) throws(CommandFailure) -> [FeatureID: Demand] {
        guard let path else { return [:] }
        let json = try InputFile.json(path)
        do throws(WireError) {
            return try Demand.read(json)
        } catch {
            throw CommandFailure(
                .no, "reading failed on the demand \(path): \(error) (see poise plan --help)")
        }
    }

    private static func planInForce(_ path: String?) throws(CommandFailure) -> AllocationPlan? {
        guard let path else { return nil }
        let json = try InputFile.json(path)
        do throws(WireError) {
            return try AllocationPlan(json: json)
        } catch {
            throw CommandFailure(
                .no, "reading failed on the plan \(path): \(error) (write it by plan --json)")
        }
    }
}
