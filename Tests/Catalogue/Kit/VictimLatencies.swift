/// What a victim wrote of its work: one line each tenth of a second.
package struct VictimLatencies: Sendable {
    package struct Line: Sendable {
        /// On the monotonic clock, in nanoseconds.
        package var at: Int
        /// The numbers of the first and the last piece of work.
        package var first: Int
        package var last: Int
        package var counts: [(bucket: Int, count: Int)]
    }

    package var lines: [Line]
    /// Lines that are none.
    package var broken = 0

    package init(_ text: String) {
        lines = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let head = words.prefix(3).compactMap { Int($0) }
            let counts = words.dropFirst(3).map { word -> (bucket: Int, count: Int)? in
                let parts = word.split(separator: ":").compactMap { Int($0) }
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }
            guard head.count == 3, !counts.contains(where: { $0 == nil }) else {
                broken += 1
                continue
            }
            lines.append(
                Line(at: head[0], first: head[1], last: head[2], counts: counts.compactMap(\.self)))
        }
    }

    /// Whether no piece of work is missing or was counted twice, from the first line to the last,
    /// and the latencies of each are there.
    package var isWhole: Bool {
        guard broken == 0 else { return false }
        var next = 1
        for line in lines {
            let counted = line.counts.reduce(0) { $0 + $1.count }
            guard line.first == next, counted == line.last - line.first + 1 else { return false }
            next = line.last + 1
        }
        return true
    }

    /// How many pieces of work were done.
    package var done: Int { lines.last?.last ?? 0 }

    /// The latency that so many of 1000 pieces within a time do not exceed, in microseconds; nil
    /// when there were none.
    package func quantile(_ perMille: Int, from start: Int, to end: Int) -> Double? {
        var counts: [Int: Int] = [:]
        for line in lines where line.at > start && line.at <= end {
            for (bucket, count) in line.counts { counts[bucket, default: 0] += count }
        }
        let all = counts.values.reduce(0, +)
        guard all > 0 else { return nil }
        var seen = 0
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            seen += count
            if seen * 1000 >= all * perMille { return VictimLatencies.microseconds(of: bucket) }
        }
        return nil
    }

    /// The middle of a bucket: bucket 64 · e + s is from (64 + s) · 2^(e − 6) nanoseconds.
    package static func microseconds(of bucket: Int) -> Double {
        let width = Double(sign: .plus, exponent: bucket / 64 - 6, significand: 1)
        return (Double(64 + bucket % 64) + 0.5) * width / 1000
    }
}
