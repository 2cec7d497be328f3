/// What is counted of one source; kept with its link, so that each message counts exactly once. Its
/// bytes are what an earlier process left, and are checked before they are used.
package struct DigestCounts: BitwiseCopyable, Sendable {
    /// What is counted of one series.
    package struct Series: BitwiseCopyable, Sendable {
        /// FNV-1a of its name, 64 bits, never 0; 0 is a free place.
        package var hash: UInt64 = 0
        package var windows: UInt32 = 0
        package var anomalies: UInt32 = 0
        package var events: UInt64 = 0
    }

    package static let places = 36

    package private(set) var windows: UInt64 = 0
    package private(set) var anomalies: UInt64 = 0
    package private(set) var events: UInt64 = 0
    /// Messages that could not be read.
    package private(set) var unreadable: UInt64 = 0
    /// Messages of series that found no place of their own.
    package private(set) var others: UInt64 = 0
    private var series = InlineArray<36, Series>(repeating: Series())

    package init() {}

    package mutating func add(_ message: StreamingMessage?) {
        switch message {
        case .none: unreadable &+= 1
        case .window(let window):
            windows &+= 1
            events &+= UInt64(clamping: window.events)
            guard let place = place(DigestCounts.hash(StreamingMessage.series(window.key))) else {
                return
            }
            series[place].windows &+= 1
            series[place].events &+= UInt64(clamping: window.events)
        case .anomaly(let anomaly):
            anomalies &+= 1
            guard let place = place(DigestCounts.hash(StreamingMessage.series(anomaly.key))) else {
                return
            }
            series[place].anomalies &+= 1
        }
    }

    /// Those that have a place.
    package var known: [Series] {
        series.indices.map { series[$0] }.filter { $0.hash != 0 }
    }

    /// All messages.
    package var messages: UInt64 { windows &+ anomalies &+ unreadable }

    private mutating func place(_ hash: UInt64) -> Int? {
        var free: Int?
        for index in series.indices {
            if series[index].hash == hash { return index }
            if free == nil, series[index].hash == 0 { free = index }
        }
        guard let free else {
            others &+= 1
            return nil
        }
        series[free].hash = hash
        return free
    }

    /// FNV-1a.
    package static func hash(_ key: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash == 0 ? 1 : hash
    }
}
