import PoiseModel
import PoiseWire

/// Shows to people what a host lets Poise do.
struct DoctorView {
    private let host: HostCapabilities
    private let machine: Machine

    init(_ host: HostCapabilities, machine: Machine) {
        self.host = host
        self.machine = machine
    }

    func lines(_ console: Console) -> [String] {
        section("This host", facts(console), console)
            + section("What holds here, by the backend \(host.recommendedBackend)", held, console)
            + advice(console)
    }

    private func section(
        _ title: String, _ parts: [(label: String, text: String)], _ console: Console
    ) -> [String] {
        [console.paint(.bold, title)]
            + parts.flatMap { Paragraph(label: $0.label, labelWidth: 12).lines($0.text, console) }
            + [""]
    }

    private func facts(_ console: Console) -> [(label: String, text: String)] {
        let unknown = console.glyphs.unknown
        let yesNo = { (value: Bool?) in value.map { $0 ? "yes" : "no" } ?? unknown }
        let words = { (list: [String]?) in
            list.map { $0.isEmpty ? "none" : $0.joined(separator: ", ") } ?? unknown
        }
        let counts = "\(machine.cores.count) cores, \(machine.pus.count) CPUs"
        return [
            ("machine", "\(machine.name), \(counts)"), ("kernel", host.kernelRelease ?? unknown),
            ("cgroups", host.cgroups?.rawValue ?? unknown), ("delegated", yesNo(host.isDelegated)),
            ("controllers", words(host.controllers)), ("pressure", words(host.pressure)),
            ("SMT", host.smt?.rawValue ?? unknown),
            (
                "nice",
                host.hasSysNice == true
                    ? "any value" : host.lowestNice.map { "down to \($0)" } ?? unknown
            ),
            ("systemd", yesNo(host.hasSystemd)),
        ]
    }

    private var held: [(label: String, text: String)] {
        let holding = Holding(backend: host.recommendedBackend)
        return [
            ("CPUs", words(holding.cpus)), ("memory", words(holding.memory)),
            ("accelerators", words(holding.accelerators)), ("io", words(holding.io)),
        ]
    }

    private func words(_ held: Held) -> String {
        switch held {
        case .enforced: "enforced: the kernel holds features to it"
        case .monitored: "monitored: nobody stops a feature, but crossing it is seen"
        case .advisory: "advisory: features are only told"
        }
    }

    private func advice(_ console: Console) -> [String] {
        let list = host.advice
        guard !list.isEmpty else { return [console.paint(.good, "Nothing is missing.")] }
        return [console.paint(.bold, "Missing")]
            + list.flatMap { advice -> [String] in
                let first = Paragraph(label: advice.topic, labelWidth: 12)
                let rest = Paragraph(label: "", labelWidth: 12)
                let mend =
                    advice.command.map { ["mend it: \($0)"] } ?? ["nothing mends it on this host"]
                return first.lines(advice.missing, console)
                    + rest.lines("cost: \(advice.cost)", console)
                    + mend.map { String(repeating: " ", count: 16) + $0 }
            }
    }
}
