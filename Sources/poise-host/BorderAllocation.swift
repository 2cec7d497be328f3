import PluginABI
import PoiseModel
import PoiseWire

/// Shows an allocation as the C structure that plugins read.
struct BorderAllocation {
    private var words: [UInt64] = []
    private var texts: [CChar] = []
    private let allocation: HostAllocation
    private var sets: [Range<Int>] = []
    private var ids: [Int] = []

    init(_ allocation: HostAllocation) {
        self.allocation = allocation
        let own = [
            allocation.exclusive, allocation.shared, allocation.borrowed, allocation.baseline,
        ]
        for set in own + allocation.cores.map(\.cpus) {
            sets.append(words.count..<words.count + set.bits.count)
            words += set.bits
        }
        for part in allocation.accelerators {
            ids.append(texts.count)
            texts += part.id.utf8CString
        }
    }

    /// Calls `body` with the structure, which is valid until `body` returns.
    func withPointer<Result>(_ body: (UnsafePointer<poise_allocation>) -> Result) -> Result {
        words.withUnsafeBufferPointer { words in
            texts.withUnsafeBufferPointer { texts in
                let cores = self.cores(words.baseAddress)
                let parts = accelerators(texts.baseAddress)
                return cores.withUnsafeBufferPointer { cores in
                    parts.withUnsafeBufferPointer { parts in
                        var border = scalars
                        border.exclusive = cpus(0, words.baseAddress)
                        border.shared = cpus(1, words.baseAddress)
                        border.borrowed = cpus(2, words.baseAddress)
                        border.baseline = cpus(3, words.baseAddress)
                        border.cores = cores.baseAddress
                        border.accelerators = parts.baseAddress
                        return withUnsafePointer(to: border, body)
                    }
                }
            }
        }
    }

    private var scalars: poise_allocation {
        var border = poise_allocation()
        border.size = UInt32(MemoryLayout<poise_allocation>.size)
        border.weight = UInt32(clamping: allocation.weight)
        border.generation = UInt64(clamping: allocation.generation)
        border.core_count = UInt32(clamping: allocation.cores.count)
        border.core_size = UInt32(MemoryLayout<poise_core>.stride)
        border.accelerator_count = UInt32(clamping: allocation.accelerators.count)
        border.accelerator_size = UInt32(MemoryLayout<poise_accelerator>.stride)
        border.performance_millicores = UInt32(clamping: allocation.millicores.performance)
        border.efficiency_millicores = UInt32(clamping: allocation.millicores.efficiency)
        border.low_power_millicores = UInt32(clamping: allocation.millicores.lowPower)
        border.memory_low_bytes = UInt64(clamping: allocation.memoryLowBytes)
        border.memory_max_bytes = allocation.memoryMaxBytes.map { UInt64(clamping: $0) } ?? .max
        return border
    }

    private func cpus(_ index: Int, _ start: UnsafePointer<UInt64>?) -> poise_cpus {
        let range = sets[index]
        let first = range.isEmpty ? nil : start.map { $0 + range.lowerBound }
        return poise_cpus(words: first, count: UInt32(range.count), reserved: 0)
    }

    private func cores(_ start: UnsafePointer<UInt64>?) -> [poise_core] {
        allocation.cores.enumerated().map { index, core in
            poise_core(
                cpus: cpus(4 + index, start), core_class: UInt32(core.coreClass.rank), reserved: 0)
        }
    }

    private func accelerators(_ start: UnsafePointer<CChar>?) -> [poise_accelerator] {
        zip(allocation.accelerators, ids).map { part, id in
            poise_accelerator(
                id: start.map { $0 + id }, bytes: UInt64(clamping: part.bytes),
                share_percent: part.sharePercent.map { Int32(clamping: $0) } ?? -1, reserved: 0)
        }
    }
}
