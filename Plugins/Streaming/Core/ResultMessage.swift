import PoiseModel

/// Results as messages for other features: fixed layouts that any language reads with a struct.
///
/// All numbers are little-endian; the key is UTF-8 and fills the message to its end. What is not
/// known is NaN. A longer version 1 never comes: what is added is a version of its own.
///
/// A window (topic `windows`), 104 bytes and the key:
///
/// | offset | type | what |
/// |---|---|---|
/// | 0 | u16 | version, 1 |
/// | 2 | u16 | bit 0: given out before its end |
/// | 4 | u32 | bytes of the key |
/// | 8, 16 | i64 | begin and end, microseconds since 1970 (UTC) |
/// | 24 | u64 | events in it |
/// | 32 … 80 | f64 | sum, min, max, mean, variance, p50, p99 |
/// | 88 | f64 | last value |
/// | 96 | u64 | events that came too late since the window before |
///
/// An anomaly (topic `anomalies`), 32 bytes and the key: version and 0 and the key's length as
/// above; 8 its time (i64), 16 the value, 24 the score 0…1 (f64).
package enum ResultMessage {
    package static let version: UInt16 = 1
    static let windowBytes = 104
    static let anomalyBytes = 32

    /// Appends a window.
    static func window(_ key: [UInt8], _ closed: WindowStore.Closed, into out: inout [UInt8]) {
        let aggregate = closed.aggregate
        head(key, flags: closed.partial ? 1 : 0, into: &out)
        number(closed.start.microseconds, into: &out)
        number(closed.end.microseconds, into: &out)
        number(aggregate.count, into: &out)
        for value in [
            aggregate.sum, aggregate.min, aggregate.max, aggregate.mean, aggregate.variance,
        ] { number(value, into: &out) }
        number(aggregate.quantile(0.5) ?? .nan, into: &out)
        number(aggregate.quantile(0.99) ?? .nan, into: &out)
        number(aggregate.last, into: &out)
        number(closed.late, into: &out)
        out.append(contentsOf: key)
    }

    /// An anomaly.
    package static func anomaly(_ anomaly: Anomaly) -> [UInt8] {
        var out: [UInt8] = []
        let key = Array(anomaly.key.utf8)
        out.reserveCapacity(anomalyBytes + key.count)
        head(key, flags: 0, into: &out)
        number(anomaly.time.microseconds, into: &out)
        number(anomaly.value, into: &out)
        number(anomaly.score, into: &out)
        out.append(contentsOf: key)
        return out
    }

    /// Cuts windows that lie one behind the other into messages.
    package static func cutWindows(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
        var start = 0
        while start + windowBytes <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[start + 4 + $1]) << (8 * $1) }
            let end = start + windowBytes + length
            guard end <= bytes.count else { return }
            body(bytes[start..<end])
            start = end
        }
    }

    private static func head(_ key: [UInt8], flags: UInt16, into out: inout [UInt8]) {
        append(version, into: &out)
        append(flags, into: &out)
        append(UInt32(key.count), into: &out)
    }

    private static func number(_ value: Int, into out: inout [UInt8]) {
        append(Int64(value), into: &out)
    }

    private static func number(_ value: Double, into out: inout [UInt8]) {
        append(value.bitPattern, into: &out)
    }

    private static func append<Number: FixedWidthInteger>(_ value: Number, into out: inout [UInt8])
    {
        withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
    }
}
