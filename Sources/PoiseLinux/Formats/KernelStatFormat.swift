/// What `/proc/stat` tells of the machine; times in clock ticks.
package struct KernelStat: Equatable, Sendable {
    /// Where the time of one CPU, or of all, went.
    package struct Times: Equatable, Sendable {
        /// At work: user, nice, system, interrupts, and guests (which user time holds already).
        package var busyTicks: Int
        /// Without work, also while waiting for a disk.
        package var idleTicks: Int
        /// Wanted, and given to another guest by the hypervisor.
        package var stolenTicks: Int

        package init(busyTicks: Int, idleTicks: Int, stolenTicks: Int) {
            self.busyTicks = busyTicks
            self.idleTicks = idleTicks
            self.stolenTicks = stolenTicks
        }
    }

    package var all: Times
    /// By the kernel's number; offline CPUs are missing.
    package var cpus: [Int: Times]
    /// Since the machine started.
    package var contextSwitches: Int?
    /// Started since the machine started.
    package var processes: Int?

    package init(all: Times, cpus: [Int: Times], contextSwitches: Int?, processes: Int?) {
        self.all = all
        self.cpus = cpus
        self.contextSwitches = contextSwitches
        self.processes = processes
    }
}

/// The text of `/proc/stat` (`proc_stat(5)`).
package enum KernelStatFormat {
    /// Nil when the text is not one.
    package static func parse(_ text: String) -> KernelStat? {
        var all: KernelStat.Times?
        var cpus: [Int: KernelStat.Times] = [:]
        var counters: [Substring: Int] = [:]
        for row in text.split(separator: "\n") {
            let words = row.split(separator: " ")
            guard let key = words.first, words.count > 1 else { continue }
            if key == "cpu" {
                all = times(words.dropFirst())
            } else if key.hasPrefix("cpu"), let number = Int(key.dropFirst(3)) {
                guard let times = times(words.dropFirst()) else { return nil }
                cpus[number] = times
            } else if key == "ctxt" || key == "processes" {
                counters[key] = Int(words[1])
            }
        }
        return all.map {
            KernelStat(
                all: $0, cpus: cpus, contextSwitches: counters["ctxt"],
                processes: counters["processes"])
        }
    }

    /// The time of all CPUs, and nothing else; nil when the bytes are no `/proc/stat`.
    package static func all(_ bytes: ArraySlice<UInt8>) -> KernelStat.Times? {
        KernelBytes.line("cpu", in: bytes).map(KernelBytes.numbers).flatMap(times)
    }

    /// user nice system idle iowait irq softirq steal guest guest_nice.
    private static func times(_ words: ArraySlice<Substring>) -> KernelStat.Times? {
        let values = words.compactMap { Int($0) }
        return values.count == words.count ? times(values) : nil
    }

    private static func times(_ values: [Int]) -> KernelStat.Times? {
        guard values.count >= 8 else { return nil }
        return KernelStat.Times(
            busyTicks: values[0] + values[1] + values[2] + values[5] + values[6],
            idleTicks: values[3] + values[4], stolenTicks: values[7])
    }
}
