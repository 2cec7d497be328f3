/// How long things took, in bounded memory, with the percentiles within 1 %.
///
/// Buckets are log-linear: up to 128 ns one a nanosecond, above that 64 for each doubling, up to
/// 2^42 ns (73 minutes); what takes longer counts as that. So the middle of a bucket is within
/// 1/128 of each value in it.
package struct DurationHistogram: Sendable, Equatable {
    private static let largest = (1 << 42) - 1
    private var counts: [UInt64]

    /// How many values were recorded.
    package private(set) var count: UInt64 = 0
    /// The longest value that was recorded; nil when there is none.
    package private(set) var longest: Duration?

    package init() {
        counts = Array(repeating: 0, count: Self.bucket(of: Self.largest) + 1)
    }

    /// Adds a value; a negative one counts as 0.
    package mutating func record(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        let nanoseconds =
            seconds > 4398
            ? Self.largest : Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        record(nanoseconds: nanoseconds)
    }

    /// Adds a value in nanoseconds; a negative one counts as 0.
    package mutating func record(nanoseconds: Int) {
        let value = min(max(nanoseconds, 0), Self.largest)
        counts[Self.bucket(of: value)] += 1
        count += 1
        let time = Duration.nanoseconds(value)
        if longest.map({ $0 < time }) ?? true { longest = time }
    }

    /// Adds all values of another.
    package mutating func merge(_ other: DurationHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        if let theirs = other.longest { longest = longest.map { max($0, theirs) } ?? theirs }
    }

    /// The value that a share (0…1) of all values does not exceed; nil when there is none.
    package func quantile(_ share: Double) -> Duration? {
        guard count > 0, let longest else { return nil }
        let bounded = share.isNaN ? 1 : min(max(share, 0), 1)
        let rank = max(1, UInt64((bounded * Double(count)).rounded(.up)))
        guard rank < count else { return longest }
        var seen: UInt64 = 0
        for (bucket, here) in counts.enumerated() {
            seen += here
            if seen >= rank { return min(.nanoseconds(Self.middle(of: bucket)), longest) }
        }
        return longest
    }

    /// Half of the values are no longer.
    package var p50: Duration? { quantile(0.5) }

    /// 99 of 100 values are no longer.
    package var p99: Duration? { quantile(0.99) }

    private static func bucket(of value: Int) -> Int {
        guard value >= 128 else { return value }
        let shift = value.bitWidth - value.leadingZeroBitCount - 7
        return shift * 64 + value >> shift
    }

    private static func middle(of bucket: Int) -> Int {
        guard bucket >= 128 else { return bucket }
        let shift = bucket / 64 - 1
        let low = (bucket - shift * 64) << shift
        return low + 1 << shift / 2
    }
}
