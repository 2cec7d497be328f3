import PoiseModel
import Synchronization

/// How long things took, in bounded memory (20 KiB), with the percentiles within 1 %.
///
/// Values are told apart up to 73 minutes; what takes longer counts as that. A worker keeps one of
/// its own and they are merged, or all share a `LatencyRecorder`.
public struct LatencyHistogram: Sendable, Equatable {
    private var values = DurationHistogram()

    /// No values.
    public init() {}

    /// How many values were recorded.
    public var count: UInt64 { values.count }

    /// The longest value that was recorded; nil when there is none.
    public var longest: Duration? { values.longest }

    /// Adds a value; a negative one counts as 0.
    public mutating func record(_ time: Duration) { values.record(time) }

    /// Adds a value in nanoseconds; a negative one counts as 0.
    public mutating func record(nanoseconds: Int) { values.record(nanoseconds: nanoseconds) }

    /// Adds all values of another.
    public mutating func merge(_ other: LatencyHistogram) { values.merge(other.values) }

    /// The value that a share (0…1) of all values does not exceed; nil when there is none.
    public func quantile(_ share: Double) -> Duration? { values.quantile(share) }

    /// Half of the values are no longer.
    public var p50: Duration? { values.p50 }

    /// 99 of 100 values are no longer.
    public var p99: Duration? { values.p99 }
}

/// A latency histogram that many threads write to.
public final class LatencyRecorder: Sendable {
    private let histogram = Mutex(LatencyHistogram())

    /// No values.
    public init() {}

    /// Adds a value.
    public func record(_ time: Duration) { histogram.withLock { $0.record(time) } }

    /// Adds all values that a worker kept.
    public func merge(_ other: LatencyHistogram) { histogram.withLock { $0.merge(other) } }

    /// All values since the last time, which are then forgotten: a report's.
    public func take() -> LatencyHistogram {
        histogram.withLock { histogram in
            let taken = histogram
            histogram = LatencyHistogram()
            return taken
        }
    }
}
