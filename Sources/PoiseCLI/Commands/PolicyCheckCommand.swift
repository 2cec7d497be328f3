import PoiseEngine
import PoiseModel
import PoisePolicyFile
import PoiseWire

/// `poise policy check`: all mistakes of policy files, and what a machine could not give.
enum PolicyCheckCommand {
    static let command = Command(
        path: ["policy", "check"], summary: "find all mistakes of policy files",
        arguments: [
            .init(
                name: "FILE", help: "a policy file, or a name in Policies", count: .atLeastOne,
                value: .policy)
        ],
        options: [
            .init(
                name: "machine", valueName: "FILE|NAME",
                help: "also warn of what this machine could not give", value: .machine),
            .json,
        ],
        examples: [
            .init("poise policy check my.yaml", "every mistake with its line and column"),
            .init(
                "poise policy check my.yaml --machine core-i9-14900k",
                "and what that machine could not give"),
        ],
        perform: perform)

    /// What was found in one file.
    private struct Finding {
        var file: String
        var policy: Policy?
        var mistakes: [PolicyMistake]
        var plan: AllocationPlan?
    }

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let machine = invocation.has(.machine) ? try MachineChoice.machine(invocation) : nil
        var findings: [Finding] = []
        for name in invocation.arguments {
            let path = try PolicyFolder.path(named: name)
            let reading = Policy.read(path: path)
            var finding = Finding(file: path, policy: reading.policy, mistakes: reading.mistakes)
            if let machine, let policy = reading.policy {
                finding.plan = Planner(machine: machine, policy: policy).plan()
            }
            findings.append(finding)
        }
        for finding in findings {
            if invocation.wantsJSON { continue }
            show(finding, console)
        }
        if invocation.wantsJSON {
            let isGood = findings.allSatisfy { $0.policy != nil }
            console.print(["ok": .bool(isGood), "files": .array(findings.map(json))])
        }
        return findings.allSatisfy { $0.policy != nil } ? .done : .no
    }

    private static func show(_ finding: Finding, _ console: Console) {
        for mistake in finding.mistakes { console.note(mistake.description) }
        if let plan = finding.plan {
            for text in shortages(plan) {
                console.note("\(finding.file): warning: on \(plan.machine): \(text)")
            }
        }
        guard let policy = finding.policy else { return }
        let count = policy.features.count
        let features = "\(count) feature\(count == 1 ? "" : "s")"
        let routes = policy.bus.routes.count
        let ofBus = routes == 0 ? "" : ", \(routes) route\(routes == 1 ? "" : "s")"
        console.print("\(finding.file): policy \(policy.name) is good, \(features)\(ofBus)")
    }

    private static func shortages(_ plan: AllocationPlan) -> [String] {
        let unmet = plan.features.flatMap { feature in
            feature.unmet.map { unmet in
                "\(feature.feature) gets \(UnmetWords.short(unmet.json)): \(unmet.because)"
            }
        }
        let out = plan.keptOut.map { kept in
            let reasons = kept.unmet.map(\.because).filter { !$0.isEmpty }
            return ([kept.feature.name + " is " + kept.because] + reasons).joined(separator: ": ")
        }
        return unmet + out
    }

    private static func json(_ finding: Finding) -> JSON {
        [
            "file": .string(finding.file), "policy": JSON(finding.policy?.name),
            "ok": .bool(finding.policy != nil),
            "mistakes": .array(
                finding.mistakes.map { mistake in
                    [
                        "line": .integer(mistake.line), "column": .integer(mistake.column),
                        "severity": .string(mistake.severity.rawValue),
                        "text": .string(mistake.text),
                    ]
                }),
            "machine": JSON(finding.plan?.machine),
            "shortages": finding.plan.map { .array(shortages($0).map(JSON.string)) } ?? .null,
        ]
    }
}
