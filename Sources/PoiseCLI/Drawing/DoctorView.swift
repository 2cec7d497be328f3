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
            + section("What holds here, by the backend \(backend)", held, console)
            + advice(console)
    }

    private var backend: String {
        guard host.recommendedBackend == .cgroup2, let folder = host.subtree?.folder
        else { return host.recommendedBackend.rawValue }
        return "cgroup2 in \(folder)"
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
        let place = host.subtree.map { ", in \($0.folder)" } ?? ""
        let version = host.systemd?.version.map { ", version \($0)" } ?? ""
        return [
            ("machine", "\(machine.name), \(counts)"), ("kernel", host.kernelRelease ?? unknown),
            ("cgroups", host.cgroups?.rawValue ?? unknown),
            ("delegated", yesNo(host.isDelegated) + place),
            ("controllers", words(host.controllers)), ("pressure", words(host.pressure)),
            ("SMT", host.smt?.rawValue ?? unknown),
            (
                "nice",
                host.hasSysNice == true
                    ? "any value" : host.lowestNice.map { "down to \($0)" } ?? unknown
            ),
            ("systemd", yesNo(host.hasSystemd) + version),
        ]
    }

    private var held: [(label: String, text: String)] {
        let names = ["cpus": "CPUs", "cpuTime": "CPU time", "hugetlb": "huge pages"]
        return host.heldLines.map { line in
            (names[line.resource] ?? line.resource, "\(line.held.rawValue): \(line.by)")
        }
    }

    private func advice(_ console: Console) -> [String] {
        let titles: [(Advice.Weight, String, Paint.Style)] = [
            (.enforcement, "Missing, so that budgets are not held", .bad),
            (.less, "Missing, so that Poise works with less", .warning),
            (.note, "Good to know", .dim),
        ]
        let all = host.advice
        var told: Set<String> = []
        let parts = titles.flatMap { weight, title, style -> [String] in
            let list = all.filter { $0.weight == weight }
            guard !list.isEmpty else { return [] }
            let items = list.flatMap { advice -> [String] in
                let isNew = advice.command.map { told.insert($0).inserted } ?? true
                return self.lines(advice, isNew: isNew, console)
            }
            return [console.paint(style, title)] + items + [""]
        }
        guard host.holdsEverything else { return Array(parts.dropLast()) }
        return parts + [console.paint(.good, "Nothing is missing that a budget needs.")]
    }

    private func lines(_ advice: Advice, isNew: Bool, _ console: Console) -> [String] {
        let first = Paragraph(label: advice.topic, labelWidth: 12)
        let rest = Paragraph(label: "", labelWidth: 12)
        // A command stays on one line, so that it can be copied.
        let mend = advice.command.map { isNew ? $0 : "as above" } ?? "no command does"
        return first.lines(advice.missing, console)
            + rest.lines("cost: \(advice.cost)", console)
            + [String(repeating: " ", count: 16) + "mend it: \(mend)"]
    }
}
