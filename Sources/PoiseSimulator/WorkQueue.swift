import PoiseModel

/// Work that waits, first in first out, with the moments at which it arrived.
struct WorkQueue {
    private struct Part {
        var since: Int
        var amount: Double
    }

    private var parts: [Part] = []
    /// Parts before this one are done.
    private var start = 0
    /// Seconds of a performance core that wait.
    private(set) var amount = 0.0

    /// Puts work at the end; `since` is when it arrived, in nanoseconds.
    mutating func add(_ amount: Double, since: Int) {
        guard amount > 0 else { return }
        self.amount += amount
        parts.append(Part(since: since, amount: amount))
    }

    /// Takes work from the front and tells how long each part of it had waited.
    mutating func take(_ wanted: Double, now: Int, waits: inout WaitHistogram) {
        var left = min(wanted, amount)
        while left > 0, start < parts.count {
            let taken = min(left, parts[start].amount)
            waits.add(taken, nanoseconds: now - parts[start].since)
            left -= taken
            remove(taken)
        }
    }

    /// Drops what has waited for longer than a limit, and gives how much that was.
    mutating func drop(before moment: Int) -> Double {
        var dropped = 0.0
        while start < parts.count, parts[start].since < moment {
            dropped += parts[start].amount
            remove(parts[start].amount)
        }
        return dropped
    }

    private mutating func remove(_ taken: Double) {
        amount -= taken
        parts[start].amount -= taken
        // Sums of many small numbers end near 0, not at it.
        if parts[start].amount < 1e-12 {
            amount -= parts[start].amount
            start += 1
        }
        if start == parts.count {
            parts.removeAll(keepingCapacity: true)
            start = 0
            amount = 0
        } else if start > 1024, start * 2 > parts.count {
            parts.removeFirst(start)
            start = 0
        }
    }
}

/// How long work waited, weighted by its amount: thirty-two buckets to each power of two, from a
/// microsecond up.
struct WaitHistogram: Sendable, Equatable {
    private static let perOctave = 32
    private static let count = perOctave * 44
    private var buckets = [Double](repeating: 0, count: WaitHistogram.count)
    private var atOnce = 0.0

    mutating func add(_ amount: Double, nanoseconds: Int) {
        guard nanoseconds >= 1000 else {
            atOnce += amount
            return
        }
        buckets[Self.bucket(nanoseconds)] += amount
    }

    private static func bucket(_ nanoseconds: Int) -> Int {
        let octave = Int.bitWidth - 1 - nanoseconds.leadingZeroBitCount
        let part = nanoseconds >> max(0, octave - 5) & (perOctave - 1)
        return min((octave - 9) * perOctave + part, count - 1)
    }

    /// The wait that so much of the work did not exceed, to a thirty-second; nil when there was no
    /// work.
    func percentile(_ percent: Double) -> Duration? {
        let total = buckets.reduce(atOnce, +)
        guard total > 0 else { return nil }
        var left = total * percent / 100 - atOnce
        guard left > 0 else { return .zero }
        for bucket in buckets.indices where buckets[bucket] > 0 {
            left -= buckets[bucket]
            if left <= 0 {
                let octave = bucket / Self.perOctave + 9
                return .nanoseconds(
                    (1 << octave) / Self.perOctave
                        * (Self.perOctave + bucket % Self.perOctave + 1))
            }
        }
        return nil
    }
}
