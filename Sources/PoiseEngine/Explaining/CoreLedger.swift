package import PoiseModel

/// Who has the cores of one class: named holders, the system and what is free add up to what the
/// machine has, to the millicore.
package struct CoreLedger: Sendable, Equatable {
    package struct Holder: Sendable, Equatable {
        package var feature: FeatureID
        package var priority: Int
        package var millicores: Int
        /// What of it is due to the feature's minimums.
        package var minimum: Int
    }

    package var coreClass: CoreClass
    package var total: Int
    /// Kept for the operating system.
    package var reserve: Int
    /// Highest priority first, ties by name.
    package var holders: [Holder]
    /// Given to nobody.
    package var free: Int

    package init(_ coreClass: CoreClass, _ situation: Situation) {
        let (machine, plan) = (situation.machine, situation.plan)
        let map = CoreMap(machine)
        self.coreClass = coreClass
        total = map.coreCount[coreClass] * 1000
        reserve =
            machine.cores.count {
                $0.class == coreClass && $0.pus.isSubset(of: plan.reserved)
            } * 1000
        if ReservedCores(situation.policy.reserve, on: map).coreClass == coreClass {
            reserve += plan.reservedMillicores
        }
        holders = plan.features.compactMap { allocation in
            let held = allocation.millicores[coreClass]
            guard held > 0 else { return nil }
            let minimum = situation.policy(of: allocation.feature).map { policy in
                CoreLedger.minimum(policy, allocation.millicores, of: coreClass)
            }
            return Holder(
                feature: allocation.feature, priority: allocation.priority, millicores: held,
                minimum: min(held, minimum ?? 0))
        }
        holders.sort { ($1.priority, $0.feature) < ($0.priority, $1.feature) }
        free = total - reserve - holders.reduce(0) { $0 + $1.millicores }
    }

    /// The minimum of a class itself, and what minimums of other classes had to take from it.
    private static func minimum(
        _ policy: FeaturePolicy, _ held: PerClass<Int>, of coreClass: CoreClass
    ) -> Int {
        var minimum = 0
        for wish in CoreClass.allCases {
            guard let cores = policy.cores[wish] else { continue }
            if wish == coreClass {
                minimum += cores.min
            } else if Apportionment.sources(of: wish, cores.fallback).contains(coreClass) {
                minimum += max(0, cores.min - held[wish])
            }
        }
        return minimum
    }
}
