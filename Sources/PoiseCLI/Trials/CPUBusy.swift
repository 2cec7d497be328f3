import Glibc
import PoiseModel

/// How busy each CPU has been since an earlier look (`/proc/stat`).
struct CPUBusy {
    /// Clock ticks by PU: in use, and in all.
    private var ticks: [Int: (busy: Int, all: Int)] = [:]

    /// Nil without `/proc`.
    init?() {
        guard let file = fopen("/proc/stat", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        while fgets(&line, Int32(line.count), file) != nil {
            let bytes = line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:))
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            guard let name = words.first, name.hasPrefix("cpu"), let pu = Int(name.dropFirst(3))
            else { continue }
            // user nice system idle iowait irq softirq steal; guests are in the first two.
            let values = words.dropFirst().prefix(8).compactMap { Int($0) }
            guard values.count == 8 else { continue }
            let all = values.reduce(0, +)
            ticks[pu] = (all - values[3] - values[4] - values[7], all - values[7])
        }
    }

    /// The share of time in which each PU was in use since `earlier`, by its number.
    func share(since earlier: CPUBusy) -> [Int: Double] {
        ticks.reduce(into: [:]) { result, now in
            guard let before = earlier.ticks[now.key], now.value.all > before.all else { return }
            result[now.key] =
                Double(now.value.busy - before.busy) / Double(now.value.all - before.all)
        }
    }
}
