/// What a feature can send to Poise, by the limit that it falls under.
package enum TrafficClass: String, Sendable, CaseIterable {
    case logs, events, needs, reports, health
    /// Messages that are none.
    case garbage
    /// What answers an order, or tells how the host does: there are no more of them than orders.
    case answers
    /// All that its host sends, in bytes.
    case channelBytes
    /// What its processes print, in bytes.
    case outputBytes

    /// Its number among all, from 0.
    var place: Int {
        switch self {
        case .logs: 0
        case .events: 1
        case .needs: 2
        case .reports: 3
        case .health: 4
        case .garbage: 5
        case .answers: 6
        case .channelBytes: 7
        case .outputBytes: 8
        }
    }

    /// Whether it is counted in bytes and not in messages.
    package var isBytes: Bool { self == .channelBytes || self == .outputBytes }

    /// As people are told of so many.
    package func words(_ count: Int) -> String {
        switch self {
        case .logs: count == 1 ? "1 log line" : "\(count) log lines"
        case .events: count == 1 ? "1 event" : "\(count) events"
        case .needs: count == 1 ? "1 need" : "\(count) needs"
        case .reports: count == 1 ? "1 report" : "\(count) reports"
        case .health: count == 1 ? "1 word of health" : "\(count) words of health"
        case .garbage: count == 1 ? "1 message that is none" : "\(count) messages that are none"
        case .answers: count == 1 ? "1 answer" : "\(count) answers"
        case .channelBytes: "messages of \(count) bytes in all"
        case .outputBytes: "\(count) bytes of output"
        }
    }

    /// The class of a piece of news.
    package init(_ news: HostNews) {
        switch news {
        case .log: self = .logs
        case .event: self = .events
        case .need: self = .needs
        case .report: self = .reports
        case .health: self = .health
        case .loaded, .created, .started, .applied, .drained, .stopped, .failed, .dropped,
            .busDamaged, .busDetached:
            self = .answers
        }
    }

    /// The class that a datagram of a host belongs to by its first bytes, so that what is over a
    /// limit need not be read. Our own host writes `{"news":"…"` first; what begins otherwise
    /// counts as garbage until it has been read.
    package init(peeking bytes: [UInt8]) {
        let start = Array(#"{"news":""#.utf8)
        guard bytes.starts(with: start) else {
            self = .garbage
            return
        }
        let word = bytes.dropFirst(start.count).prefix(16).prefix { $0 != UInt8(ascii: "\"") }
        switch String(decoding: word, as: UTF8.self) {
        case "log": self = .logs
        case "event": self = .events
        case "need": self = .needs
        case "report": self = .reports
        case "health": self = .health
        case "loaded", "created", "started", "applied", "drained", "stopped", "failed",
            "dropped", "busDamaged", "busDetached":
            self = .answers
        default: self = .garbage
        }
    }
}

/// A number for each class of traffic.
package struct TrafficCounts: Sendable, Equatable {
    private var counts = [Int](repeating: 0, count: TrafficClass.allCases.count)

    package init() {}

    /// Zero but for these.
    package init(_ numbers: [TrafficClass: Int]) {
        for (kind, number) in numbers { self[kind] = number }
    }

    package subscript(kind: TrafficClass) -> Int {
        get { counts[kind.place] }
        set { counts[kind.place] = newValue }
    }

    package var isZero: Bool { counts.allSatisfy { $0 == 0 } }

    /// All messages, without what is counted in bytes.
    package var messages: Int {
        TrafficClass.allCases.reduce(0) { $1.isBytes ? $0 : TrafficCounts.sum($0, self[$1]) }
    }

    /// Adds the numbers of others; what does not fit stays at the largest number there is, since
    /// some come from a host that may lie.
    package mutating func add(_ others: TrafficCounts) {
        for index in counts.indices {
            counts[index] = TrafficCounts.sum(counts[index], others.counts[index])
        }
    }

    /// What came since there were so many.
    package func since(_ before: TrafficCounts) -> TrafficCounts {
        var rest = self
        for index in counts.indices { rest.counts[index] -= before.counts[index] }
        return rest
    }

    /// Counts so many more of a class.
    package mutating func add(_ amount: Int, to kind: TrafficClass) {
        self[kind] = TrafficCounts.sum(self[kind], amount)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// What is not zero, as people read it: `12 log lines, 3 events`; empty when nothing is.
    package var words: String {
        TrafficClass.allCases.filter { self[$0] != 0 }.map { $0.words(self[$0]) }
            .joined(separator: ", ")
    }
}
