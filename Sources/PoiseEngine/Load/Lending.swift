import PoiseModel

/// Decides who runs on whose idle cores.
///
/// **Who lends.** A feature with cores of its own lends those that the peak of its last while does
/// not need (`lend: true`). One that used next to nothing lends all, any other keeps one at least.
/// A lender that begins to wait gets all back at once. One that does not run (its breaker is open)
/// lends everything, and to everybody: nothing of it is there to be in anybody's way.
///
/// **Who borrows.** A feature whose load wants more than it has by the plan, up to its policy's
/// maximum (`borrow: true`), from lenders of its own priority or a higher one only: in the other
/// direction the plan itself takes what is above the lower one's minimum.
///
/// **Stability.** Loans stay where they are as long as both sides still want them; a lender's
/// idleness must have held for `shrinkAfter`, since it is measured by the peak of that while, and
/// one that wanted its cores back lends nothing new for five seconds.
struct Lending {
    /// After it wanted something back, a lender lends nothing new for so long.
    private static let pause = Duration.seconds(5)

    private let plan: AllocationPlan
    private let policy: Policy
    private let machine: Machine
    private let load: LoadBook
    /// Features that have a place in the plan and do not run.
    private let resting: Set<FeatureID>
    private let now: Instant
    /// Cores that each lender may still lend, in the order of the machine's cores.
    private var offers: [FeatureID: [Core]] = [:]
    private var budget: [FeatureID: Int] = [:]

    /// - Parameter plan: without any loans.
    init(
        _ plan: AllocationPlan, resting: Set<FeatureID>, policy: Policy, machine: Machine,
        load: LoadBook, now: Instant
    ) {
        self.now = now
        self.resting = resting
        self.plan = plan
        self.policy = policy
        self.machine = machine
        self.load = load
    }

    /// The loans from now on, given those until now, in the order of borrowers and lenders.
    static func loans(
        _ plan: AllocationPlan, before: [Loan], resting: Set<FeatureID> = [], policy: Policy,
        machine: Machine, load: LoadBook, now: Instant
    ) -> [Loan] {
        var lending = Lending(
            plan, resting: resting, policy: policy, machine: machine, load: load, now: now)
        return lending.run(before)
    }

    private mutating func run(_ before: [Loan]) -> [Loan] {
        let asking = plan.features
            .filter { feature in
                wish(of: feature, has: 0) > 0 || before.contains { $0.borrower == feature.feature }
            }
            .sorted { (-$0.priority, $0.feature) < (-$1.priority, $1.feature) }
        guard !asking.isEmpty else { return [] }
        for lender in plan.features { offer(lender, before) }
        guard !offers.isEmpty else { return [] }
        var given: [FeatureID: [FeatureID: CPUSet]] = [:]
        for borrower in asking {
            keep(before.filter { $0.borrower == borrower.feature }, of: borrower, &given)
        }
        for borrower in asking { lend(to: borrower, &given) }
        return given.sorted { $0.key < $1.key }.flatMap { borrower, lenders in
            lenders.sorted { $0.key < $1.key }.map {
                Loan(lender: $0.key, borrower: borrower, cpus: $0.value)
            }
        }
    }

    /// How many more cores a feature would use; the first costs more load than keeping one. Who has
    /// not been looked at yet, as after a restart of the daemon, keeps what it has.
    private func wish(of allocation: ResourceAllocation, has borrowed: Int) -> Int {
        guard let feature = policy[allocation.feature], !resting.contains(allocation.feature),
            feature.borrow, feature.partition == .member
        else { return 0 }
        guard let known = load.features[allocation.feature]?.estimator else { return borrowed }
        let demand = known.peakDemand == nil ? max(known.settled, known.fast) : known.settled
        let missing = min(demand, feature.mostMillicores) - allocation.millicores.total
        return missing >= 100 + 400 * (borrowed == 0 ? 1 : 0) ? (missing + 999) / 1000 : 0
    }

