/// What the feature streaming publishes, as far as a digest wants it; the layouts are documented
/// with its `ResultMessage`.
package enum StreamingMessage: Sendable, Equatable {
    case window(Window)
    case anomaly(Anomaly)

    package struct Window: Sendable, Equatable {
        package var key: String
        /// Microseconds since 1970, UTC.
        package var start: Int
        package var end: Int
        package var events: Int
        package var mean: Double
        package var p99: Double
        package var isPartial: Bool

        package init(
            key: String, start: Int, end: Int, events: Int, mean: Double, p99: Double,
            isPartial: Bool
        ) {
            self.key = key
            self.start = start
            self.end = end
            self.events = events
            self.mean = mean
            self.p99 = p99
            self.isPartial = isPartial
        }
    }

    package struct Anomaly: Sendable, Equatable {
        package var key: String
        /// Microseconds since 1970, UTC.
        package var time: Int
        package var value: Double
        package var score: Double

        package init(key: String, time: Int, value: Double, score: Double) {
            self.key = key
            self.time = time
            self.value = value
            self.score = score
        }
    }

    static let longestKey = 4096

    /// What a key is counted as: streaming's copies of a series for load, `NAME~7`, count as `NAME`.
    static func series(_ key: String) -> String {
        guard let mark = key.lastIndex(of: "~"), mark != key.startIndex else { return key }
        let digits = key[key.index(after: mark)...].utf8
        let isCopy = !digits.isEmpty && digits.allSatisfy { (48...57).contains($0) }
        return isCopy ? String(key[..<mark]) : key
    }

    /// Reads a window; nil when it is none.
    package static func window(_ bytes: RawSpan) -> StreamingMessage? {
        guard let key = key(bytes, lead: 104) else { return nil }
        let events = bytes.number(24)
        guard events >= 0 else { return nil }
        return .window(
            Window(
                key: key, start: bytes.number(8), end: bytes.number(16), events: events,
                mean: bytes.value(56), p99: bytes.value(80),
                isPartial: bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self) & 1 == 1))
    }

    /// Reads an anomaly; nil when it is none.
    package static func anomaly(_ bytes: RawSpan) -> StreamingMessage? {
        guard let key = key(bytes, lead: 32) else { return nil }
        return .anomaly(
            Anomaly(
                key: key, time: bytes.number(8), value: bytes.value(16), score: bytes.value(24)))
    }

    /// The key of a message whose other fields have `lead` bytes; nil when its version is unknown
    /// or its length is wrong.
    private static func key(_ bytes: RawSpan, lead: Int) -> String? {
        guard bytes.byteCount >= lead,
            UInt16(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt16.self)) == 1
        else { return nil }
        let length = Int(
            UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        guard length <= longestKey, bytes.byteCount == lead + length else { return nil }
        return bytes.withUnsafeBytes { String(decoding: $0[lead...], as: UTF8.self) }
    }
}

extension RawSpan {
    // The length was looked at before.
    fileprivate func number(_ offset: Int) -> Int {
        Int(Int64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Int64.self)))
    }

    fileprivate func value(_ offset: Int) -> Double {
        Double(
            bitPattern: UInt64(
                littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}
