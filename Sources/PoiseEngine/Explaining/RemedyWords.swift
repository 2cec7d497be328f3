package import PoiseModel

/// A change, and what it costs others, as a person would say it.
struct RemedyWords {
    /// The feature that has more by it; its own settings are "its".
    let asker: FeatureID
    let phrasing: Phrasing
    let situation: Situation

    init(_ asker: FeatureID, _ situation: Situation) {
        self.asker = asker
        self.situation = situation
        phrasing = Phrasing(situation.machine)
    }

    /// `raise its priority from 80 to 91 (agents would go from 2 cores to 1)`.
    func text(_ remedy: Remedy) -> String {
        let changes = Phrasing.list(remedy.changes.map(text))
        let stopped = Set(
            remedy.changes.compactMap { change -> FeatureID? in
                if case .stop(let feature) = change { feature } else { nil }
            })
        let losses = remedy.losses.filter { !stopped.contains($0.feature) }.map(loss)
        guard !losses.isEmpty else { return changes }
        let named = losses.count > 4 ? 3 : losses.count
        let rest = losses.count - named
        let list = losses.prefix(named) + (rest > 0 ? ["\(rest) others would lose too"] : [])
        return "\(changes) (\(list.joined(separator: "; ")))"
    }

    private func start(_ feature: FeatureID) -> String {
        if situation.resting[feature] != nil {
            return "reset \(whose(feature)) breaker (poise breaker reset \(feature))"
        }
        let verb = situation.absent[feature] == "is disabled" ? "enable" : "start"
        return "\(verb) \(who(feature)) (poise feature \(verb) \(feature))"
    }

    /// `agents would go from 2 performance cores to 1 (and have 1 efficiency core more)`.
    func loss(_ loss: Remedy.Loss) -> String {
        if loss.losesItsPlace { return "\(loss.feature) would lose its place" }
        var parts: [String] = []
        let falls = CoreClass.allCases.filter { loss.coresAfter[$0] < loss.coresBefore[$0] }
        if !falls.isEmpty {
            let steps = falls.map { coreClass in
                "\(phrasing.cores(loss.coresBefore[coreClass], coreClass)) to"
                    + " \(phrasing.none(loss.coresAfter[coreClass]))"
            }
            parts.append("go from \(Phrasing.list(steps))")
        }
        let rises = CoreClass.allCases.filter { loss.coresAfter[$0] > loss.coresBefore[$0] }
        if !rises.isEmpty {
            let more = rises.map {
                phrasing.cores(loss.coresAfter[$0] - loss.coresBefore[$0], $0)
            }
            parts.append("get \(Phrasing.list(more)) instead")
        }
        if loss.memoryAfter < loss.memoryBefore {
            parts.append(
                "keep \(QuantityText.bytes(loss.memoryAfter)) of memory instead of"
                    + " \(QuantityText.bytes(loss.memoryBefore))")
        }
        return "\(loss.feature) would \(Phrasing.list(parts))"
    }

