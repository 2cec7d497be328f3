import Glibc
import PoiseEngine
import PoiseHardware
import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import Testing

/// The plan of every profile under every shipped policy, as text in `Golden/MACHINE/POLICY.plan`.
///
/// A new profile or policy adds tests by itself. `POISE_UPDATE_GOLDEN=1` writes the files anew.
@Suite struct GoldenPlans {
    private static let machines = Repository.files("hwprofiles", ending: ".xml")
    private static let policies = Repository.files("Policies", ending: ".yaml")
        .filter { !$0.hasPrefix("Policies/chaos/") }
    private static let recordings: [String] = {
        guard let shared = Repository.shared else { return [] }
        return Repository.files(shared + "/topologies", ending: ".xml")
    }()

    private func name(_ path: String, _ ending: String) -> String {
        String(path.split(separator: "/").last?.dropLast(ending.count) ?? "")
    }

    @Test(arguments: machines) func everyProfileHasItsGoldenPlans(path: String) throws {
        let machine = try Machine.discover(from: .file("\(Repository.root)/\(path)"))
        for policyPath in Self.policies {
            let policy = try Policy.load(path: "\(Repository.root)/\(policyPath)")
            let plan = Planner(machine: machine, policy: policy).plan()
            #expect(PlanAudit(plan, machine: machine, policy: policy).breaches == [])
            let folder = "Tests/PoiseEngineTests/Golden/\(name(path, ".xml"))"
            let file = "\(folder)/\(name(policyPath, ".yaml")).plan"
            let text = PlanText.text(of: plan)
            if getenv("POISE_UPDATE_GOLDEN") != nil {
                mkdir("\(Repository.root)/\(folder)", 0o755)
                #expect(Repository.write(text, to: file))
            }
            #expect(Repository.text(file) == text, "\(file)")
        }
    }

    @Test(
        .enabled(if: Repository.shared != nil, "the recordings of real machines are not here"),
        arguments: recordings)
    func everyRecordingPlansWithinTheInvariants(path: String) throws {
        let machine = try Machine.discover(from: .file(path))
        for policyPath in Self.policies {
            let policy = try Policy.load(path: "\(Repository.root)/\(policyPath)")
            let planner = Planner(machine: machine, policy: policy)
            let plan = planner.plan()
            #expect(PlanAudit(plan, machine: machine, policy: policy).breaches == [])
            #expect(planner.plan(inForce: plan) == plan)
        }
    }
}

/// A plan as sorted, stable text that a person can compare.
enum PlanText {
    static func text(of plan: AllocationPlan) -> String {
        var lines = [
            "machine \(plan.machine), policy \(plan.policy)",
            "reserved [\(plan.reserved)] and \(plan.reservedMillicores)m, idle [\(plan.idle)]",
        ]
        for allocation in plan.features { lines += self.lines(of: allocation) }
        for kept in plan.keptOut {
            lines.append("")
            lines.append("\(kept.feature) (priority \(kept.priority)): \(kept.because)")
            lines += kept.unmet.map(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of allocation: ResourceAllocation) -> [String] {
        let cores = CoreClass.allCases.map { "\($0.rawValue) \(allocation.cores[$0])" }
        let time = CoreClass.allCases.map { "\(allocation.millicores[$0])" }
        let memory = allocation.memory
        let limit = memory.maxBytes.map { "\(memory.highBytes ?? 0)…\($0)" } ?? "no limit"
        var lines = [
            "",
            "\(allocation.feature) (priority \(allocation.priority), \(allocation.level.rawValue))",
            "  cores \(cores.joined(separator: ", ")); millicores \(time.joined(separator: "+"))",
            "  exclusive [\(allocation.exclusive)] shared [\(allocation.shared)]"
                + " weight \(allocation.weight) nodes [\(allocation.nodes)]",
            "  memory \(memory.lowBytes), \(limit)",
        ]
        for share in allocation.accelerators {
            let percent = share.sharePercent.map { " \($0) %" } ?? ""
            lines.append("  \(share.id) \(share.bytes) bytes\(percent)")
        }
        lines.append("  because \(allocation.because)")
        return lines + allocation.unmet.map(line)
    }

    private static func line(_ unmet: Unmet) -> String {
        "  unmet: wants \(unmet.resource.words(unmet.wanted)), has"
            + " \(unmet.resource.words(unmet.got)): \(unmet.because)"
    }
}
