import CLinux
import Glibc
import PoiseLinux
import PoiseModel

/// What an end of a measurement says when it is done: a number a line, by name.
package struct EndReport: Equatable, Sendable {
    package var values: [String: Int] = [:]

    package init() {}

    package subscript(name: String) -> Int? {
        get { values[name] }
        set { values[name] = newValue }
    }

    package var text: String {
        values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
    }

    /// Nil when a line is none of ours.
    package init?(text: some StringProtocol) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 2, let value = Int(parts[1]) else { return nil }
            values[String(parts[0])] = value
        }
    }
}

/// `RUSAGE_SELF`, which Swift sees with a type of its own.
private let ownProcess: Int32 = 0

/// Counts what a piece of work costs beside time.
struct CostMeter {
    private let allocations: (() -> Int)?
    private let countsCalls: Bool
    private var before = (allocations: 0, calls: 0, usage: rusage())

    /// - Parameter counts: whether system calls are counted; they can be in a process of its own
    ///   only, because each waits for its count from then on.
    init(counts: Bool) {
        allocations = counts ? AllocationCount.reader : nil
        countsCalls = counts && poise_count_system_calls() == 0
    }

    mutating func start() {
        getrusage(ownProcess, &before.usage)
        before.allocations = allocations?() ?? 0
        before.calls = Int(poise_system_calls())
    }

    /// Notes what there was since the start; what could not be counted is not there.
    func stop(_ report: inout EndReport) {
        let calls = Int(poise_system_calls()) - before.calls
        let count = allocations.map { $0() - before.allocations }
        var usage = rusage()
        getrusage(ownProcess, &usage)
        if let count { report["allocations"] = count }
        if countsCalls { report["systemCalls"] = calls }
        report["switches"] =
            usage.ru_nvcsw + usage.ru_nivcsw - before.usage.ru_nvcsw - before.usage.ru_nivcsw
        report["cpuNanoseconds"] =
            nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
            - nanoseconds(before.usage.ru_utime) - nanoseconds(before.usage.ru_stime)
    }

    private func nanoseconds(_ time: timeval) -> Int {
        (time.tv_sec * 1_000_000 + Int(time.tv_usec)) * 1000
    }
}
