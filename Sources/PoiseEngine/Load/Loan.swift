package import PoiseModel

/// Whole cores of one feature that it leaves idle and on which another may run meanwhile.
///
/// The owner keeps them in its own set and goes first on them by weight, so it has them back from
/// the kernel within a wake-up; the loan itself ends with the next plan.
package struct Loan: Sendable, Equatable, Codable {
    package var lender: FeatureID
    package var borrower: FeatureID
    /// PUs of whole cores.
    package var cpus: CPUSet

    package init(lender: FeatureID, borrower: FeatureID, cpus: CPUSet) {
        self.lender = lender
        self.borrower = borrower
        self.cpus = cpus
    }
}

extension AllocationPlan {
    /// The loans that are written into the plan, in the order of borrowers and lenders.
    var loans: [Loan] {
        features.flatMap { borrower in
            features.compactMap { lender in
                let cpus = borrower.borrowed.intersection(lender.lent)
                guard lender.feature != borrower.feature, !cpus.isEmpty else { return nil }
                return Loan(lender: lender.feature, borrower: borrower.feature, cpus: cpus)
            }
        }
    }

    /// The plan with a word of those that have a place and do not run.
    func telling(_ resting: Set<FeatureID>) -> AllocationPlan {
        guard !resting.isEmpty else { return self }
        var plan = self
        for index in plan.features.indices where resting.contains(plan.features[index].feature) {
            plan.features[index].because += "; does not run now (poise breaker)"
        }
        return plan
    }

    /// The plan with loans written into it.
    ///
    /// A lender gets the largest weight there is (`cpu.weight`): on a core that both are on it gets
    /// all but about a hundredth.
    package func with(_ loans: [Loan]) -> AllocationPlan {
        guard !loans.isEmpty else { return self }
        var plan = self
        for index in plan.features.indices {
            let feature = plan.features[index].feature
            for loan in loans {
                if loan.borrower == feature {
                    plan.features[index].borrowed.formUnion(loan.cpus)
                    plan.features[index].because +=
                        "; may also run on CPUs \(loan.cpus), which \(loan.lender) leaves idle"
                }
                if loan.lender == feature {
                    plan.features[index].lent.formUnion(loan.cpus)
                    plan.features[index].because +=
                        "; lets \(loan.borrower) run on CPUs \(loan.cpus) while they are idle"
                }
            }
            if !plan.features[index].lent.isEmpty { plan.features[index].weight = 10_000 }
        }
        return plan
    }
}
