package import PoiseModel

/// Whether a feature has what somebody asks for, or would have it, and if not, what stands in the
/// way and which smallest change would give it.
package struct WhyNot: Sendable {
    package enum Verdict: String, Sendable, Equatable {
        /// It has it now.
        case has
        /// It has only to signal the need.
        case onSignal
        case no
    }

    package var feature: FeatureID
    package var question: Question
    package var verdict: Verdict
    /// What it would get when it signalled the need now.
    package var asked: AllocationPlan
    /// What stands in the way; nil unless the answer is no.
    package var constraint: BindingConstraint?
    /// What it costs others when it has only to signal the need.
    package var signal: Remedy?
    /// Smallest first.
    package var remedies: [Remedy] = []
    /// Whether it could have it with the machine for itself.
    package var isPossible = true
    /// Whether the search met its bound before everything was tried.
    package var isCutShort = false
    /// How many plans were made for the answer.
    package var plans = 0

    package init(_ question: Question, for feature: FeatureID, in situation: Situation) {
        self.feature = feature
        self.question = question
        let isThere = situation.absent[feature] == nil
        asked = situation.plan
        if isThere, question.isMet(for: feature, by: situation.plan, on: situation.machine) {
            verdict = .has
            return
        }
        if isThere, let doubted = WhyNot.doubt(question, feature, situation) {
            verdict = .no
            constraint = doubted
            return
        }
        var after = situation
        if let need = question.need(of: feature, in: situation) {
            after.demands[feature] = need
            after.plan = after.replanned()
            plans = 1
        }
        asked = after.plan
        if isThere, question.isMet(for: feature, by: asked, on: situation.machine) {
            verdict = .onSignal
            signal = Remedy(
                [], from: situation.plan.withoutLoans(), to: asked, for: feature)
            return
        }
        verdict = .no
        constraint = BindingConstraint(stopping: feature, from: question, in: after)
        var search = RemedySearch(question, for: feature, in: situation)
        remedies = search.remedies()
        isPossible = search.isPossible
        isCutShort = search.isCutShort
        plans += search.plans
    }

    /// A need that was signalled already and is not believed: signalling it again does nothing.
    private static func doubt(
        _ question: Question, _ feature: FeatureID, _ situation: Situation
    ) -> BindingConstraint? {
        guard case .cores(let coreClass?, let amount) = question,
            let doubted = situation.doubted(feature, coreClass), amount > doubted.believed
        else { return nil }
        return .doubted(coreClass, signalled: doubted.signalled, believed: doubted.believed)
    }
}
