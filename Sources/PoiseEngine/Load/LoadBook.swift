package import PoiseModel

/// What is known of one feature's load.
package struct FeatureLoad: Sendable, Equatable, Codable {
    /// The last look.
    package internal(set) var reading: LoadReading
    package internal(set) var estimator: DemandEstimator
    /// What the forecast says it will want soon; nil while there is none that is trusted.
    package internal(set) var foretold: Int?
    /// What is taken to be needed at most, while the feature asks for more than it ever uses.
    package internal(set) var doubt: Int?
    /// Since when it asks for more than its use explains.
    var doubtedSince: Instant?
    /// When it wanted back what it had lent.
    var recalledAt: Instant?
    /// Cores that its CPUs are of, PUs a core per mille, and the CPUs.
    var cores = 1
    var width = 1000
    var widthOf: CPUSet = []

    /// Whether it does more than next to nothing.
    var isBusy: Bool { estimator.isUrgent || estimator.fast >= DemandEstimator.idle }

    /// What its load is taken to want, and what is foretold where the forecast is trusted.
    package var demand: Int { max(estimator.settled, foretold ?? 0) }
}

/// What is known of the load of each feature, and what each is taken to want for it.
///
/// A feature's load may raise what it wants up to its policy's maximum, and never lowers it: what a
/// feature leaves idle is lent (`Lending`) rather than taken, so that it is back at once.
package struct LoadBook: Sendable, Equatable, Codable {
    /// How long a feature may ask for more than its use explains before it is doubted.
    static let grace = Duration.seconds(5)

    package internal(set) var features: [FeatureID: FeatureLoad] = [:]
    /// Outlive their features' processes; empty where the policy wants no forecasts.
    package private(set) var forecasts: [FeatureID: SeasonalForecast] = [:]
    /// The last look at the machine.
    package private(set) var machine: MachineLoad?
    package internal(set) var account = LoanAccount()
    /// When the account is settled.
    private var settleAt: Instant?

    package init() {}

    /// What one look changed.
    struct Change: Equatable {
        var feature: FeatureID
        var before: Int
        var after: Int
        /// Whether it is its own word that is not believed any more, or again.
        var isDoubt = false
        var doubtBefore: Int?
    }

    /// Takes one look at the features that `plan` has a place for.
    ///
    /// - Parameter asked: what each has signalled to need, in all.
    mutating func take(
        _ turn: LoadTurn, _ plan: AllocationPlan, asked: [FeatureID: Int], _ policy: Policy,
        _ machine: Machine, now: Instant
    ) -> [Change] {
        if let load = turn.machine { self.machine = load }
        var changes: [Change] = []
        for (id, reading) in turn.features.sorted(by: { $0.key < $1.key }) {
            guard let allocation = plan[id], reading.microseconds > 0,
                let feature = policy[id]
            else { continue }
            changes += take(
                reading, of: feature, allocation, asked[id] ?? 0, policy.rebalance, machine,
                turn.wallSeconds, now)
        }
        if settleAt.map({ $0 <= now }) ?? true {
            account.settle(plan)
            settleAt = now + .seconds(1)
        }
        return changes
    }

    private mutating func take(
        _ reading: LoadReading, of feature: FeaturePolicy, _ allocation: ResourceAllocation,
        _ asked: Int, _ rebalance: Rebalance, _ machine: Machine, _ wallSeconds: Int, _ now: Instant
    ) -> [Change] {
        var setting = DemandEstimator.Setting(
            entitled: allocation.millicores.total, want: feature.wantedMillicores,
            quantum: feature.isExclusive ? 1000 : 50, most: feature.mostMillicores,
            deadbandPercent: rebalance.deadbandPercent, shrinkAfter: rebalance.shrinkAfter)
        var load =
            features[feature.id]
            ?? FeatureLoad(reading: reading, estimator: DemandEstimator(setting))
        if load.widthOf != allocation.cpus {
            load.widthOf = allocation.cpus
            load.cores = machine.cores.count { !$0.pus.isDisjoint(with: allocation.cpus) }
            load.width = max(1000, allocation.cpus.count * 1000 / max(1, load.cores))
        }
        (setting.width, setting.cores) = (load.width, load.cores)
        load.reading = reading
        let before = load.demand
        _ = load.estimator.take(reading, setting, now: now)
        var changes: [Change] = []
        if reading.usedMillicores != nil {
            load.foretold = foresee(feature.id, load.estimator.fast, rebalance, wallSeconds)
            account.add(
                feature.id, used: load.estimator.used, entitled: setting.entitled,
                microseconds: reading.microseconds)
            let doubt = load.doubt
            load.weigh(asked: min(asked, setting.most), want: setting.want, now)
            if load.doubt != doubt {
                changes.append(
                    Change(
                        feature: feature.id, before: doubt ?? asked, after: load.doubt ?? asked,
                        isDoubt: true, doubtBefore: doubt))
            }
        }
        features[feature.id] = load
        if load.demand != before {
            changes.append(Change(feature: feature.id, before: before, after: load.demand))
        }
        return changes
    }

    private mutating func foresee(
        _ feature: FeatureID, _ demand: Int, _ rebalance: Rebalance, _ wallSeconds: Int
    ) -> Int? {
        guard let setting = rebalance.forecast else { return nil }
        forecasts[feature, default: SeasonalForecast(setting)]
            .take(demand, wallSeconds: wallSeconds)
        guard let forecast = forecasts[feature], forecast.isTrusted else { return nil }
        return forecast.demand
    }

    /// Gives a feature's history of demand, oldest first, to its forecast.
    mutating func train(
        _ feature: FeatureID, _ history: [DemandMinute], _ setting: ForecastSetting
    ) {
        var forecast = SeasonalForecast(setting)
        // A minute stands for all steps that are in it.
        let step = max(1, min(60, setting.step.wholeSeconds))
        for minute in history where (0...(1 << 40)).contains(minute.minute) {
            for second in stride(from: 0, to: 60, by: step) {
                forecast.take(minute.peakMillicores, wallSeconds: minute.minute * 60 + second)
            }
        }
        forecasts[feature] = forecast
    }

    /// Drops what the policy does not name, and forecasts of another setting.
    mutating func adopt(_ policy: Policy) {
        forecasts = forecasts.filter { id, forecast in
            policy.features.contains { $0.id == id }
                && policy.rebalance.forecast.map(forecast.isOf) ?? false
        }
        for feature in account.sums.keys
        where !policy.features.contains(where: { $0.id == feature }) {
            account.forget(feature)
        }
    }

    /// Its processes have ended: what the next ones want is not known.
    mutating func forget(_ feature: FeatureID) { features[feature] = nil }
}

