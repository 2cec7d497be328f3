package import PoiseModel

// What features do and say becomes what they are to have.
extension Supervisor {
    mutating func take(
        need feature: FeatureID, _ coreClass: CoreClass, _ millicores: Int, _ duration: Duration,
        _ now: Instant
    ) {
        guard records[feature]?.life.state == .running else { return }
        let isNews = needs.signal(
            feature, coreClass, millicores: millicores, for: duration, policy.rebalance, now: now)
        if isNews {
            let resource = Unmet.Resource.cores(coreClass)
            note(.need, feature, "needs \(resource.words(millicores))")
        }
        mustPlan = true
    }

    /// One look at the load: plans again where it changes what anybody wants, or who lends.
    mutating func take(_ turn: LoadTurn, _ now: Instant) {
        if let machine = turn.machine { levels.take(machine, now: now) }
        noteMemory(turn)
        var turn = turn
        turn.features = turn.features.filter { records[$0.key]?.life.state == .running }
        takeForRollouts(turn, now)
        let asked = needs.demands.mapValues(\.total)
        let changes = load.take(turn, plan, asked: asked, policy, machine, now: now)
        for change in changes { tell(change) }
        keepPromises(now, turn)
        if !changes.isEmpty || newLoans(by: plan.withoutLoans(), now) != loans { mustPlan = true }
    }

    /// Begins and ends loans, so that they fit a plan that has none yet.
    mutating func lend(by base: AllocationPlan, _ now: Instant) {
        resting = restingNow(now)
        let new = newLoans(by: base, now)
        let before = loans
        loans = new
        for loan in before where !new.contains(where: { $0.isSamePair(loan) }) {
            if let lender = base[loan.lender], loan.cpus.isSubset(of: lender.exclusive),
                load.features[loan.lender]?.isBusy ?? false
            {
                load.features[loan.lender]?.recalledAt = now
            }
            note(
                .returned, loan.borrower,
                "gives CPUs \(loan.cpus) back to \(loan.lender)")
        }
        for loan in new where !before.contains(where: { $0.isSamePair(loan) }) {
            note(
                .lent, loan.borrower,
                "runs on CPUs \(loan.cpus), which \(loan.lender) leaves idle")
        }
    }

    private func newLoans(by base: AllocationPlan, _ now: Instant) -> [Loan] {
        Lending.loans(
            base, before: loans, resting: resting, policy: policy, machine: machine,
            load: load, now: now)
    }

    private mutating func tell(_ change: LoadBook.Change) {
        let (before, after) = (
            QuantityText.cores(change.before), QuantityText.cores(change.after)
        )
        if change.isDoubt {
            // How far it is believed moves with what it uses; that it is doubted is the news.
            switch (change.doubtBefore, load.features[change.feature]?.doubt) {
            case (nil, .some):
                note(
                    .doubted, change.feature,
                    "asks for \(before) cores and uses far less; \(after) are believed")
            case (.some, nil): note(.doubted, change.feature, "is believed again")
            default: break
            }
            return
        }
        // Only what is wanted beyond the policy's want moves anything.
        let want = policy[change.feature]?.wantedMillicores ?? 0
        guard max(change.before, change.after) > want, let load = load.features[change.feature]
        else { return }
        var text = "its load wants \(before) → \(after) cores: it uses "
        text += QuantityText.cores(load.estimator.used)
        if let waiting = load.reading.waitingMillicores, waiting >= 50 {
            text += " and \(QuantityText.cores(waiting)) threads wait"
        } else if let pressure = load.reading.cpuPressurePerMille, pressure >= 10 {
            text += " and waits \(pressure / 10) % of the time"
        }
        if load.foretold.map({ $0 > load.estimator.settled }) ?? false { text += " (foretold)" }
        note(.load, change.feature, text)
    }
}

extension Loan {
    func isSamePair(_ other: Loan) -> Bool {
        lender == other.lender && borrower == other.borrower
    }
}

extension Supervisor {
    /// Gives the forecast of a feature what it wanted in earlier days; before the first turn.
    package mutating func train(_ feature: FeatureID, _ history: [DemandMinute]) {
        guard let setting = policy.rebalance.forecast else { return }
        load.train(feature, history, setting)
    }
}
