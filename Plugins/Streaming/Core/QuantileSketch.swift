// Quantiles of a stream in bounded space, with a bounded relative error.
//
// A bucket is a value's sign, exponent and leading mantissa bits, as in HdrHistogram: no logarithm,
// and order is kept. Where the values spread over more than `limit` buckets, neighbours are joined
// pairwise, which doubles the error for all of them alike: the uniform collapse of UDDSketch
// (Epicoco, Melle, Cafaro, Pulimeno and Morleo, "UDDSketch: Accurate Tracking of Quantiles in Data
// Streams", 2020; after Masson, Rim and Lee, "DDSketch", VLDB 2019). What comes out depends on the
// values only, not on their order or on how partial sketches were merged.

/// Counts by bucket; answers quantiles with a relative error of at most 1/128 before any collapse.
package struct QuantileSketch: Sendable, Equatable {
    static let limit = 256

    package init() {}

    private static let finest: UInt64 = 46

    private struct Bucket: Sendable, Equatable {
        var index: Int32
        var count: UInt32
    }

    private var buckets: [Bucket] = []
    /// Mantissa bits that are dropped beyond the finest.
    private var coarseness: UInt64 = 0
    private var last = 0

    private static func ordered(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: value.bitPattern)
        return bits >= 0 ? bits : Int64.min &- bits
    }

    private func index(_ value: Double) -> Int32 {
        Int32(truncatingIfNeeded: Self.ordered(value) >> Int64(Self.finest + coarseness))
    }

    package mutating func add(_ value: Double) {
        let index = index(value)
        if last < buckets.count, buckets[last].index == index {
            buckets[last].count &+= 1
            return
        }
        last = position(of: index)
        if last < buckets.count, buckets[last].index == index {
            buckets[last].count &+= 1
        } else {
            buckets.insert(Bucket(index: index, count: 1), at: last)
            if buckets.count > Self.limit { collapse() }
        }
    }

    private func position(of index: Int32) -> Int {
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds everything that `other` counted.
    package mutating func merge(_ other: QuantileSketch) {
        var other = other
        while other.coarseness < coarseness { other.coarsen() }
        while coarseness < other.coarseness { coarsen() }
        var merged: [Bucket] = []
        merged.reserveCapacity(buckets.count + other.buckets.count)
        var left = buckets[...]
        var right = other.buckets[...]
        while let first = left.first, let second = right.first {
            if first.index == second.index {
                merged.append(Bucket(index: first.index, count: first.count &+ second.count))
                left.removeFirst()
                right.removeFirst()
            } else if first.index < second.index {
                merged.append(left.removeFirst())
            } else {
                merged.append(right.removeFirst())
            }
        }
        buckets = merged + left + right
        collapse()
    }

    private mutating func collapse() {
        while buckets.count > Self.limit { coarsen() }
    }

    private mutating func coarsen() {
        coarseness += 1
        var joined: [Bucket] = []
        joined.reserveCapacity(buckets.count)
        for bucket in buckets {
            let index = bucket.index >> 1
            if let end = joined.indices.last, joined[end].index == index {
                joined[end].count &+= bucket.count
            } else {
                joined.append(Bucket(index: index, count: bucket.count))
            }
        }
        buckets = joined
        last = 0
    }

    /// The value below which the part `quantile` (0…1) of all values lies; nil of none.
    package func value(at quantile: Double) -> Double? {
        let total = buckets.reduce(0) { $0 + Int($1.count) }
        guard total > 0 else { return nil }
        let rank = Int((quantile * Double(total - 1)).rounded())
        var seen = 0
        for bucket in buckets {
            seen += Int(bucket.count)
            if seen > rank { return middle(of: bucket.index) }
        }
        return nil
    }

    private func middle(of index: Int32) -> Double {
        let shift = Int64(Self.finest + coarseness)
        let low = Int64(index) << shift
        let ordered = index == 0 ? 0 : low &+ (1 << (shift - 1))
        let bits = ordered >= 0 ? ordered : Int64.min &- ordered
        let value = Double(bitPattern: UInt64(bitPattern: bits))
        return value.isFinite ? value : (bits < 0 ? -1 : 1) * .greatestFiniteMagnitude
    }

    package static func == (left: QuantileSketch, right: QuantileSketch) -> Bool {
        left.buckets == right.buckets && left.coarseness == right.coarseness
    }
}
