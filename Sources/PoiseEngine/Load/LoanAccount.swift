package import PoiseModel

/// CPU time that features used of each other's budgets, in microseconds of a core.
///
/// What a feature uses beyond its own is *borrowed* from those on whose CPUs it may run and who
/// left theirs idle at that time, each in proportion to what it left; what nobody's budget covers
/// was nobody's. So what is lent equals what is borrowed, to the microsecond.
package struct LoanAccount: Sendable, Equatable, Codable {
    /// One feature's side of it.
    package struct Sums: Sendable, Equatable, Codable {
        package var entitled = 0
        package var used = 0
        package var lent = 0
        package var borrowed = 0

        package init() {}
    }

    /// What was seen since the account was settled the last time.
    private struct Open: Sendable, Equatable, Codable {
        var over = 0
        var spare = 0
    }

    package private(set) var sums: [FeatureID: Sums] = [:]
    private var open: [FeatureID: Open] = [:]

    package init() {}

    /// Adds one look: `used` and `entitled` millicores over so many microseconds.
    mutating func add(_ feature: FeatureID, used: Int, entitled: Int, microseconds: Int) {
        sums[feature, default: Sums()].entitled += entitled * microseconds / 1000
        sums[feature, default: Sums()].used += used * microseconds / 1000
        let over = (used - entitled) * microseconds / 1000
        if over > 0 {
            open[feature, default: Open()].over += over
        } else {
            open[feature, default: Open()].spare -= over
        }
    }

    /// Settles what is open between features that share CPUs by `plan`.
    mutating func settle(_ plan: AllocationPlan) {
        var spare = open.mapValues(\.spare)
        for borrower in plan.features {
            guard let over = open[borrower.feature]?.over, over > 0 else { continue }
            let lenders = plan.features.filter { lender in
                lender.feature != borrower.feature && spare[lender.feature, default: 0] > 0
                    && !lender.cpus.isDisjoint(with: borrower.cpus)
            }.map(\.feature)
            let there = lenders.reduce(0) { $0 + spare[$1, default: 0] }
            let borrowed = min(over, there)
            var left = borrowed
            for (index, lender) in lenders.enumerated() {
                let has = spare[lender, default: 0]
                let (high, low) = borrowed.multipliedFullWidth(by: has)
                let share = there.dividingFullWidth((high, low)).quotient
                let part = min(index == lenders.count - 1 ? left : min(share, left), has)
                spare[lender] = has - part
                sums[lender, default: Sums()].lent += part
                left -= part
            }
            sums[borrower.feature, default: Sums()].borrowed += borrowed - left
        }
        open = [:]
    }

    mutating func forget(_ feature: FeatureID) {
        open[feature] = nil
        sums[feature] = nil
    }
}

extension LoanAccount.Sums: SelfChecking {
    package var contradiction: String? {
        [entitled, used, lent, borrowed].allSatisfy { $0.magnitude < 1 << 60 }
            ? nil : "has sums that cannot be"
    }
}

extension LoanAccount: SelfChecking {
    package var contradiction: String? {
        // All of them are added up.
        open.values.allSatisfy { (0..<1 << 50) ~= $0.over && (0..<1 << 50) ~= $0.spare }
            ? nil : "has open amounts that cannot be"
    }
}
