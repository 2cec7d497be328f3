package import PoiseModel

/// The newest windows and anomalies of all sources, and what is counted of them; pure.
package struct Digest: Sendable {
    /// When several anomalies come close together.
    package struct Burst: Sendable, Equatable {
        package var count: Int
        package var within: Duration

        package init(count: Int = 5, within: Duration = .seconds(10)) {
            self.count = count
            self.within = within
        }
    }

    static let mostAnomalies = 16
    static let mostSeries = 256

    private let burst: Burst
    private var newest: [String: [UInt64: StreamingMessage.Window]] = [:]
    private var anomalies: [(from: String, anomaly: StreamingMessage.Anomaly)] = []
    private var names: [UInt64: String] = [:]
    private var recent: [Instant] = []
    private var isBursting = false
    /// Messages of this process's life.
    package private(set) var received = 0
    package private(set) var receivedAnomalies = 0
    /// The newest end of a window, microseconds since 1970.
    package private(set) var newestEnd: Int?
    /// Something came since `unwritten`.
    private var hasNews = false

    package init(burst: Burst = Burst()) { self.burst = burst }

    /// Takes a message; true when a burst of anomalies begins with it.
    package mutating func take(_ message: StreamingMessage?, from: String, at now: Instant) -> Bool
    {
        received += 1
        hasNews = true
        switch message {
        case .none: return false
        case .window(let window):
            let hash = name(window.key)
            newestEnd = max(newestEnd ?? window.end, window.end)
            let known = newest[from]?[hash]
            if known != nil || (newest[from]?.count ?? 0) < Digest.mostSeries,
                window.end >= known?.end ?? window.end
            {
                newest[from, default: [:]][hash] = window
            }
            return false
        case .anomaly(let anomaly):
            _ = name(anomaly.key)
            receivedAnomalies += 1
            anomalies.append((from, anomaly))
            if anomalies.count > Digest.mostAnomalies { anomalies.removeFirst() }
            return beginsBurst(now)
        }
    }

    /// How many anomalies came within the time of a burst.
    package func recentAnomalies(at now: Instant) -> Int {
        recent.count { now - $0 <= burst.within }
    }

    private mutating func name(_ key: String) -> UInt64 {
        let series = StreamingMessage.series(key)
        let hash = DigestCounts.hash(series)
        if names.count < 4 * Digest.mostSeries { names[hash] = series }
        return hash
    }

    /// Told once at its beginning; it ends when fewer come.
    private mutating func beginsBurst(_ now: Instant) -> Bool {
        recent.append(now)
        recent.removeAll { now - $0 > burst.within }
        let isNow = recent.count >= burst.count
        defer { isBursting = isNow }
        return isNow && !isBursting
    }

    /// The text of a digest file, by the counts of each source; none when nothing came since the
    /// last one. (A bare `nil` would be JSON's null.)
    package mutating func unwritten(
        _ sources: [(from: String, counts: DigestCounts)]
    ) -> JSON? {
        guard hasNews else { return .none }
        hasNews = false
        return .some(text(sources))
    }

    private func text(_ sources: [(from: String, counts: DigestCounts)]) -> JSON {
        [
            "version": 1,
            "sources": .array(sources.map { source($0.from, $0.counts) }),
            "lastAnomalies": .array(
                anomalies.map { from, anomaly in
                    [
                        "from": .string(from), "key": .string(anomaly.key),
                        "timeMicroseconds": .integer(anomaly.time),
                        "value": JSON(anomaly.value), "score": JSON(anomaly.score),
                    ]
                }),
        ]
    }

    private func source(_ from: String, _ counts: DigestCounts) -> JSON {
        let series = counts.known.map { known in
            (name: names[known.hash] ?? "#" + String(known.hash, radix: 16), known)
        }
        return [
            "from": .string(from), "windows": .integer(Int(clamping: counts.windows)),
            "anomalies": .integer(Int(clamping: counts.anomalies)),
            "events": .integer(Int(clamping: counts.events)),
            "unreadable": .integer(Int(clamping: counts.unreadable)),
            "ofOtherSeries": .integer(Int(clamping: counts.others)),
            "series": .array(
                series.sorted { $0.name < $1.name }.map { name, known in
                    [
                        "series": .string(name), "windows": .integer(Int(known.windows)),
                        "anomalies": .integer(Int(known.anomalies)),
                        "events": .integer(Int(clamping: known.events)),
                        "newest": window(newest[from]?[known.hash]),
                    ]
                }),
        ]
    }

    private func window(_ window: StreamingMessage.Window?) -> JSON {
        guard let window else { return nil }
        return [
            "startMicroseconds": .integer(window.start), "endMicroseconds": .integer(window.end),
            "events": .integer(window.events), "mean": JSON(window.mean),
            "p99": JSON(window.p99), "isPartial": .bool(window.isPartial),
        ]
    }
}