    func text(_ change: Relaxation) -> String {
        switch change {
        case .coreMaximum(let feature, let coreClass, let most):
            return cores(feature, coreClass, "max", \.max, most)
        case .coreWant(let feature, let coreClass, let want):
            let both = situation.policy(of: feature)?.cores[coreClass].map { $0.min > want }
            return cores(feature, coreClass, both == true ? "min and want" : "want", \.want, want)
        case .coreMinimum(let feature, let coreClass, let least):
            return cores(feature, coreClass, "min", \.min, least)
        case .fallback(let feature, let coreClass, let fallback):
            return "let \(whose(feature)) \(Phrasing.word(coreClass)) cores fall back to"
                + " \(fallback == .any ? "any class" : "\(fallback.rawValue) cores")"
                + " (cores.\(coreClass.rawValue).fallback: \(fallback.rawValue))"
        case .priority(let feature, let priority):
            let before = situation.policy(of: feature)?.priority ?? 0
            return "raise \(whose(feature)) priority from \(before) to \(priority)"
        case .sharing(let feature):
            return "let \(who(feature)) share cores with others (cores.sharing: shared)"
        case .startWithLess(let feature):
            return "let \(who(feature)) start with less than its minimum (ifUnmet: start)"
        case .stop(let feature): return "stop \(feature)"
        case .start(let feature): return start(feature)
        case .serviceLevel(_, let level):
            return "set the machine's service level to \(level.rawValue)"
                + " (poise level \(level.rawValue)), or wait until its load allows that"
        case .placeAnew(let feature):
            return "stop \(who(feature)) and start it again, so that it is placed anew"
        case .deadband(let percent):
            let before = situation.policy.rebalance.deadbandPercent
            return "lower rebalance.deadband from \(before) % to \(percent) %"
        case .reserveCores(let amount):
            let before = phrasing.number(situation.policy.reserve.millicores)
            return "lower reserve.cores from \(before) to \(phrasing.number(amount))"
        case .reserveMemory(let bytes):
            let before = QuantityText.bytes(situation.policy.reserve.memoryBytes)
            return "lower reserve.memory from \(before) to \(QuantityText.bytes(bytes))"
        case .memoryWant(let feature, let bytes): return memoryWant(feature, bytes)
        case .memoryMinimum(let feature, let bytes):
            let before = situation.policy(of: feature)?.memory.min ?? 0
            return "lower \(whose(feature)) memory.min from \(QuantityText.bytes(before)) to"
                + " \(QuantityText.bytes(bytes))"
        case .locality(let feature, let locality):
            return "let \(whose(feature)) memory come from other nodes too"
                + " (memory.locality: \(locality.rawValue))"
        case .gpu(let feature, let bytes):
            let before = situation.policy(of: feature)?.gpuBytes ?? 0
            return "\(verb(before, bytes)) \(whose(feature)) gpu.memory from"
                + " \(QuantityText.bytes(before)) to \(QuantityText.bytes(bytes))"
        case .npu(let feature, let percent):
            let before = situation.policy(of: feature)?.npuPercent ?? 0
            return "\(verb(before, percent)) \(whose(feature)) npu.share from \(before) % to"
                + " \(percent) %"
        }
    }

    private func cores(
        _ feature: FeatureID, _ coreClass: CoreClass, _ words: String,
        _ key: KeyPath<CoreWish, Int>, _ amount: Int
    ) -> String {
        let place = "cores.\(coreClass.rawValue)"
        guard let wish = situation.policy(of: feature)?.cores[coreClass] else {
            return "allow \(who(feature)) \(phrasing.cores(amount, coreClass))"
                + " (\(place).max: \(phrasing.number(amount)))"
        }
        // A signalled need may stand above the want that it is limited to.
        let before = wish[keyPath: key]
        return "\(verb(before, amount)) \(whose(feature)) \(place).\(words)"
            + (words.contains("and") ? " to" : " from \(phrasing.number(before)) to")
            + " \(phrasing.number(amount))"
    }

    private func memoryWant(_ feature: FeatureID, _ bytes: Int) -> String {
        let memory = situation.policy(of: feature)?.memory ?? MemoryWish()
        var keys = ["memory.want"]
        if memory.min > bytes { keys.insert("memory.min", at: 0) }
        if let most = memory.max, most < bytes { keys.append("memory.max") }
        let start = "\(verb(memory.want, bytes)) \(whose(feature)) \(Phrasing.list(keys))"
        let from = keys.count == 1 ? " from \(QuantityText.bytes(memory.want))" : ""
        return "\(start)\(from) to \(QuantityText.bytes(bytes))"
    }

    private func verb(_ before: Int, _ after: Int) -> String { after < before ? "lower" : "raise" }

    private func whose(_ feature: FeatureID) -> String {
        feature == asker ? "its" : Phrasing.possessive(feature)
    }

    private func who(_ feature: FeatureID) -> String { feature == asker ? "it" : feature.name }
}

extension Relaxation {
    /// `raise its priority from 80 to 91`, where "its" is the asker's.
    package func words(for asker: FeatureID, in situation: Situation) -> String {
        RemedyWords(asker, situation).text(self)
    }
}
