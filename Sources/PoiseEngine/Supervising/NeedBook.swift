package import PoiseModel

/// The needs that features have signalled, and until when they hold.
///
/// A need counts from the moment that it is signalled. One that is lowered, taken back or runs out
/// still holds for `shrinkAfter`, so that a load which comes and goes does not move cores each
/// time: what a feature is taken to need is the most it asked for in that while.
package struct NeedBook: Sendable, Codable {
    /// A plugin that lowers its need in many steps is remembered with this many of them.
    private static let mostHolds = 16
    /// How long a need must last where the policy says not to grow at once.
    private static let patience = Duration.seconds(1)

    private struct Hold: Codable {
        var millicores: Int
        var until: Instant
    }

    private struct Need: Codable {
        /// What was signalled last; 0 when it was taken back or ran out.
        var millicores = 0
        var until = Instant(nanoseconds: 0)
        /// Before this it does not count yet; nil when it does.
        var from: Instant?
        /// Larger needs from before that still hold, the largest first; each holds shorter than
        /// the one after it.
        var holds: [Hold] = []

        var effective: Int {
            max(from == nil ? millicores : 0, holds.first?.millicores ?? 0)
        }

        /// Whether nothing of it is left.
        var isOver: Bool { millicores == 0 && holds.isEmpty }

        mutating func hold(_ amount: Int, until: Instant) {
            guard amount > 0 else { return }
            holds.removeAll { $0.millicores <= amount }
            if holds.count == NeedBook.mostHolds { holds.removeLast() }
            holds.append(Hold(millicores: amount, until: until))
        }

        mutating func expire(now: Instant) {
            if until <= now { millicores = 0 }
            if let due = from, due <= now { from = nil }
            holds.removeAll { $0.until <= now }
        }

        var nextExpiry: Instant? {
            ((millicores > 0 ? [until] : []) + [from].compactMap(\.self) + holds.map(\.until)).min()
        }
    }

    private var needs: [FeatureID: PerClass<Need?>] = [:]

    package init() {}

    /// Notes that `feature` needs so many millicores of a class for `duration`; 0 takes it back.
    ///
    /// Gives whether it is now taken to need more than before. Without `growAtOnce` a larger need
    /// counts when it has lasted for a second.
    package mutating func signal(
        _ feature: FeatureID, _ coreClass: CoreClass, millicores: Int, for duration: Duration,
        _ rebalance: Rebalance, now: Instant
    ) -> Bool {
        var ofFeature = needs[feature] ?? PerClass(repeating: nil)
        var need = ofFeature[coreClass] ?? Need()
        let before = need.effective
        if millicores < need.millicores, need.from == nil {
            need.hold(need.millicores, until: now + rebalance.shrinkAfter)
        }
        if millicores <= before {
            need.from = nil
        } else if !rebalance.growAtOnce, need.from == nil {
            need.from = now + NeedBook.patience
        }
        need.millicores = max(0, millicores)
        need.until = now + duration + rebalance.shrinkAfter
        ofFeature[coreClass] = need.isOver ? nil : need
        needs[feature] = ofFeature
        return need.effective > before
    }

    /// Forgets what has run out, and everything of `feature` when it is named.
    package mutating func expire(now: Instant, all feature: FeatureID? = nil) {
        if let feature { needs[feature] = nil }
        for (id, ofFeature) in needs {
            var kept = ofFeature
            for coreClass in CoreClass.allCases {
                kept[coreClass]?.expire(now: now)
                if kept[coreClass]?.isOver ?? false { kept[coreClass] = nil }
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
                demand.wanted[coreClass] = ofFeature[coreClass]?.effective
            }
            return demand
        }
    }

    /// Each need with the moment until which it holds, in the order of feature and class.
    package var all: [(feature: FeatureID, coreClass: CoreClass, millicores: Int, until: Instant)] {
        needs.sorted { $0.key < $1.key }.flatMap { feature, ofFeature in
            CoreClass.allCases.compactMap { coreClass in
                ofFeature[coreClass].map { need in
                    let last = max(need.until, need.holds.last?.until ?? need.until)
                    return (feature, coreClass, need.effective, last)
                }
            }
        }
    }

    /// When the next need runs out.
    package var nextExpiry: Instant? {
        needs.values.flatMap { ofFeature in
            CoreClass.allCases.compactMap { ofFeature[$0]?.nextExpiry }
        }.min()
    }
}
