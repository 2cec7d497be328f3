import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise doctor`: what this host can enforce, what is missing, and the command that mends it.
enum DoctorCommand {
    static let command = Command(
        path: ["doctor"], summary: "tell what this host can enforce, and what would mend the rest",
        options: [.json],
        examples: [
            .init("poise doctor", "what holds here, what is missing, and what to type"),
            .init("poise doctor --json", "for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let machine = try MachineChoice.machine(invocation)
        let host = HostCapabilities.probe()
        if invocation.wantsJSON {
            console.print(json(host, machine))
        } else {
            for line in DoctorView(host, machine: machine).lines(console) { console.print(line) }
        }
        return .done
    }

    static func json(_ host: HostCapabilities, _ machine: Machine) -> JSON {
        let holding = Holding(backend: host.recommendedBackend)
        return [
            "machine": .string(machine.name), "backend": .string(host.recommendedBackend.rawValue),
            "held": [
                "cpus": .string(holding.cpus.rawValue), "memory": .string(holding.memory.rawValue),
                "accelerators": .string(holding.accelerators.rawValue),
                "io": .string(holding.io.rawValue),
            ],
            "host": [
                "kernel": JSON(host.kernelRelease), "cgroups": JSON(host.cgroups?.rawValue),
                "cgroupMount": JSON(host.cgroupMount), "cgroup": JSON(host.cgroupFolder),
                "isDelegated": host.isDelegated.map(JSON.bool) ?? .null,
                "controllers": list(host.controllers), "pressure": list(host.pressure),
                "smt": JSON(host.smt?.rawValue), "lowestNice": JSON(host.lowestNice),
                "highestRealtimePriority": JSON(host.highestRealtimePriority),
                "hasSysNice": host.hasSysNice.map(JSON.bool) ?? .null,
                "hasSystemd": host.hasSystemd.map(JSON.bool) ?? .null,
            ],
            "missing": .array(
                host.advice.map { advice in
                    [
                        "topic": .string(advice.topic), "missing": .string(advice.missing),
                        "cost": .string(advice.cost), "command": JSON(advice.command),
                    ]
                }),
        ]
    }

    private static func list(_ words: [String]?) -> JSON {
        words.map { .array($0.map(JSON.string)) } ?? .null
    }
}
