package import PoiseModel

/// Whole cores of one feature that it leaves idle and on which another may run meanwhile.
///
/// The owner keeps them in its own set and goes first on them by weight, so it has them back from
/// the kernel within a wake-up; the loan itself ends with the next plan.
package struct Loan: Sendable, Equatable {
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
    /// The plan with loans written into it.
    ///
    /// A lender gets the largest weight there is (`cpu.weight`): on a core that both are on it gets
    /// all but about a hundredth.
    func with(_ loans: [Loan]) -> AllocationPlan {
        guard !loans.isEmpty else { return self }
        var plan = self
        for index in plan.features.indices {
            let feature = plan.features[index].feature
            for loan in loans {
                if loan.borrower == feature { plan.features[index].borrowed.formUnion(loan.cpus) }
                if loan.lender == feature { plan.features[index].lent.formUnion(loan.cpus) }
            }
            if !plan.features[index].lent.isEmpty { plan.features[index].weight = 10_000 }
        }
        return plan
    }
}
