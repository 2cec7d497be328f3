import PoiseEngine
import PoiseModel
import PoiseWire

/// `poise plan`: what a policy gives each feature on a machine.
enum PlanCommand {
    static let command = Command(
        path: ["plan"], summary: "compute what a policy gives each feature on a machine",
        options: [
            .policy, .machine,
            PlanInput.demandOption, PlanInput.inForceOption,
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
        let input = try PlanInput(invocation)
        let machine = input.machine
        let planner = Planner(machine: machine, policy: input.policy)
        let start = Stopwatch.now
        let plan = planner.plan(demands: input.demands, inForce: input.inForce)
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
}
