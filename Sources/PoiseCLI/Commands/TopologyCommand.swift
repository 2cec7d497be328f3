import PoiseEngine
import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise topology`: the machine as Poise sees it.
enum TopologyCommand {
    static let command = Command(
        path: ["topology"], summary: "draw the machine, and who has which core",
        options: [
            .machine, .json,
            .init(
                name: "policy", valueName: "FILE|NAME",
                help: "show what this policy would give to whom", value: .policy),
            .init(
                name: "export", valueName: "FILE",
                help: "write this machine as hwloc XML and draw nothing", value: .file),
            .runtimeFolder,
        ],
        examples: [
            .init("poise topology", "this machine, with owners when the daemon runs"),
            .init(
                "poise topology --machine 2x-epyc-9654 --policy master-plan",
                "a machine from hwprofiles, with the plan of a policy"),
            .init("poise topology --export here.xml", "this machine as hwloc XML"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        if let file = invocation["export"] { return try export(file, invocation, console) }
        let machine = try MachineChoice.machine(invocation)
        let plan = try plan(for: machine, invocation)
        if invocation.wantsJSON {
            console.print(json(machine, plan))
        } else {
            for line in MachineDrawing(machine, plan: plan, console: console).lines {
                console.print(line)
            }
        }
        return .done
    }

    private static func export(
        _ file: String, _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        guard !invocation.has(.machine) else {
            throw .use(
                "'--export' writes this machine, not that of '--machine'", help: ["topology"])
        }
        do throws(TopologyError) {
            try Topology.export(to: file)
        } catch {
            throw CommandFailure(.no, error.description)
        }
        if invocation.wantsJSON {
            console.print(["exported": .string(file)])
        } else {
            console.print("wrote this machine to \(file)")
        }
        return .done
    }

    private static func json(_ machine: Machine, _ plan: AllocationPlan?) -> JSON {
        guard case .object(var members) = machine.json else { return machine.json }
        if let plan {
            let holding = MachineChoice.holding(of: machine)
            members.append(.init("plan", plan.json(holding: holding, solveMicroseconds: nil)))
        }
        return .object(members)
    }

    /// The plan of `--policy`, else that of a daemon that runs here, else none.
    private static func plan(
        for machine: Machine, _ invocation: Invocation
    ) throws(CommandFailure) -> AllocationPlan? {
        if let name = invocation["policy"] {
            return Planner(machine: machine, policy: try PolicyFolder.load(name)).plan()
        }
        guard !invocation.has(.machine) else { return nil }
        do throws(CommandFailure) {
            let reply = try DaemonCall(invocation).ask(.topology)
            guard let plan = reply["plan"], plan != .null else { return nil }
            return try DaemonCall.plan(plan)
        } catch {
            // Without a daemon there are no owners to show; one that was named must answer.
            if invocation.has(.runtimeFolder) { throw error }
            return nil
        }
    }
}
