import PoiseModel

/// From a draft to allocations: the numbers, and the reasons as a person would say them.
extension PlanDraft {
    func allocations() -> [ResourceAllocation] {
        admitted.indices.map { position in
            let ration = division.rations[admitted[position]]
            let policy = ration.policy
            let share = memory[position]
            let unmet = unmetOf(position)
            return ResourceAllocation(
                feature: policy.id, priority: policy.priority, level: policy.level,
                exclusive: exclusive[position], shared: shared[position],
                cores: ration.wholeCores, millicores: ration.held, wanted: ration.target,
                weight: weight(ration), nodes: nodeSet(share.nodes), memory: budget(ration, share),
                accelerators: accelerators[position].shares, unmet: unmet,
                because: because(position))
        }
    }

    /// Shared time counts in proportion to what it entitles to, so that a full core holds everyone
    /// to its share.
    private func weight(_ ration: Apportionment.Ration) -> Int {
        let time = ration.sharedMillicores.total
        guard time > 0 else { return ration.wholeCores.total > 0 ? ration.policy.weight : 1 }
        return min(10_000, max(1, time * ration.policy.weight / 1000))
    }

    private func nodeSet(_ nodes: [Int]) -> NodeSet {
        NodeSet(nodes.map { map.machine.nodes[$0].osIndex })
    }

    private func budget(
        _ ration: Apportionment.Ration, _ share: MemoryPlacement.Share
    ) -> MemoryBudget {
        let low = min(ration.memory, share.bytes)
        let least = min(ration.policy.memory.min, low)
        guard let limit = ration.policy.memory.max else {
            return MemoryBudget(minBytes: least, lowBytes: low)
        }
        // A sixteenth below the hard limit a feature is slowed down before it is killed.
        return MemoryBudget(
            minBytes: least, lowBytes: low, highBytes: max(low, limit - limit / 16),
            maxBytes: limit)
    }

    private func unmetOf(_ position: Int) -> [Unmet] {
        let ration = division.rations[admitted[position]]
        var unmet: [Unmet] = []
        for wish in CoreClass.allCases where ration.missing(for: wish) > 0 {
            unmet.append(
                Unmet(
                    resource: .cores(wish), wanted: ration.target[wish],
                    got: ration.given[wish].total, because: shortage(of: wish, for: ration.policy)))
        }
        let got = min(ration.memory, memory[position].bytes)
        let wanted = max(ration.memoryTarget, ration.policy.memory.min)
        if got < wanted {
            let local = memory[position].bytes < ration.memory
            unmet.append(
                Unmet(
                    resource: .memory, wanted: wanted, got: got,
                    because: local
                        ? "its nodes have no more, and its policy says locality: strict"
                        : "features of higher or equal priority and the reserve hold the rest"))
        }
        return unmet + accelerators[position].unmet
    }

    func keptOut() -> [KeptOut] {
        var list: [KeptOut] = []
        for ration in division.rations {
            guard var unmet = ration.keptOut else { continue }
            for index in unmet.indices {
                switch unmet[index].resource {
                case .cores(let wish): unmet[index].because = shortage(of: wish, for: ration.policy)
                default:
                    unmet[index].because =
                        "features of higher or equal priority and the reserve hold the rest"
                }
            }
            list.append(kept(ration.policy, unmet))
        }
        return list
    }

    /// Those that were due nothing and found no core to run on.
    func homelessFeatures() -> [KeptOut] {
        homeless.map { index in
            let policy = division.rations[index].policy
            let wish = CoreClass.allCases.first { policy.cores[$0] != nil } ?? .performance
            return KeptOut(
                feature: policy.id, priority: policy.priority, level: policy.level,
                unmet: [
                    Unmet(
                        resource: .cores(wish), wanted: max(policy.cores[wish]?.want ?? 0, 10),
                        got: 0, because: shortage(of: wish, for: policy))
                ],
                because: "kept out: those above it leave no core that it could run on")
        }
    }

    /// One that was refused on the way, with who has the cores in the end.
    func retold(_ kept: KeptOut, _ policy: Policy) -> KeptOut {
        var kept = kept
        guard let policy = policy[kept.feature]
        else { return kept }
        for index in kept.unmet.indices {
            guard case .cores(let wish) = kept.unmet[index].resource else { continue }
            kept.unmet[index].because = shortage(of: wish, for: policy)
        }
        return kept
    }

    private func kept(_ policy: FeaturePolicy, _ unmet: [Unmet]) -> KeptOut {
        let what = unmet.map { unmet in
            let left = unmet.got == 0 ? "none is left" : "\(unmet.resource.words(unmet.got)) left"
            return "\(unmet.resource.words(unmet.wanted)) (\(left))"
        }
        return KeptOut(
            feature: policy.id, priority: policy.priority, level: policy.level, unmet: unmet,
            because: "kept out: it needs at least " + what.joined(separator: " and "))
    }

