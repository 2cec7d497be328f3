import PoiseModel
import Synchronization

/// One parsed chunk on its way through the partitions; tells when all of them are done with it.
final class Work: Sendable {
    let batch: ParsedBatch
    let clock: Int
    /// Allowed lateness in microseconds.
    let lateness: Int
    let arrival: Instant
    private let left: Atomic<Int>

    init(batch: ParsedBatch, clock: Int, lateness: Int, arrival: Instant, slices: Int) {
        self.batch = batch
        self.clock = clock
        self.lateness = lateness
        self.arrival = arrival
        left = Atomic(slices)
    }

    /// Says that one slice is done; true for the last.
    func finishSlice() -> Bool {
        left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
    }
}

/// The readings of one chunk that belong to one partition.
struct Slice: Sendable {
    var work: Work
    var range: Range<Int>
    var advance: WatermarkClock.Advance
}

/// What a partition is given to do, in order.
enum PartitionInput: Sendable {
    case slice(Slice)
    case watermark(clock: Int, EventTime)
    case flush
    case detection(Detection)
}

/// What is done about anomalies for now.
enum Detection: Sendable {
    case on
    /// Values are not scored; what was learnt is kept.
    case paused
    /// Values are not scored, and what was learnt is given up.
    case dropped
}
