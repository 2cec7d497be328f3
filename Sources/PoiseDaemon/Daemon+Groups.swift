import PoiseEngine
import PoiseLinux
import PoiseModel

// What the daemon does about its cgroups beside the plan.
extension Daemon {
    /// Puts back what others wrote, and removes groups that nobody needs any more.
    func lookAfterGroups() {
        guard enforcer.groups != nil else { return }
        tellDrift()
        enforcer.groups?.prune { self.engine.plan[$0] != nil || self.processes[$0] != nil }
    }

    func tellDrift() {
        for (drift, refused) in enforcer.groups?.mendDrift() ?? [] {
            processes[drift.feature]?.drifted += 1
            let end = refused.map { "and cannot be put back: \($0)" } ?? "it is as it was again"
            say(
                "drift", drift.feature,
                "somebody wrote \(drift.has) to \(drift.key); \(end)")
        }
    }

    /// Gives back the cgroup that features ran in, as it was found.
    func giveGroupsBack() {
        guard let groups = enforcer.groups else { return }
        enforcer.groups?.prune { _ in false }
        for failure in groups.folder.restore() { say("degraded", nil, "\(failure)") }
    }
}
