import PoiseModel

// What is tried, and in which order.
extension RemedySearch {
    static func required(
        _ question: Question, of feature: FeatureID, in asked: Situation
    ) -> [Relaxation] {
        guard let policy = asked.policy(of: feature) else { return [] }
        var changes: [Relaxation] = asked.absent[feature] == nil ? [] : [.start(feature)]
        if let level = asked.belowLevel[feature] { changes = [.serviceLevel(feature, to: level)] }
        switch question {
        case .cores, .cpus:
            for coreClass in CoreClass.allCases {
                guard let wanted = asked.demands[feature]?.wanted[coreClass],
                    wanted > policy.cores[coreClass]?.max ?? 0
                else { continue }
                changes.append(.coreMaximum(feature, coreClass, to: wanted))
            }
        case .memory(let bytes) where bytes > policy.memory.want:
            changes.append(.memoryWant(feature, to: bytes))
        case .gpu(let bytes) where bytes > policy.gpuBytes:
            changes.append(.gpu(feature, to: bytes))
        case .npu(let percent) where percent > policy.npuPercent:
            changes.append(.npu(feature, to: percent))
        case .memory, .gpu, .npu, .node, .running: break
        }
        if case .cpus = question { changes.append(.placeAnew(feature)) }
        if case .node = question { changes.append(.placeAnew(feature)) }
        return changes
    }

    /// Groups in the order in which they are tried; of each group the first that does is told.
    func candidates() -> [[RelaxationScale]] {
        let others = holders()
        var groups = [ownConcessions(), [priorities()].compactMap(\.self)]
        switch question {
        case .memory: groups += memory(of: others)
        case .gpu: groups += [others.compactMap { lowered($0.id, $0.gpuBytes, Relaxation.gpu) }]
        case .npu:
            groups += [
                others.compactMap { other in
                    RelaxationScale(from: other.npuPercent, downTo: 0, unit: 5) {
                        .npu(other.id, to: $0)
                    }
                }
            ]
        case .cores, .cpus, .node: groups += cores(of: others)
        case .running: groups += cores(of: others) + memory(of: others)
        }
        groups.append(others.map { RelaxationScale(.stop($0.id)) })
        groups.append(reserves())
        groups.append(ownFallbacks())
        return groups.filter { !$0.isEmpty }
    }

    /// Others that hold what was asked for, lowest priority first.
    private func holders() -> [FeaturePolicy] {
        let others = asked.plan.features.filter { allocation in
            guard allocation.feature != feature else { return false }
            switch question {
            case .cores(let coreClass?, _): return allocation.millicores[coreClass] > 0
            case .cores(nil, _), .running: return true
            case .memory: return allocation.memory.lowBytes > 0
            case .gpu: return allocation.accelerators.contains { $0.bytes > 0 }
            case .npu: return allocation.accelerators.contains { $0.sharePercent != nil }
            case .cpus(let cpus): return !allocation.cpus.isDisjoint(with: cpus)
            case .node(let number):
                let node = asked.machine.nodes.first { $0.osIndex == number }
                return !allocation.cpus.isDisjoint(with: node?.pus ?? [])
            }
        }
        return others.compactMap { asked.policy(of: $0.feature) }
            .sorted { ($0.priority, $0.id) < ($1.priority, $1.id) }
    }

    private var own: FeaturePolicy? { asked.policy(of: feature) }

    /// Just above each other priority that is not below its own.
    private func priorities() -> RelaxationScale? {
        guard let own else { return nil }
        let above = Set(asked.policy.features.filter { $0.id != feature }.map(\.priority))
        let steps = above.filter { $0 >= own.priority }.map { min(100, $0 + 1) }
        return RelaxationScale(
            Set(steps).filter { $0 > own.priority }.sorted()
                .map { .priority(feature, to: $0) })
    }

    /// What the feature itself can do without.
    private func ownConcessions() -> [RelaxationScale] {
        guard let own, question == .running,
            let kept = asked.plan.keptOut.first(where: { $0.feature == feature })
        else { return [] }
        var scales: [RelaxationScale] = []
        // With one minimum lacking it is the smallest change; with more, to start with less is.
        if kept.unmet.count == 1, let unmet = kept.unmet.first {
            switch unmet.resource {
            case .cores(let coreClass):
                if let scale = RelaxationScale(
                    from: unmet.wanted, downTo: 0, unit: own.isExclusive ? 1000 : 100,
                    { .coreMinimum(feature, coreClass, to: $0) })
                {
                    scales.append(scale)
                }
            case .memory:
                if let scale = lowered(feature, own.memory.min, Relaxation.memoryMinimum) {
                    scales.append(scale)
                }
            case .gpu, .npu: break
            }
        }
        if own.shortage == .keepOut { scales.append(RelaxationScale(.startWithLess(feature))) }
        if own.memory.locality == .strict {
            scales.append(RelaxationScale(.locality(feature, .preferred)))
        }
        return scales
    }

