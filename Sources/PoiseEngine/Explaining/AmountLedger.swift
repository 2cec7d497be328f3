package import PoiseModel

/// Who has memory kept: of the whole machine, or of one GPU; also shares of an NPU, in per cent.
package struct AmountLedger: Sendable, Equatable {
    package struct Holder: Sendable, Equatable {
        package var feature: FeatureID
        package var priority: Int
        package var amount: Int
    }

    package var resource: Unmet.Resource
    /// Nil when the machine does not tell.
    package var total: Int?
    package var reserve: Int
    /// Highest priority first, ties by name.
    package var holders: [Holder]
    /// Nil when the total is not known.
    package var free: Int?
    /// What is free of the one device that has most of it free; nil for the machine's memory.
    package var freeOfOne: Int?

    /// The machine's memory that features may have kept.
    package static func memory(_ situation: Situation) -> AmountLedger {
        let holders = situation.plan.features.map {
            Holder(feature: $0.feature, priority: $0.priority, amount: $0.memory.lowBytes)
        }
        return AmountLedger(
            .memory, total: MemoryPlacement.supply(situation.machine, reserveBytes: 0),
            reserve: situation.policy.reserve.memoryBytes, holders)
    }

    /// All GPUs, or all NPUs, together.
    package static func accelerators(
        _ kind: Accelerator.Kind, _ situation: Situation
    ) -> AmountLedger {
        let devices = situation.machine.accelerators.filter { $0.kind == kind }
        let ids = Set(devices.map(\.id))
        let sizes = devices.compactMap { kind == .npu ? 100 : $0.bytes }
        let holders = situation.plan.features.map { allocation in
            let shares = allocation.accelerators.filter { ids.contains($0.id) }
            return Holder(
                feature: allocation.feature, priority: allocation.priority,
                amount: shares.reduce(0) {
                    $0 + (kind == .npu ? $1.sharePercent ?? 0 : $1.bytes)
                })
        }
        var ledger = AmountLedger(
            kind == .npu ? .npu : .gpu,
            total: sizes.count == devices.count ? sizes.reduce(0, +) : nil, reserve: 0, holders)
        if ledger.total != nil {
            let free = devices.map { device in
                let shares = situation.plan.features.flatMap(\.accelerators)
                    .filter { $0.id == device.id }
                return shares.reduce(kind == .npu ? 100 : device.bytes ?? 0) {
                    $0 - (kind == .npu ? $1.sharePercent ?? 0 : $1.bytes)
                }
            }
            ledger.freeOfOne = free.max() ?? 0
        }
        return ledger
    }

    private init(
        _ resource: Unmet.Resource, total: Int?, reserve: Int, _ holders: [Holder]
    ) {
        self.resource = resource
        self.total = total
        self.reserve = min(reserve, total ?? reserve)
        self.holders = holders.filter { $0.amount > 0 }
            .sorted { ($1.priority, $0.feature) < ($0.priority, $1.feature) }
        let held = self.holders.reduce(0) { $0 + $1.amount } + self.reserve
        free = total.map { $0 - held }
    }
}