extension FeatureLoad {
    /// Doubts a feature that goes on asking for more than twice its peak of use and a core.
    mutating func weigh(asked: Int, want: Int, _ now: Instant) {
        let most = max(want, estimator.reference.most)
        guard estimator.reference.isSure, asked > most else {
            (doubtedSince, doubt) = (nil, nil)
            return
        }
        let since = doubtedSince ?? now
        doubtedSince = since
        // Rounded up, so that small changes of use are no changes of the doubt.
        if now - since >= LoadBook.grace { doubt = DemandEstimator.roundUp(most, 500) }
    }
}

// What the planner is told.
extension LoadBook {
    /// What features need: what they signalled, as far as it is believed, and what their load wants
    /// beyond what the policy wants for them.
    func demands(_ needs: [FeatureID: Demand], _ policy: Policy) -> [FeatureID: Demand] {
        var demands = needs
        for (id, load) in features {
            guard let feature = policy[id] else { continue }
            if let doubt = load.doubt { demands[id] = demands[id]?.limited(to: doubt) }
            let extra = load.demand - feature.wantedMillicores
            if extra > 0 {
                demands[id, default: Demand()].raise(feature.wishes(beyondWant: extra))
            }
        }
        return demands
    }
}

extension Demand {
    /// What is asked for in all.
    var total: Int { CoreClass.allCases.reduce(0) { $0 + (wanted[$1] ?? 0) } }

    /// The same with at most so many millicores in all, the least capable classes cut first.
    fileprivate func limited(to most: Int) -> Demand {
        var (limited, left) = (self, most)
        for coreClass in CoreClass.allCases {
            guard let amount = wanted[coreClass] else { continue }
            limited.wanted[coreClass] = min(amount, left)
            left -= min(amount, left)
        }
        return limited
    }

    fileprivate mutating func raise(_ least: PerClass<Int>) {
        for coreClass in CoreClass.allCases where least[coreClass] > 0 {
            wanted[coreClass] = max(wanted[coreClass] ?? 0, least[coreClass])
        }
    }
}

extension FeaturePolicy {
    /// What the policy allows it in all, in millicores.
    package var mostMillicores: Int {
        CoreClass.allCases.reduce(0) { $0 + (cores[$1]?.max ?? 0) }
    }

    /// What the policy wants for it in all, in millicores.
    package var wantedMillicores: Int {
        CoreClass.allCases.reduce(0) { $0 + (cores[$1]?.want ?? 0) }
    }

    /// What it is to have of each class when its load wants `extra` more than its policy does: the
    /// most capable class first, each up to its maximum. 0 where nothing is added.
    fileprivate func wishes(beyondWant extra: Int) -> PerClass<Int> {
        var (wishes, left) = (PerClass<Int>.zero, extra)
        for coreClass in CoreClass.allCases {
            guard let wish = cores[coreClass], left > 0 else { continue }
            let part = min(left, wish.max - wish.want)
            if part > 0 { wishes[coreClass] = wish.want + part }
            left -= part
        }
        return wishes
    }
}
