package import PoiseModel

/// A decision and everything that it was made from: what explanations are computed from.
package struct Situation: Sendable, Equatable, Codable {
    /// What a feature's load says of it.
    package struct Load: Sendable, Equatable, Codable {
        /// CPU time that it used when it was looked at last; nil when that is not known.
        package var usedMillicores: Int?
        /// Time in which some of it waited for a CPU, per mille.
        package var pressurePerMille: Int?
        /// Threads that waited for a CPU, in thousandths.
        package var waitingMillicores: Int?
        /// What it is taken to want for its load.
        package var wants: Int
        /// Whether that is foretold from earlier seasons.
        package var isForetold: Bool

        package init(
            usedMillicores: Int? = nil, pressurePerMille: Int? = nil, wants: Int,
            isForetold: Bool = false
        ) {
            self.usedMillicores = usedMillicores
            self.pressurePerMille = pressurePerMille
            self.wants = wants
            self.isForetold = isForetold
        }
    }

    package var machine: Machine
    package var policy: Policy
    /// What holds now.
    package var plan: AllocationPlan
    /// What the planner was told that features need, by their word and by their load.
    package var demands: [FeatureID: Demand]
    /// What features have signalled themselves.
    package var needs: [FeatureID: Demand]
    package var loads: [FeatureID: Load] = [:]
    /// Features that take no part in the plan, and why: `is stopped`, `has failed: killed by signal
    /// 9`.
    package var absent: [FeatureID: String] = [:]
    /// Those of them that only the machine's service level keeps out, with the lowest one at which
    /// they run.
    package var belowLevel: [FeatureID: ServiceLevel] = [:]

    /// Features that have their place and do not run while their breaker is open, and why.
    package var resting: [FeatureID: String] = [:]

    /// - Parameter needs: those among `demands` that were signalled; all of them when nil.
    package init(
        machine: Machine, policy: Policy, plan: AllocationPlan,
        demands: [FeatureID: Demand] = [:], needs: [FeatureID: Demand]? = nil
    ) {
        self.machine = machine
        self.policy = policy
        self.plan = plan
        self.demands = demands
        self.needs = needs ?? demands
    }

    /// What the policy says of a feature; nil when it does not name it.
    package func policy(of feature: FeatureID) -> FeaturePolicy? {
        policy[feature]
    }

    /// What a feature is taken to need of a class, within its policy's limits; nil without a wish.
    package func target(of feature: FeatureID, _ coreClass: CoreClass) -> Int? {
        guard let wish = policy(of: feature)?.cores[coreClass] else { return nil }
        let wanted = demands[feature]?.wanted[coreClass] ?? wish.want
        return min(max(wanted, wish.min), wish.max)
    }

    /// What a feature has signalled and what of it is believed; nil when it is believed.
    package func doubted(
        _ feature: FeatureID, _ coreClass: CoreClass
    ) -> (signalled: Int, believed: Int)? {
        guard let signalled = needs[feature]?.wanted[coreClass],
            let believed = demands[feature]?.wanted[coreClass], believed < signalled
        else { return nil }
        return (signalled, believed)
    }

    /// The plan that this situation leads to, close to the one that holds, before any loan.
    package func replanned() -> AllocationPlan {
        let running = Set(policy.features.map(\.id)).subtracting(absent.keys)
        return Planner(machine: machine, policy: policy)
            .plan(demands: demands, inForce: plan.withoutLoans(), running: running)
    }
}

extension Situation {
    /// The situation as it is for one who asks after this feature: one that rests does not have
    /// what is kept for it.
    package func regarding(_ feature: FeatureID) -> Situation {
        var situation = self
        if let rest = resting[feature] { situation.absent[feature] = rest }
        return situation
    }

    /// Why a feature is not there, as a sentence.
    static func absence(_ who: String, _ state: String) -> String {
        state.hasPrefix("rests") ? "\(who) \(state)." : "\(who) has no place because it \(state)."
    }
}

extension Breaker {
    /// Why its feature does not run.
    var rest: String {
        let why = cause.map { " (\($0.kind.words): \($0.because))" } ?? ""
        return switch state {
        case .held(.byHand): "rests while its breaker is held open by hand"
        case .held(.quarantine): "rests in quarantine until its breaker is reset\(why)"
        case .open, .closed, .halfOpen:
            "rests while its breaker is open, and is tried again by itself\(why)"
        }
    }
}

extension Situation: SelfChecking {
    package var contradiction: String? {
        loads.values.contains { $0.wants < 0 } ? "has a load that wants less than nothing" : nil
    }
}

extension Supervisor {
    /// What the decisions of now are made from.
    package var situation: Situation {
        var situation = Situation(
            machine: machine, policy: policy, plan: plan, demands: demands, needs: needs.demands)
        for (feature, load) in load.features {
            let foretold = load.foretold ?? 0
            situation.loads[feature] = Situation.Load(
                usedMillicores: load.reading.usedMillicores,
                pressurePerMille: load.reading.cpuPressurePerMille, wants: load.demand,
                isForetold: foretold > load.estimator.settled)
            situation.loads[feature]?.waitingMillicores = load.reading.waitingMillicores
        }
        for feature in policy.features.map(\.id) {
            guard let record = records[feature] else {
                situation.absent[feature] = "is not known yet"
                continue
            }
            if record.life.takesPart, let because = policy[feature].flatMap(keptOutByLevel) {
                // It comes back by itself: only the level stands in its way.
                situation.absent[feature] = "is kept out: \(because)"
                situation.belowLevel[feature] = policy[feature]?.level
                continue
            }
            if record.isKeptOpen { situation.resting[feature] = record.breaker.rest }
            guard !record.life.takesPart else { continue }
            guard !record.isDisabled else {
                situation.absent[feature] = "is disabled"
                continue
            }
            let problem = record.lastProblem.map { ": \($0)" } ?? ""
            let verb = record.life.state == .failed ? "has" : "is"
            situation.absent[feature] = "\(verb) \(record.life.state.word)\(problem)"
        }
        return situation
    }
}

extension FeatureLife.State {
    /// The state as people are told it.
    package var word: String {
        switch self {
        case .stopped: "stopped"
        case .waiting: "waiting"
        case .starting: "starting"
        case .running: "running"
        case .stopping(.rest): "stopping"
        case .stopping(.startAgain): "restarting"
        case .stopping(.failure): "failing"
        case .stopping(.pause): "pausing"
        case .backingOff: "backing off"
        case .failed: "failed"
        }
    }
}
