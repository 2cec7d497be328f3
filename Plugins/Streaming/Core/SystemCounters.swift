import PoiseModel

/// What this machine says of itself at one moment, read out of the texts of `/proc`.
package struct SystemCounters: Sendable, Equatable {
    /// What a counter's growth means.
    package enum Kind: Sendable {
        /// A value of its own, such as free memory.
        case level
        /// Something that is counted up; told as growth a second.
        case perSecond
        /// Parts of a whole that are both counted up; told as 0…1 of the whole's growth.
        case share
    }

    package struct Entry: Sendable, Equatable {
        package var name: String
        package var kind: Kind
        package var value: Double
        /// The whole of a share.
        package var whole = 0.0
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    /// Adds a value that is read elsewhere.
    package mutating func add(_ name: String, _ kind: Kind, _ value: Double, of whole: Double = 0) {
        entries.append(Entry(name: name, kind: kind, value: value, whole: whole))
    }

    /// Adds busy shares by CPU, context switches, interrupts and forks from `/proc/stat`.
    package mutating func addStat(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let name = fields.first else { continue }
            let numbers = fields.dropFirst().compactMap { Double($0) }
            if name.hasPrefix("cpu"), numbers.count >= 8 {
                let whole = numbers[0..<8].reduce(0, +)
                // The fourth and fifth are idle and waiting for I/O.
                add("\(name).busy", .share, whole - numbers[3] - numbers[4], of: whole)
            } else if let value = numbers.first {
                switch name {
                case "ctxt": add("kernel.switches", .perSecond, value)
                case "intr": add("kernel.interrupts", .perSecond, value)
                case "processes": add("kernel.forks", .perSecond, value)
                case "procs_running": add("kernel.running", .level, value)
                default: break
                }
            }
        }
    }

    /// Adds bytes of memory from `/proc/meminfo`.
    package mutating func addMemory(_ text: String) {
        let names = [
            "MemFree": "memory.free", "MemAvailable": "memory.available", "Cached": "memory.cached",
            "Dirty": "memory.dirty", "AnonPages": "memory.anonymous", "Slab": "memory.slab",
        ]
        for line in text.split(separator: "\n") {
            let fields = line.split { $0 == " " || $0 == ":" }
            guard fields.count >= 2, let name = names[String(fields[0])],
                let value = Double(fields[1])
            else { continue }
            add(name, .level, value * 1024)
        }
    }

    /// Adds bytes read and written by whole disk from `/proc/diskstats`.
    package mutating func addDisks(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 10, let read = Double(fields[5]), let written = Double(fields[9]),
                !fields[2].hasPrefix("loop"), !fields[2].hasPrefix("ram"), read + written > 0
            else { continue }
            add("disk.\(fields[2]).read", .perSecond, read * 512)
            add("disk.\(fields[2]).written", .perSecond, written * 512)
        }
    }

    /// Adds bytes received and sent by interface from `/proc/net/dev`.
    package mutating func addNetwork(_ text: String) {
        for line in text.split(separator: "\n").dropFirst(2) {
            let fields = line.split { $0 == " " || $0 == ":" }
            guard fields.count >= 10, let received = Double(fields[1]), let sent = Double(fields[9])
            else { continue }
            add("network.\(fields[0]).received", .perSecond, received)
            add("network.\(fields[0]).sent", .perSecond, sent)
        }
    }

    /// Adds the share of time that something was stalled from `/proc/pressure/<resource>`.
    package mutating func addPressure(_ resource: String, _ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let kind = fields.first, let total = fields.last, total.hasPrefix("total="),
                let value = Double(total.dropFirst(6))
            else { continue }
            // Microseconds of stall a second of time.
            add("pressure.\(resource).\(kind)", .perSecond, value / 1e6)
        }
    }

    /// What happened since an earlier reading: named values, in the order of the entries.
    package func readings(
        since earlier: SystemCounters, over time: Duration
    ) -> [(name: String, value: Double)] {
        let seconds = time.inSeconds
        guard seconds > 0 else { return [] }
        var before: [String: Entry] = [:]
        for entry in earlier.entries { before[entry.name] = entry }
        return entries.compactMap { entry in
            guard entry.kind != .level else { return (entry.name, entry.value) }
            guard let old = before[entry.name] else { return nil }
            let growth = entry.value - old.value
            // A counter that went back was reset: what it did meanwhile is unknown.
            guard growth >= 0 else { return nil }
            if entry.kind == .perSecond { return (entry.name, growth / seconds) }
            let whole = entry.whole - old.whole
            return whole > 0 ? (entry.name, growth / whole) : nil
        }
    }
}