    private mutating func offer(_ lender: ResourceAllocation, _ before: [Loan]) {
        guard !lender.exclusive.isEmpty,
            let feature = policy[lender.feature],
            feature.lend, feature.partition == .member
        else { return }
        let own = machine.cores.filter { $0.pus.isSubset(of: lender.exclusive) }
        let lent = before.filter { $0.lender == lender.feature }
            .reduce(into: CPUSet()) { $0.formUnion($1.cpus) }
        let count =
            resting.contains(lender.feature)
            ? own.count
            : spare(
                load.features[lender.feature], of: own.count,
                lent: own.count { $0.pus.isSubset(of: lent) })
        guard count > 0 else { return }
        offers[lender.feature] = own
        budget[lender.feature] = count
    }

    /// How many of its cores a feature does without. Until a whole window of it has been seen, it
    /// lends no more than it did before.
    private func spare(_ load: FeatureLoad?, of count: Int, lent: Int) -> Int {
        guard let load else { return lent }
        let known = load.estimator
        if known.isUrgent { return 0 }
        let peak = known.peakDemand ?? known.fast
        let kept = peak < DemandEstimator.idle ? 0 : max(1, (peak + 999) / 1000)
        let spare = max(0, count - kept)
        let rests = load.recalledAt.map { now - $0 < Lending.pause } ?? false
        return known.peakDemand == nil || rests ? min(lent, spare) : spare
    }

    private func mayBorrow(_ borrower: ResourceAllocation, from lender: FeatureID) -> Bool {
        guard lender != borrower.feature, let from = plan[lender] else { return false }
        return from.priority >= borrower.priority || resting.contains(lender)
    }

    private func mayUse(_ core: Core, _ borrower: ResourceAllocation) -> Bool {
        guard let feature = policy[borrower.feature]
        else { return false }
        return feature.classesToRunOn.contains(core.class)
    }

    private mutating func keep(
        _ held: [Loan], of borrower: ResourceAllocation,
        _ given: inout [FeatureID: [FeatureID: CPUSet]]
    ) {
        let lent = held.reduce(into: CPUSet()) { $0.formUnion($1.cpus) }
        var left = wish(
            of: borrower, has: machine.cores.count { !$0.pus.isDisjoint(with: lent) })
        for loan in held where mayBorrow(borrower, from: loan.lender) {
            for core in offers[loan.lender] ?? []
            where left > 0 && core.pus.isSubset(of: loan.cpus) && mayUse(core, borrower) {
                if take(core, of: loan.lender, for: borrower.feature, &given) { left -= 1 }
            }
        }
    }

    private mutating func lend(
        to borrower: ResourceAllocation, _ given: inout [FeatureID: [FeatureID: CPUSet]]
    ) {
        let has = given[borrower.feature]?.values.reduce(into: CPUSet()) { $0.formUnion($1) } ?? []
        let held = machine.cores.count { !$0.pus.isDisjoint(with: has) }
        var left = wish(of: borrower, has: held) - held
        guard left > 0 else { return }
        let home = machine.cores.filter { !$0.pus.isDisjoint(with: borrower.cpus) }
        let nodes = Set(home.map(\.node))
        let clusters = Set(home.compactMap(\.cluster))
        var best: [(score: (Int, Int, Int), lender: FeatureID, core: Core)] = []
        for (lender, cores) in offers.sorted(by: { $0.key < $1.key })
        where mayBorrow(borrower, from: lender) {
            for core in cores where mayUse(core, borrower) {
                let isNear = core.cluster.map(clusters.contains) ?? false
                // The owner works from its first cores up, so the last are lent first.
                best.append(
                    (
                        (isNear ? 0 : 1, nodes.contains(core.node) ? 0 : 1, -core.id), lender,
                        core
                    ))
            }
        }
        for choice in best.sorted(by: { $0.score < $1.score }) where left > 0 {
            if take(choice.core, of: choice.lender, for: borrower.feature, &given) { left -= 1 }
        }
    }

    /// Each core is lent once.
    private mutating func take(
        _ core: Core, of lender: FeatureID, for borrower: FeatureID,
        _ given: inout [FeatureID: [FeatureID: CPUSet]]
    ) -> Bool {
        guard let left = budget[lender], left > 0,
            let index = offers[lender]?.firstIndex(where: { $0.id == core.id })
        else { return false }
        offers[lender]?.remove(at: index)
        budget[lender] = left - 1
        given[borrower, default: [:]][lender, default: []].formUnion(core.pus)
        return true
    }
}
