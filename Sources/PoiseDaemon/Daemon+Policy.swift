import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoisePolicyFile

// Reading the policy, again and again.
extension Daemon {
    /// Follows a policy file from now on.
    func followPolicy(_ path: String) {
        policyPath = path
        do throws(SystemError) {
            let follower = try PolicyFollower(path: path)
            for (folder, token) in policyWatches { unwatch(folder.descriptor, token) }
            policyWatches = []
            for folder in follower.watches {
                let token = try watch(folder.descriptor, .policy, .read)
                policyWatches.append((folder, token))
            }
            policyFollower = follower
        } catch {
            say("degraded", nil, "changes of \(path) are not seen (\(error)); send SIGHUP")
        }
    }

    /// Names a policy that came from somebody whose files are not read again as root.
    func ceaseFollowing(_ path: String) {
        policyPath = path
        policyFollower = nil
        for (folder, token) in policyWatches { unwatch(folder.descriptor, token) }
        policyWatches = []
    }

    /// Reads the policy again; one with mistakes changes nothing, and is told until it is mended.
    func rereadPolicy() {
        policyDue = nil
        // A link may name another file now.
        followPolicy(policyPath)
        let reading = Policy.read(path: policyPath)
        for mistake in reading.mistakes { say("policy", nil, mistake.description) }
        guard let policy = reading.policy else {
            policyProblem = "\(policyPath) has mistakes; the policy in force stays"
            say("policy", nil, policyProblem ?? "")
            return
        }
        if policyProblem != nil { say("policy", nil, "\(policyPath) is good again") }
        policyProblem = nil
        guard policy != engine.given else { return }
        inbox.post(.policy(policy))
    }

    /// What a policy would change, without changing it.
    func dryRun(_ policy: Policy) -> PlanChange {
        let planner = Planner(machine: machine.machine, policy: engine.inEffect(policy))
        let plan = planner.plan(demands: engine.demands, inForce: engine.plan)
        return PlanChange(from: engine.plan, to: plan)
    }
}
