package import PoiseModel

/// The needs that features have signalled, and until when they hold.
///
/// A need counts from the moment that it is signalled. One that is taken back or runs out still
/// holds for `shrinkAfter`, so that a load which comes and goes does not move cores each time.
package struct NeedBook: Sendable {
    private struct Need {
        var millicores: Int
        var until: Instant
    }

    private var needs: [FeatureID: PerClass<Need?>] = [:]

    package init() {}

    /// Notes that `feature` needs so many millicores of a class for `duration`; 0 takes it back.
    ///
    /// Gives whether that is news, and not only the same need again.
    package mutating func signal(
        _ feature: FeatureID, _ coreClass: CoreClass, millicores: Int, for duration: Duration,
        shrinkAfter: Duration, now: Instant
    ) -> Bool {
        var ofFeature = needs[feature] ?? PerClass(repeating: nil)
        let before = ofFeature[coreClass]
        if millicores > 0 {
            ofFeature[coreClass] = Need(
                millicores: millicores, until: now + duration + shrinkAfter)
        } else if let held = before {
            ofFeature[coreClass]?.until = min(held.until, now + shrinkAfter)
        }
        needs[feature] = ofFeature
        return millicores > 0 && before?.millicores != millicores
    }

    /// Forgets what has run out, and everything of `feature` when it is named.
    package mutating func expire(now: Instant, all feature: FeatureID? = nil) {
        if let feature { needs[feature] = nil }
        for (id, ofFeature) in needs {
            var kept = ofFeature
            for coreClass in CoreClass.allCases {
                if let need = kept[coreClass], need.until <= now { kept[coreClass] = nil }
            }
            let isEmpty = CoreClass.allCases.allSatisfy { kept[$0] == nil }
            needs[id] = isEmpty ? nil : kept
        }
    }

    /// What features need now, for the planner.
    package var demands: [FeatureID: Demand] {
        needs.mapValues { ofFeature in
            var demand = Demand()
            for coreClass in CoreClass.allCases {
                demand.wanted[coreClass] = ofFeature[coreClass]?.millicores
            }
            return demand
        }
    }

    /// Each need with the moment until which it holds, in the order of feature and class.
    package var all: [(feature: FeatureID, coreClass: CoreClass, millicores: Int, until: Instant)] {
        needs.sorted { $0.key < $1.key }.flatMap { feature, ofFeature in
            CoreClass.allCases.compactMap { coreClass in
                ofFeature[coreClass].map { (feature, coreClass, $0.millicores, $0.until) }
            }
        }
    }

    /// When the next need runs out.
    package var nextExpiry: Instant? {
        needs.values.flatMap { ofFeature in
            CoreClass.allCases.compactMap { ofFeature[$0]?.until }
        }.min()
    }
}
