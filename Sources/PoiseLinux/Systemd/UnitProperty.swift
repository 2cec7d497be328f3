package import PoiseModel

/// One property of a unit's budget, by systemd's name for it (`systemd.resource-control(5)`).
///
/// Amounts are nil where systemd says `infinity`, which for weights means that none is set.
package enum UnitProperty: Equatable, Sendable {
    /// `CPUWeight`, 1…10000.
    case cpuWeight(Int?)
    /// `AllowedCPUs`; empty for all.
    case allowedCPUs(CPUSet)
    /// `AllowedMemoryNodes`; empty for all.
    case allowedMemoryNodes(NodeSet)
    /// `CPUQuotaPerSecUSec`: microseconds of CPU time a second.
    case cpuQuota(microsecondsPerSecond: Int?)
    /// `MemoryMin`, in bytes.
    case memoryMin(Int?)
    /// `MemoryLow`, in bytes.
    case memoryLow(Int?)
    /// `MemoryHigh`, in bytes.
    case memoryHigh(Int?)
    /// `MemoryMax`, in bytes.
    case memoryMax(Int?)
    /// `MemorySwapMax`, in bytes.
    case memorySwapMax(Int?)
    /// `IOWeight`, 1…10000.
    case ioWeight(Int?)
    /// `TasksMax`: processes and threads.
    case tasksMax(Int?)

    /// What it is on the bus.
    enum Value: Equatable {
        /// A `t`; nil is the largest one.
        case amount(Int?)
        /// An `ay`: bit `b` of byte `i` stands for number `8 * i + b`.
        case bitmap([UInt8])
    }

    /// Systemd's name of it.
    package var name: String { parts.name }

    var parts: (name: String, value: Value) {
        switch self {
        case .cpuWeight(let weight): ("CPUWeight", .amount(weight))
        case .allowedCPUs(let cpus): ("AllowedCPUs", .bitmap(UnitProperty.bytes(of: cpus)))
        case .allowedMemoryNodes(let nodes):
            ("AllowedMemoryNodes", .bitmap(UnitProperty.bytes(of: nodes)))
        case .cpuQuota(let time): ("CPUQuotaPerSecUSec", .amount(time))
        case .memoryMin(let bytes): ("MemoryMin", .amount(bytes))
        case .memoryLow(let bytes): ("MemoryLow", .amount(bytes))
        case .memoryHigh(let bytes): ("MemoryHigh", .amount(bytes))
        case .memoryMax(let bytes): ("MemoryMax", .amount(bytes))
        case .memorySwapMax(let bytes): ("MemorySwapMax", .amount(bytes))
        case .ioWeight(let weight): ("IOWeight", .amount(weight))
        case .tasksMax(let count): ("TasksMax", .amount(count))
        }
    }

    /// Systemd's names of all of them.
    static let names = [
        "CPUWeight", "AllowedCPUs", "AllowedMemoryNodes", "CPUQuotaPerSecUSec", "MemoryMin",
        "MemoryLow", "MemoryHigh", "MemoryMax", "MemorySwapMax", "IOWeight", "TasksMax",
    ]

    /// The property that systemd calls `name`; nil when it is none of a budget or not of this type.
    init?(name: String, _ value: Value) {
        switch (name, value) {
        case ("CPUWeight", .amount(let weight)): self = .cpuWeight(weight)
        case ("AllowedCPUs", .bitmap(let bytes)): self = .allowedCPUs(UnitProperty.set(of: bytes))
        case ("AllowedMemoryNodes", .bitmap(let bytes)):
            self = .allowedMemoryNodes(UnitProperty.set(of: bytes))
        case ("CPUQuotaPerSecUSec", .amount(let time)):
            self = .cpuQuota(microsecondsPerSecond: time)
        case ("MemoryMin", .amount(let bytes)): self = .memoryMin(bytes)
        case ("MemoryLow", .amount(let bytes)): self = .memoryLow(bytes)
        case ("MemoryHigh", .amount(let bytes)): self = .memoryHigh(bytes)
        case ("MemoryMax", .amount(let bytes)): self = .memoryMax(bytes)
        case ("MemorySwapMax", .amount(let bytes)): self = .memorySwapMax(bytes)
        case ("IOWeight", .amount(let weight)): self = .ioWeight(weight)
        case ("TasksMax", .amount(let count)): self = .tasksMax(count)
        default: return nil
        }
    }

    private static func bytes<Kind>(of set: IndexSet<Kind>) -> [UInt8] {
        var bytes = set.bits.flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }

    private static func set<Kind>(of bytes: [UInt8]) -> IndexSet<Kind> {
        var words = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte) << (8 * (index % 8))
        }
        return IndexSet(words: words)
    }
}