    /// Others' wants down to their minimums, then their minimums down to nothing.
    private func cores(of others: [FeaturePolicy]) -> [[RelaxationScale]] {
        var wants: [RelaxationScale] = []
        var minimums: [RelaxationScale] = []
        for other in others {
            let unit = other.isExclusive ? 1000 : 100
            for wish in CoreClass.allCases {
                guard let cores = other.cores[wish], mayGive(wish, cores),
                    let target = asked.target(of: other.id, wish)
                else { continue }
                let isSignalled = asked.demands[other.id]?.wanted[wish] != nil
                let limit = { (amount: Int) -> Relaxation in
                    isSignalled
                        ? .coreMaximum(other.id, wish, to: amount)
                        : .coreWant(other.id, wish, to: amount)
                }
                if let scale = RelaxationScale(from: target, downTo: cores.min, unit: unit, limit) {
                    wants.append(scale)
                }
                let isBelow = other.priority < own?.priority ?? 0
                let lower = RelaxationScale(from: cores.min, downTo: 0, unit: unit) { amount in
                    isBelow ? .coreMinimum(other.id, wish, to: amount) : limit(amount)
                }
                if let lower { minimums.append(lower) }
            }
        }
        return [wants, minimums]
    }

    /// Whether a wish of another may hold what is asked for.
    private func mayGive(_ wish: CoreClass, _ cores: CoreWish) -> Bool {
        guard case .cores(let coreClass?, _) = question else { return true }
        return Apportionment.sources(of: wish, cores.fallback).contains(coreClass)
    }

    private func memory(of others: [FeaturePolicy]) -> [[RelaxationScale]] {
        let locality: [RelaxationScale] =
            own?.memory.locality == .strict && question != .running
            ? [RelaxationScale(.locality(feature, .preferred))] : []
        let wants = others.compactMap { other in
            RelaxationScale(
                from: other.memory.want, downTo: other.memory.min,
                unit: unit(other.memory.want - other.memory.min)
            ) { .memoryWant(other.id, to: $0) }
        }
        let minimums = others.compactMap { other in
            lowered(other.id, other.memory.min) { feature, bytes in
                other.priority < own?.priority ?? 0
                    ? .memoryMinimum(feature, to: bytes) : .memoryWant(feature, to: bytes)
            }
        }
        return [locality, wants, minimums]
    }

    private func lowered(
        _ other: FeatureID, _ bytes: Int, _ make: (FeatureID, Int) -> Relaxation
    ) -> RelaxationScale? {
        RelaxationScale(from: bytes, downTo: 0, unit: unit(bytes)) { make(other, $0) }
    }

    /// A round step of bytes, at most 256 of which make up the amount.
    private func unit(_ bytes: Int) -> Int {
        var unit = 1 << 20
        while unit * 256 < bytes { unit *= 2 }
        return unit
    }

    private func reserves() -> [RelaxationScale] {
        let reserve = asked.policy.reserve
        var scales: [RelaxationScale] = []
        let cores = RelaxationScale(
            from: reserve.millicores, downTo: 0, unit: reserve.millicores > 2000 ? 1000 : 100
        ) { .reserveCores(to: $0) }
        let memory = RelaxationScale(
            from: reserve.memoryBytes, downTo: 0, unit: unit(reserve.memoryBytes)
        ) { .reserveMemory(to: $0) }
        switch question {
        case .cores, .cpus, .node: scales += [cores].compactMap(\.self)
        case .memory: scales += [memory].compactMap(\.self)
        case .running: scales += [cores, memory].compactMap(\.self)
        case .gpu, .npu: break
        }
        return scales
    }

    /// Other classes, and shared cores instead of its own.
    private func ownFallbacks() -> [RelaxationScale] {
        guard let own, asksForTime else { return [] }
        var scales: [RelaxationScale] = []
        for wish in CoreClass.allCases {
            guard let cores = own.cores[wish], cores.fallback != .any else { continue }
            for fallback in [CoreWish.Fallback.efficiency, .performance, .any]
            where fallback != cores.fallback {
                scales.append(RelaxationScale(.fallback(feature, wish, fallback)))
            }
        }
        let percent = asked.policy.rebalance.deadbandPercent
        if percent > 0, question != .running {
            scales += [RelaxationScale(from: percent, downTo: 0, unit: 1) { .deadband(to: $0) }]
                .compactMap(\.self)
        }
        if own.sharing == .exclusive { scales.append(RelaxationScale(.sharing(feature))) }
        return scales
    }

    private var asksForTime: Bool {
        switch question {
        case .cores, .running: true
        case .memory, .node, .cpus, .gpu, .npu: false
        }
    }
}
