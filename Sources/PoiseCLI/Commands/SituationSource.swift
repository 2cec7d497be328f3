import PoiseEngine
import PoiseModel
import PoiseWire

/// Where `poise explain` and `poise why-not` have what they explain from: a policy that is named,
/// or the daemon. The daemon only tells what it decided from; what-ifs are computed here, so that
/// its loop is never busy with them.
enum SituationSource {
    static func situation(_ invocation: Invocation) throws(CommandFailure) -> Situation {
        guard !PlanInput.isNamed(in: invocation) else {
            return try PlanInput(invocation).situation
        }
        let answer = try DaemonCall(invocation).ask(.snapshot)
        do throws(CodingProblem) {
            return try JSONDecoding.decode(Situation.self, from: answer)
        } catch {
            throw CommandFailure(
                .unreachable,
                "reading failed on the daemon's snapshot: \(error) (it is of another version:"
                    + " restart poised)")
        }
    }

    /// The feature of that name, or who else there is.
    static func feature(
        _ name: String, in situation: Situation
    ) throws(CommandFailure) -> FeatureID {
        let known = situation.policy.features.map(\.id)
        guard let found = known.first(where: { $0.name == name }) else {
            let names = known.map(\.name)
            let hint =
                names.isEmpty ? "; it has none" : Nearest.hint(for: name, among: names)
            throw CommandFailure(
                .no, "the policy \(situation.policy.name) has no feature '\(name)'\(hint)")
        }
        return found
    }
}
