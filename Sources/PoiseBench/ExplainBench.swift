package import PoiseEngine
import PoiseModel

/// Explains every feature of a machine on which all ask for their maximum, and asks for each why it
/// does not get one core more: the hardest case, where nothing is free.
package struct ExplainBench {
    /// What one answer cost.
    package struct Answer {
        package var nanoseconds: Int
        /// Plans that were made for it.
        package var plans: Int
        package var verdict: WhyNot.Verdict
        /// Whether a change was found that gives it.
        package var hasRemedy: Bool
        /// Whether the search met its bound.
        package var isCutShort: Bool
    }

    package let situation: Situation

    package init(_ benchCase: BenchCase) {
        var demands: [FeatureID: Demand] = [:]
        for feature in benchCase.policy.features {
            var demand = Demand()
            for coreClass in CoreClass.allCases {
                demand.wanted[coreClass] = feature.cores[coreClass]?.max
            }
            demands[feature.id] = demand
        }
        let planner = Planner(machine: benchCase.machine, policy: benchCase.policy)
        situation = Situation(
            machine: benchCase.machine, policy: benchCase.policy,
            plan: planner.plan(demands: demands), demands: demands)
    }

    /// What explaining each feature takes, without looking for what would give it more.
    package func explain(_ clock: () -> Int) -> [Int] {
        situation.policy.features.map { feature in
            let start = clock()
            let explanation = Explanation(of: feature.id, in: situation, looksForMore: false)
            let text = explanation?.sentences(in: situation) ?? []
            precondition(!text.isEmpty, "\(feature.id) is not explained")
            return clock() - start
        }
    }

    /// What the answer takes for each feature.
    package func whyNot(_ clock: () -> Int) -> [Answer] {
        situation.policy.features.map { feature in
            let held = situation.plan[feature.id]?.millicores.performance ?? 0
            let start = clock()
            let answer = WhyNot(
                .cores(.performance, held + 1000), for: feature.id, in: situation)
            return Answer(
                nanoseconds: clock() - start, plans: answer.plans, verdict: answer.verdict,
                hasRemedy: !answer.remedies.isEmpty, isCutShort: answer.isCutShort)
        }
    }
}
