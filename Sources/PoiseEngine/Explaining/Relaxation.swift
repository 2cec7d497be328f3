package import PoiseModel

/// One change of the policy, or of what runs, that could let a feature have more.
package enum Relaxation: Sendable, Equatable {
    /// The most cores that a feature may have; a feature without a wish gets one.
    case coreMaximum(FeatureID, CoreClass, to: Int)
    /// Wants, and where need be the minimum, of a class.
    case coreWant(FeatureID, CoreClass, to: Int)
    case coreMinimum(FeatureID, CoreClass, to: Int)
    case fallback(FeatureID, CoreClass, CoreWish.Fallback)
    case priority(FeatureID, to: Int)
    case sharing(FeatureID)
    /// `ifUnmet: start`.
    case startWithLess(FeatureID)
    case stop(FeatureID)
    case start(FeatureID)
    /// Of the whole machine, so that the feature may run.
    case serviceLevel(FeatureID, to: ServiceLevel)
    /// To be stopped and started again, so that its place is looked for anew.
    case placeAnew(FeatureID)
    case reserveCores(to: Int)
    case reserveMemory(to: Int)
    case memoryWant(FeatureID, to: Int)
    case memoryMinimum(FeatureID, to: Int)
    case locality(FeatureID, MemoryWish.Locality)
    case gpu(FeatureID, to: Int)
    case npu(FeatureID, to: Int)
    /// Per cent.
    case deadband(to: Int)

    /// The feature whose policy it changes; nil for the reserve.
    package var feature: FeatureID? {
        switch self {
        case .coreMaximum(let feature, _, _), .coreWant(let feature, _, _),
            .coreMinimum(let feature, _, _), .fallback(let feature, _, _),
            .priority(let feature, _), .sharing(let feature), .startWithLess(let feature),
            .stop(let feature), .start(let feature), .serviceLevel(let feature, _),
            .placeAnew(let feature), .memoryWant(let feature, _),
            .memoryMinimum(let feature, _), .locality(let feature, _), .gpu(let feature, _),
            .npu(let feature, _):
            feature
        case .reserveCores, .reserveMemory, .deadband: nil
        }
    }

    /// The situation with this change made; the plan is still the old one.
    package func made(in situation: Situation) -> Situation {
        var changed = situation
        switch self {
        case .stop(let feature): changed.absent[feature] = "is stopped"
        case .start(let feature):
            changed.absent[feature] = nil
            changed.resting[feature] = nil
        case .serviceLevel(_, let level):
            // Everybody of that level comes back with it.
            for (other, own) in situation.belowLevel where own <= level {
                changed.absent[other] = nil
                changed.belowLevel[other] = nil
            }
        case .placeAnew(let feature):
            if let allocation = changed.plan[feature] {
                let others = changed.plan.features.filter { $0.feature != feature }
                let used = others.reduce(changed.plan.reserved) { $0.union($1.cpus) }
                changed.plan.idle.formUnion(allocation.cpus.subtracting(used))
                changed.plan.features = others
            }
        case .reserveCores(let amount): changed.policy.reserve.millicores = amount
        case .reserveMemory(let bytes): changed.policy.reserve.memoryBytes = bytes
        case .deadband(let percent): changed.policy.rebalance.deadbandPercent = percent
        default:
            let index = changed.policy.features.firstIndex { $0.id == feature }
            guard let index else { return situation }
            change(&changed.policy.features[index])
        }
        return changed
    }

    private func change(_ policy: inout FeaturePolicy) {
        switch self {
        case .coreMaximum(_, let coreClass, let most):
            // A minimum below one core would make all of a feature's cores shared.
            let least = policy.isExclusive ? 1000 : 0
            var wish = policy.cores[coreClass] ?? CoreWish(min: least, want: least, max: 0)
            wish.max = most
            (wish.want, wish.min) = (min(wish.want, most), min(wish.min, most))
            policy.cores[coreClass] = wish
        case .coreWant(_, let coreClass, let want):
            guard var wish = policy.cores[coreClass] else { return }
            (wish.min, wish.want, wish.max) = (min(wish.min, want), want, max(wish.max, want))
            policy.cores[coreClass] = wish
        case .coreMinimum(_, let coreClass, let least): policy.cores[coreClass]?.min = least
        case .fallback(_, let coreClass, let fallback):
            policy.cores[coreClass]?.fallback = fallback
        case .priority(_, let priority): policy.priority = priority
        case .sharing: policy.sharing = .shared
        case .startWithLess: policy.shortage = .start
        case .memoryWant(_, let bytes):
            policy.memory.want = bytes
            policy.memory.min = min(policy.memory.min, bytes)
            policy.memory.max = policy.memory.max.map { max($0, bytes) }
        case .memoryMinimum(_, let bytes): policy.memory.min = bytes
        case .locality(_, let locality): policy.memory.locality = locality
        case .gpu(_, let bytes): policy.gpuBytes = bytes
        case .npu(_, let percent): policy.npuPercent = percent
        case .stop, .start, .serviceLevel, .placeAnew, .reserveCores, .reserveMemory, .deadband:
            break
        }
    }
}

/// Changes that give a feature what was asked for, proved by planning with them.
package struct Remedy: Sendable, Equatable {
    /// One feature that has less for it.
    package struct Loss: Sendable, Equatable {
        package var feature: FeatureID
        /// Millicores, by the class that they come from.
        package var coresBefore: PerClass<Int>
        package var coresAfter: PerClass<Int>
        package var memoryBefore: Int
        package var memoryAfter: Int
        /// Whether it would be kept out or stopped.
        package var losesItsPlace: Bool
    }

    package var changes: [Relaxation]
    /// The plan that they lead to.
    package var plan: AllocationPlan
    package var losses: [Loss]
    /// CPUs that features which stay would have to leave.
    package var movedCPUs: Int

    /// Whether a feature loses its place, or all cores that it has.
    var takesAll: Bool {
        losses.contains { loss in
            loss.losesItsPlace || (loss.coresBefore.total > 0 && loss.coresAfter.total == 0)
        }
    }

    init(
        _ changes: [Relaxation], from old: AllocationPlan, to new: AllocationPlan,
        for asker: FeatureID
    ) {
        self.changes = changes
        plan = new
        let change = PlanChange(from: old, to: new)
        movedCPUs = change.movedCPUs
        losses = change.lines.compactMap { line in
            guard line.feature != asker, let before = line.before else { return nil }
            let loss = Loss(
                feature: line.feature, coresBefore: before.millicores,
                coresAfter: line.after?.millicores ?? .zero,
                memoryBefore: before.memory.lowBytes,
                memoryAfter: line.after?.memory.lowBytes ?? 0, losesItsPlace: line.after == nil)
            let isLess =
                CoreClass.allCases.contains { loss.coresAfter[$0] < loss.coresBefore[$0] }
                || loss.memoryAfter < loss.memoryBefore || loss.losesItsPlace
            return isLess ? loss : nil
        }
    }
}
