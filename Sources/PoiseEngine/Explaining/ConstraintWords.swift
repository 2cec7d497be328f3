import PoiseModel

/// A binding constraint as a person would say it.
struct ConstraintWords {
    /// No more holders than this are named; the rest is summed up.
    private static let mostHolders = 6

    let feature: FeatureID
    let phrasing: Phrasing
    let situation: Situation

    init(_ feature: FeatureID, _ situation: Situation) {
        self.feature = feature
        self.situation = situation
        phrasing = Phrasing(situation.machine)
    }

    /// One sentence, or two; with a full stop.
    func sentence(_ constraint: BindingConstraint) -> String {
        switch constraint {
        case .absent(let state): return Situation.absence("It", state)
        case .ownMaximum(let resource, let most): return maximum(resource, most)
        case .ownWant(let resource, let want, let most): return wants(resource, want, most)
        case .ownNeed(let resource, let need, let most):
            return "It has the \(phrasing.amount(resource, need)) that it is taken to need; its"
                + " policy allows up to \(phrasing.bare(resource, most))."
        case .doubted(let coreClass, let signalled, let believed):
            return "It asks for \(phrasing.cores(signalled, coreClass)) but uses far less, so only"
                + " \(phrasing.number(believed)) \(believed == 1000 ? "is" : "are") believed."
        case .deadband(let coreClass, let need, let held, let percent):
            return "It needs \(phrasing.cores(need, coreClass)), which is within \(percent) % of"
                + " the \(phrasing.number(held)) that it has, so nothing moves"
                + " (rebalance.deadband)."
        case .held(let ledgers, _, _): return held(ledgers)
        case .reserve(let ledgers, _, _):
            return "No other feature holds any: " + machineHas(ledgers)
                + ", and \(Phrasing.list(ledgers.filter { $0.reserve > 0 }.map(kept))) kept for"
                + " the system."
        case .machine(let ledgers, _, _):
            return "No other feature holds any: " + machineHas(ledgers) + "."
        case .noSuchCores(let coreClass):
            return "This machine has no \(Phrasing.word(coreClass)) cores."
        case .memory(let ledger, _, _): return amount(ledger)
        case .locality(let nodes, _, _):
            let place = nodes.isEmpty ? "where its cores are" : "on \(Self.nodes(nodes))"
            return "There is memory left on the machine, but not \(place), and its policy says"
                + " locality: strict."
        case .accelerator(let ledger, let count, _, _): return accelerator(ledger, count)
        case .noSuchNode(let number):
            let known = NodeSet(situation.machine.nodes.map(\.osIndex))
            return "This machine has no node \(number); it has \(Self.nodes(known))."
        case .noSuchCPUs(let cpus):
            return "This machine has no \(phrasing.cpus(cpus)); it has CPUs"
                + " \(situation.machine.pus)."
        case .reservedCPUs(let cpus):
            return "\(phrasing.cpus(cpus)) \(cpus.count == 1 ? "is" : "are") kept for the system."
        case .takenCPUs(let taken): return self.taken(taken)
        case .placedElsewhere:
            return "Nobody stops it: it was placed where that costs least."
        }
    }

    static func nodes(_ nodes: NodeSet) -> String {
        "node\(nodes.count == 1 ? "" : "s") \(nodes)"
    }

    private func maximum(_ resource: Unmet.Resource, _ most: Int) -> String {
        guard most > 0 else {
            return "Its policy asks for no \(noun(resource)), and so allows none."
        }
        return "Its policy allows it at most \(phrasing.amount(resource, most))."
    }

    private func noun(_ resource: Unmet.Resource) -> String {
        switch resource {
        case .cores(let coreClass): phrasing.name(coreClass) + "cores"
        case .memory: "memory"
        case .gpu: "GPU memory"
        case .npu: "NPU"
        }
    }

    private func wants(_ resource: Unmet.Resource, _ want: Int, _ most: Int?) -> String {
        guard want > 0 else { return "Its policy asks for no \(noun(resource))." }
        guard case .cores = resource else {
            return "Its policy wants \(phrasing.amount(resource, want)) and no more."
        }
        var text = "It has all that its policy wants, and has not signalled that it needs more"
        if let most, most > want {
            text += " (it may have up to \(phrasing.amount(resource, most)))"
        }
        return text + "."
    }

    private func machineHas(_ ledgers: [CoreLedger]) -> String {
        "the machine has "
            + Phrasing.list(ledgers.map { phrasing.cores($0.total, $0.coreClass) })
    }

    private func kept(_ ledger: CoreLedger) -> String {
        let amount = phrasing.cores(ledger.reserve, ledger.coreClass)
        return "\(amount) \(ledger.reserve <= 1000 ? "is" : "are")"
    }