    /// Why a wish for cores is not met: who has the cores that it may use.
    func shortage(of wish: CoreClass, for policy: FeaturePolicy) -> String {
        let sources =
            policy.cores[wish].map { Apportionment.sources(of: wish, $0.fallback) }
            ?? policy.classesToRunOn
        let there = sources.filter { map.coreCount[$0] > 0 }
        if there.isEmpty {
            return "this machine has no \(wish.rawValue) cores, and its fallback allows no others"
        }
        let parts = there.map { source in
            let total = map.coreCount[source]
            let holders = holders(of: source, beside: policy.id)
            let list = holders.joined(separator: ", ")
            return "of \(total) \(source.rawValue) core\(total == 1 ? "" : "s"): \(list)"
        }
        return parts.joined(separator: "; ")
    }

    /// No more holders than this are named; the rest is summed up.
    private static let mostHolders = 6

    /// Who has the cores of a class: what is named adds up to all that there are.
    private func holders(of source: CoreClass, beside feature: FeatureID) -> [String] {
        var holders: [String] = []
        var left = map.coreCount[source] * 1000
        func say(_ millicores: Int, _ who: String) {
            left -= millicores
            if millicores > 0 { holders.append("\(QuantityText.cores(millicores)) \(who)") }
        }
        var system = reserve.cores.count { map.machine.cores[$0].class == source } * 1000
        if reserve.coreClass == source { system += reserve.millicores }
        say(system, "kept for the system")
        let own = division.rations.first { $0.policy.id == feature }
        say(own?.keptOut == nil ? own?.held[source] ?? 0 : 0, "its own")
        let others = division.byPriority.filter { index in
            division.rations[index].held[source] > 0 && division.rations[index].keptOut == nil
                && division.rations[index].policy.id != feature
        }
        let named = others.count > PlanDraft.mostHolders ? PlanDraft.mostHolders : others.count
        for index in others.prefix(named) {
            let ration = division.rations[index]
            say(ration.held[source], "with \(ration.policy.id) (priority \(ration.priority))")
        }
        let rest = others.dropFirst(named)
        say(rest.reduce(0) { $0 + division.rations[$1].held[source] }, "with \(rest.count) more")
        say(left, "left over")
        return holders
    }

    private func because(_ position: Int) -> String {
        let ration = division.rations[admitted[position]]
        var said: [String] = []
        for source in CoreClass.allCases where ration.wholeCores[source] > 0 {
            let count = ration.wholeCores[source]
            said.append("\(count) \(source.rawValue) core\(count == 1 ? "" : "s") of its own")
        }
        let time = ration.sharedMillicores.total
        if time > 0 {
            let amount = QuantityText.cores(time)
            said.append(
                time < 1000
                    ? "\(amount) of a core's time on shared cores"
                    : "the time of \(amount) core\(time == 1000 ? "" : "s") on shared cores")
        } else if said.isEmpty {
            said.append("no time of its own, only what others leave on the shared cores")
        }
        var text = said.joined(separator: " and ")
        for wish in CoreClass.allCases {
            for source in CoreClass.allCases where source != wish && ration.given[wish][source] > 0
            {
                let moved = QuantityText.cores(ration.given[wish][source])
                text += "; \(moved) wished as \(wish.rawValue) come from \(source.rawValue)"
            }
        }
        return text + place(position)
    }

    private func place(_ position: Int) -> String {
        let nodes = nodes[position]
        var text = "; in node\(nodes.count == 1 ? "" : "s") \(nodeSet(nodes))"
        let clusters = map.machine.clusters.filter { !$0.pus.isDisjoint(with: exclusive[position]) }
        if !clusters.isEmpty {
            let names = clusters.map { "\($0.cache)#\($0.id)" }
            text += ", cache\(names.count == 1 ? "" : "s") \(names.joined(separator: " "))"
        }
        let near = accelerators[position].shares.compactMap { share in
            map.machine.accelerators.first { $0.id == share.id }
        }.filter { device in device.node.map(nodes.contains) ?? false }
        if !near.isEmpty { text += ", next to \(near.map(\.id).joined(separator: " "))" }
        return text
    }
}

extension Unmet.Resource {
    /// `2 performance cores`, `512 MiB of memory`.
    package func words(_ amount: Int) -> String {
        switch self {
        case .cores(let coreClass):
            "\(QuantityText.cores(amount)) \(coreClass.rawValue) core\(amount == 1000 ? "" : "s")"
        case .memory: "\(QuantityText.bytes(amount)) of memory"
        case .gpu: "\(QuantityText.bytes(amount)) of GPU memory"
        case .npu: "\(amount) % of an NPU"
        }
    }
}
