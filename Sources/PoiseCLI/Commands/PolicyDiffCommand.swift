import PoiseEngine
import PoiseModel
import PoiseWire

/// `poise policy diff`: what would change for whom, and how many CPUs would move.
enum PolicyDiffCommand {
    static let command = Command(
        path: ["policy", "diff"], summary: "tell what another policy would change for whom",
        arguments: [
            .init(name: "OLD", help: "the policy in force", value: .policy),
            .init(name: "NEW", help: "the policy to come", value: .policy),
        ],
        options: [.machine, .json],
        examples: [
            .init("poise policy diff default latency-first", "on this machine"),
            .init(
                "poise policy diff old.yaml new.yaml --machine 2x-epyc-9654 --json",
                "on another, for a program"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let old = try PolicyFolder.load(invocation.arguments[0])
        let new = try PolicyFolder.load(invocation.arguments[1])
        let machine = try MachineChoice.machine(invocation)
        let before = Planner(machine: machine, policy: old).plan()
        let after = Planner(machine: machine, policy: new).plan(inForce: before)
        let change = PlanChange(from: before, to: after)
        let routes = RouteChange.changes(from: old.bus, to: new.bus)
        if invocation.wantsJSON {
            let holding = MachineChoice.holding(of: machine)
            console.print(json(change, routes, before, after, holding))
        } else {
            for line in lines(change, routes, before, after, console) { console.print(line) }
        }
        return .done
    }

    private static func json(
        _ change: PlanChange, _ routes: [RouteChange], _ before: AllocationPlan,
        _ after: AllocationPlan, _ holding: Holding
    ) -> JSON {
        [
            "machine": .string(after.machine), "old": .string(before.policy),
            "new": .string(after.policy), "movedCPUs": .integer(change.movedCPUs),
            "changes": .array(
                change.lines.map { line in
                    [
                        "feature": .string(line.feature.name),
                        "gained": .string(line.gained.description),
                        "lost": .string(line.lost.description),
                        "before": line.before.map { $0.json(holding: holding) } ?? .null,
                        "after": line.after.map { $0.json(holding: holding) } ?? .null,
                    ]
                }),
            "routes": .array(
                routes.map { ["route": .string($0.route), "change": .string($0.kind.rawValue)] }),
            "keptOutBefore": .array(before.keptOut.map(\.json)),
            "keptOut": .array(after.keptOut.map(\.json)),
        ]
    }

    private static func lines(
        _ change: PlanChange, _ routes: [RouteChange], _ before: AllocationPlan,
        _ after: AllocationPlan, _ console: Console
    ) -> [String] {
        let arrow = console.glyphs.arrow
        let head = "\(before.policy) \(arrow) \(after.policy) on \(after.machine)"
        let ofBus = busLines(routes, console)
        guard !change.lines.isEmpty else {
            let isAll = ofBus.isEmpty
            return [head, "", "nothing changes for anybody" + (isAll ? "" : " but on the bus")]
                + ofBus
        }
        let out = after.keptOut.filter { kept in
            !before.keptOut.contains { $0.feature == kept.feature }
        }
        let moved = change.movedCPUs
        return [head, ""] + ChangeTable(change).lines(console)
            + out.flatMap { kept in
                Paragraph(label: kept.feature.name, labelWidth: 8).lines(kept.because, console)
            } + ["", "\(moved) CPU\(moved == 1 ? "" : "s") would move"] + ofBus
    }

    /// Routes of the bus that are not the same, a line for each kind of change.
    private static func busLines(_ routes: [RouteChange], _ console: Console) -> [String] {
        [RouteChange.Kind.added, .changed, .removed].flatMap { kind -> [String] in
            let names = routes.filter { $0.kind == kind }.map(\.route)
            guard !names.isEmpty else { return [] }
            let label = "route\(names.count == 1 ? "" : "s") \(kind.rawValue)"
            return Paragraph(label: label, labelWidth: 15)
                .lines(names.joined(separator: ", "), console)
        }
    }
}