    private func held(_ ledgers: [CoreLedger]) -> String {
        ledgers.map { ledger in
            let holders = Phrasing.list(holders(of: ledger))
            let name = phrasing.name(ledger.coreClass) + (ledger.total == 1000 ? "core" : "cores")
            let count = phrasing.number(ledger.total)
            guard ledger.free < 500 else {
                let together =
                    situation.plan[feature] == nil ? ", too little for all of its minimums" : ""
                return "Of the \(count) \(name): \(holders)\(together)."
            }
            let all = [1000: "The only", 2000: "Both"][ledger.total] ?? "All \(count)"
            return "\(all) \(name) \(ledger.total == 1000 ? "is" : "are") taken: \(holders)."
        }.joined(separator: " ")
    }

    /// Everything that a class has, by who has it.
    private func holders(of ledger: CoreLedger) -> [String] {
        var parts: [String] = []
        if ledger.reserve > 0 {
            parts.append("\(phrasing.number(ledger.reserve)) kept for the system")
        }
        let own = ledger.holders.first { $0.feature == feature }
        if let own { parts.append("\(phrasing.number(own.millicores)) by \(feature) itself") }
        let others = ledger.holders.filter { $0.feature != feature }
        let named = others.count > Self.mostHolders + 1 ? Self.mostHolders : others.count
        for holder in others.prefix(named) {
            parts.append(
                "\(phrasing.number(holder.millicores)) by \(holder.feature)"
                    + " (\(standing(of: holder)))")
        }
        let rest = others.dropFirst(named)
        if !rest.isEmpty {
            let sum = rest.reduce(0) { $0 + $1.millicores }
            parts.append("\(phrasing.number(sum)) by \(rest.count) others")
        }
        if ledger.free != 0 { parts.append("\(phrasing.number(ledger.free)) left over") }
        return parts
    }

    /// Why a holder goes first.
    private func standing(of holder: CoreLedger.Holder) -> String {
        let own = situation.policy(of: feature)
        let priority = "priority \(holder.priority)"
        guard let own, holder.priority <= own.priority else { return "\(priority), goes first" }
        if holder.priority == own.priority {
            let weight = situation.policy(of: holder.feature)?.weight ?? 100
            return weight == own.weight
                ? "same priority, same weight"
                : "same priority, weight \(weight) to \(own.weight)"
        }
        if holder.minimum >= holder.millicores { return "\(priority), its minimum" }
        guard holder.minimum > 0 else { return priority }
        return "\(priority), \(phrasing.number(holder.minimum)) of it its minimum"
    }

    private func amount(_ ledger: AmountLedger) -> String {
        guard let total = ledger.total else { return "The machine does not tell its memory." }
        let bytes = QuantityText.bytes
        let free = ledger.free ?? 0
        var parts: [String] = []
        if ledger.reserve > 0 { parts.append("\(bytes(ledger.reserve)) kept for the system") }
        let own = ledger.holders.first { $0.feature == feature }
        if let own { parts.append("\(bytes(own.amount)) for \(feature) itself") }
        let others = ledger.holders.filter { $0.feature != feature }
        let named = others.count > Self.mostHolders + 1 ? Self.mostHolders : others.count
        for holder in others.prefix(named) {
            parts.append(
                "\(bytes(holder.amount)) for \(holder.feature) (priority \(holder.priority))")
        }
        let rest = others.dropFirst(named)
        if !rest.isEmpty {
            parts.append("\(bytes(rest.reduce(0) { $0 + $1.amount })) for \(rest.count) others")
        }
        if free > 0 { parts.append("\(bytes(free)) left over") }
        guard !parts.isEmpty else { return "The machine has \(bytes(total)) of memory." }
        return "Of \(bytes(total)) of memory: \(Phrasing.list(parts))."
    }

    private func accelerator(_ ledger: AmountLedger, _ count: Int) -> String {
        let name = ledger.resource == .npu ? "NPU" : "GPU"
        guard count > 0 else { return "This machine has no \(name)." }
        let others = ledger.holders.filter { $0.feature != feature }
        let free = phrasing.bare(ledger.resource, ledger.freeOfOne ?? 0)
        let one = count == 1 ? "The \(name)" : "The \(name) with the most room"
        let parts = others.map {
            "\($0.feature) has \(phrasing.bare(ledger.resource, $0.amount))"
                + " (priority \($0.priority))"
        }
        let left = "\(one) has \(free) left"
        return parts.isEmpty ? left + "." : "\(left): \(Phrasing.list(parts))."
    }

    private func taken(_ taken: [BindingConstraint.Taken]) -> String {
        let parts = taken.prefix(Self.mostHolders).map { other in
            let has = other.isShared ? "shares" : "has"
            return "\(other.feature) \(has) \(phrasing.cpus(other.cpus))"
                + " (priority \(other.priority))"
        }
        let rest = taken.count - parts.count
        return Phrasing.list(parts + (rest > 0 ? ["\(rest) others have the rest"] : [])) + "."
    }
}
