import PoiseEngine
import PoiseModel
import PoiseWire

/// What a decision is made from on the command line: `poise plan`, `explain` and `why-not` take the
/// same options.
struct PlanInput {
    let machine: Machine
    let policy: Policy
    let demands: [FeatureID: Demand]
    let inForce: AllocationPlan?

    static let demandOption = Command.Option(
        name: "demand", valueName: "FILE",
        help: "what features need now: {\"streaming\": {\"performance\": 2.5}}", value: .file)
    static let inForceOption = Command.Option(
        name: "in-force", valueName: "FILE",
        help: "a plan by --json that the new one stays close to", value: .file)

    /// Whether the call is about a policy of its own, and not about what a daemon does.
    static func isNamed(in invocation: Invocation) -> Bool {
        [.policy, .machine, demandOption, inForceOption].contains { invocation.has($0) }
    }

    init(_ invocation: Invocation) throws(CommandFailure) {
        policy = try PolicyFolder.load(invocation[.policy] ?? "default")
        machine = try MachineChoice.machine(invocation)
        demands = try PlanInput.demands(invocation["demand"])
        for feature in demands.keys.sorted()
        where !policy.features.contains(where: { $0.id == feature }) {
            let names = policy.features.map(\.id.name).joined(separator: ", ")
            throw CommandFailure(
                .no,
                "reading failed on the demand: the policy has no feature \(feature)"
                    + " (it has: \(names))")
        }
        inForce = try PlanInput.planInForce(invocation["in-force"])
    }

    var plan: AllocationPlan {
        Planner(machine: machine, policy: policy).plan(demands: demands, inForce: inForce)
    }

    var situation: Situation {
        Situation(machine: machine, policy: policy, plan: plan, demands: demands)
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
