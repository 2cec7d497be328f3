package import PoiseModel

/// What it costs to bring a decision into force by one backend.
package struct ApplyFigures: Sendable, Equatable {
    package var backend: Backend
    /// Threads that run in the feature whose cores change.
    package var threads: Int
    /// Kernel writes in all turns that changed nothing.
    package var unchangedWrites: Int
    package var unchangedTurns: Int
    /// Kernel writes when one core goes from a feature to another.
    package var writesPerMove: Double
    /// From the decision (the budgets are known) until all is written and read back, for such a
    /// move.
    package var p50Microseconds: Double
    package var p99Microseconds: Double
    /// The same for a change of one write, and a bare `write(2)` of the same file (for affinity
    /// `sched_setaffinity(2)` of the same thread) in turn with it.
    package var oneWriteP50Microseconds: Double
    package var bareP50Microseconds: Double
    package var bareP99Microseconds: Double
    /// `oneWriteP50Microseconds` over `bareP50Microseconds`.
    package var ratioToBareWrite: Double

    /// The figure of each kind that half of the runs do not exceed.
    init(medianOf runs: [ApplyRun], backend: Backend, threads: Int) {
        self.backend = backend
        self.threads = threads
        unchangedWrites = runs.map(\.unchangedWrites).reduce(0, +)
        unchangedTurns = runs.map(\.unchangedTurns).reduce(0, +)
        writesPerMove = runs.map(\.writesPerMove).median
        p50Microseconds = runs.map { $0.moves.percentile(50).microseconds }.median
        p99Microseconds = runs.map { $0.moves.percentile(99).microseconds }.median
        oneWriteP50Microseconds = runs.map { $0.oneWrites.percentile(50).microseconds }.median
        bareP50Microseconds = runs.map { $0.bareWrites.percentile(50).microseconds }.median
        bareP99Microseconds = runs.map { $0.bareWrites.percentile(99).microseconds }.median
        ratioToBareWrite =
            runs.map { run in
                Double(run.oneWrites.percentile(50)) / Double(max(1, run.bareWrites.percentile(50)))
            }.median
    }
}

/// One run: times in nanoseconds, sorted.
struct ApplyRun {
    var unchangedWrites = 0
    var unchangedTurns = 0
    var writesPerMove = 0.0
    var moves: [Int] = []
    var oneWrites: [Int] = []
    var bareWrites: [Int] = []

    mutating func sort() {
        moves.sort()
        oneWrites.sort()
        bareWrites.sort()
    }
}

/// How much is measured.
package struct ApplyEffort: Sendable {
    package var runs: Int
    package var changes: Int

    package static let quick = ApplyEffort(runs: 3, changes: 100)
    package static let full = ApplyEffort(runs: 7, changes: 2000)
}

/// Why nothing could be measured.
package struct BenchFailure: Error, CustomStringConvertible {
    package var description: String

    package init(_ text: String) { description = text }
}

extension [Double] {
    var median: Double {
        let sorted = self.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}

extension Int {
    fileprivate var microseconds: Double { Double(self) / 1000 }
}
