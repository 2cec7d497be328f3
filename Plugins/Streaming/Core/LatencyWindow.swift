import PoiseModel

/// Times from arrival to processed, of the last one to two seconds, in buckets of 1/16 octave.
struct LatencyWindow: Sendable {
    private static let buckets = 40 * 16
    private var current = [Int](repeating: 0, count: buckets)
    private var previous = [Int](repeating: 0, count: buckets)
    private var began: Instant?

    mutating func add(_ latency: Duration, events: Int, at now: Instant) {
        turn(now)
        let value = UInt64(max(16, latency.wholeNanoseconds))
        let octave = 63 - value.leadingZeroBitCount
        let bucket = (octave - 4) * 16 + Int(value >> UInt64(octave - 4)) & 15
        current[min(bucket, Self.buckets - 1)] += events
    }

    /// The latency that the part `quantile` of the events did not exceed; nil without events.
    mutating func quantile(_ quantile: Double, at now: Instant) -> Duration? {
        turn(now)
        let total = current.reduce(0, +) + previous.reduce(0, +)
        guard total > 0 else { return nil }
        let rank = Int(quantile * Double(total - 1))
        var seen = 0
        for bucket in current.indices {
            seen += current[bucket] + previous[bucket]
            guard seen > rank else { continue }
            return .nanoseconds((17 + bucket % 16) << (bucket / 16))
        }
        return nil
    }

    private mutating func turn(_ now: Instant) {
        guard let start = began else {
            began = now
            return
        }
        guard now - start >= .seconds(1) else { return }
        previous = now - start < .seconds(2) ? current : Array(repeating: 0, count: Self.buckets)
        current = Array(repeating: 0, count: Self.buckets)
        began = now
    }
}
