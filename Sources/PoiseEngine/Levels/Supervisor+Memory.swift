import PoiseModel

// Features that are over their memory budget.
extension Supervisor {
    /// Keeps what was read until the end of the turn.
    mutating func noteMemory(_ turn: LoadTurn) {
        for (feature, reading) in turn.features { records[feature]?.memoryReading = reading }
    }

    /// Looks at who is over its budget, at the end of each turn.
    mutating func followMemory(_ now: Instant) {
        for feature in records.keys.sorted() {
            guard let record = records[feature] else { continue }
            records[feature]?.memoryReading = nil
            guard record.life.state == .running || record.life.state == .starting else {
                records[feature]?.memory = MemoryGuard()
                continue
            }
            guard let reading = record.memoryReading, let bytes = reading.memoryBytes else {
                continue
            }
            followNodes(feature, bytes, reading)
            guard let look = MemoryGuard.Look(reading, record.allocation?.memory) else { continue }
            let action = records[feature]?.memory.handle(look, now: now) ?? .nothing
            perform(action, feature, look, now)
        }
    }

    private mutating func perform(
        _ action: MemoryGuard.Action, _ feature: FeatureID, _ look: MemoryGuard.Look, _ now: Instant
    ) {
        let limit = look.isHeld ? "memory.high" : "memory's max"
        let amounts =
            "\(QuantityText.bytes(look.bytes)) of memory, over \(limit) of "
            + QuantityText.bytes(look.limit)
        switch action {
        case .nothing: break
        case .reclaim(let bytes, let isFirst):
            if isFirst {
                note(
                    .memory, feature,
                    "uses \(amounts), and is slowed down; the kernel is told to take memory back")
            }
            directives.append(.reclaim(feature, bytes: bytes))
        case .shrink(let bytes):
            let most = QuantityText.bytes(bytes)
            guard isPlugin(feature) else {
                note(
                    .memory, feature,
                    "still uses \(amounts); it is no plugin that could be asked to shrink")
                return
            }
            note(.memory, feature, "still uses \(amounts); its plugin is asked to give up \(most)")
            directives.append(.shrink(feature, bytes: bytes))
        case .stop:
            let why =
                look.isStalled ? "stands still for want of memory" : "is at its maximum"
            let text = "uses \(amounts), for \(words(feature, now)), and \(why)"
            note(.memory, feature, text)
            fail(feature, .outOfMemory, text, now)
        case .recovered:
            note(
                .memory, feature,
                "is well below \(limit) again: \(QuantityText.bytes(look.bytes)) of "
                    + QuantityText.bytes(look.limit))
        }
    }

    private func words(_ feature: FeatureID, _ now: Instant) -> String {
        let since = records[feature]?.memory.overSince ?? now
        return QuantityText.duration(now - since)
    }

    /// Memory that is not where the policy wants it.
    private mutating func followNodes(
        _ feature: FeatureID, _ bytes: Int, _ reading: LoadReading
    ) {
        guard let remote = reading.remoteBytes, policy[feature]?.memory.locality != .any,
            records[feature]?.memory.turnsRemote(remote, of: bytes) ?? false
        else { return }
        let isRemote = records[feature]?.memory.isRemote ?? false
        let most = QuantityText.bytes(MemoryGuard.mostRemote(of: bytes))
        let amount = QuantityText.bytes(remote)
        note(
            .memory, feature,
            isRemote
                ? "\(amount) of its memory is on nodes that are not its own (more than \(most))"
                : "its memory is on its own nodes again, but for \(amount)")
    }
}

extension MemoryGuard.Look {
    /// Nil where the budget has no limit.
    init?(_ reading: LoadReading, _ budget: MemoryBudget?) {
        guard let bytes = reading.memoryBytes, let most = budget?.maxBytes else { return nil }
        // Who has no such counter is held by no cgroup.
        let isHeld = reading.memoryLimitHits != nil
        self.init(
            bytes: bytes, limit: isHeld ? budget?.highBytes ?? most : most, most: most,
            isHeld: isHeld, isStalled: (reading.memoryFullPerMille ?? 0) >= 300)
    }
}
