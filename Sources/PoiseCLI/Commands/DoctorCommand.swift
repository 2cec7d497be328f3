import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise doctor`: what this host can enforce, what is missing, and the command that mends it.
enum DoctorCommand {
    static let command = Command(
        path: ["doctor"], summary: "tell what this host can enforce, and what would mend the rest",
        options: [.cgroup, .json],
        notes: [
            "Without --cgroup it looks at the cgroup of the unit poise-features.service, and where",
            "that is not at work at the one that it runs in itself.",
            "Exit codes: 0 nothing is missing that a line of a budget needs (there may be advice",
            "all the same), 1 something is.",
        ],
        examples: [
            .init("poise doctor", "what holds here, what is missing, and what to type"),
            .init("poise doctor --json", "for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let machine = try MachineChoice.machine(invocation)
        let choice = try subtree(invocation)
        let host = HostCapabilities.probe(subtree: choice)
        if invocation.wantsJSON {
            console.print(json(host, machine))
        } else {
            for line in DoctorView(host, machine: machine).lines(console) { console.print(line) }
        }
        return host.holdsEverything ? .done : .no
    }

    /// The cgroup that `--cgroup` names, or the one that poised has here.
    static func subtree(_ invocation: Invocation) throws(CommandFailure) -> SubtreeChoice {
        guard let path = invocation[.cgroup] else { return .unitOrOwn }
        guard path.hasPrefix("/") else {
            throw .use("'--cgroup' is a whole path such as /sys/fs/cgroup/poise, not '\(path)'")
        }
        return .folder(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    static func json(_ host: HostCapabilities, _ machine: Machine) -> JSON {
        let lines = host.heldLines
        return [
            "machine": .string(machine.name), "backend": .string(host.recommendedBackend.rawValue),
            "held": .object(lines.map { .init($0.resource, .string($0.held.rawValue)) }),
            "heldBy": .object(lines.map { .init($0.resource, .string($0.by)) }),
            "holdsEverything": .bool(host.holdsEverything),
            "host": .object(DoctorFacts.all(host)),
            "missing": .array(
                host.advice.map { advice in
                    [
                        "topic": .string(advice.topic), "weight": .string(advice.weight.rawValue),
                        "missing": .string(advice.missing), "cost": .string(advice.cost),
                        "command": JSON(advice.command),
                    ]
                }),
        ]
    }
}
