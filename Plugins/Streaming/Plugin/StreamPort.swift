import StreamingCore

/// Bytes of one producer on their way into a stream: cut to lines, format found by the first.
struct StreamPort {
    private let name: String
    private let clock: Int
    private var cutter = LineCutter()
    private var stream: Stream?

    init(name: String, clock: Int) {
        self.name = name
        self.clock = clock
    }

    /// The lines that are whole now, with the stream that they belong to; nil when there are none.
    mutating func take(_ bytes: [UInt8], _ feed: SourceFeed) -> (Stream, [UInt8])? {
        let lines = cutter.cut(bytes)
        for _ in 0..<cutter.takeTooLong() { feed.pipeline.counters.refuse(.tooLong, name) }
        return begin(lines, feed)
    }

    /// What is left when the producer has ended.
    mutating func finish(_ feed: SourceFeed) -> (Stream, [UInt8])? { begin(cutter.finish(), feed) }

    func close() { stream?.close() }

    /// A live producer whose clock is wrong by more may not make everybody else late.
    private static var latest: EventTime {
        SystemClock.wallTime().advanced(by: 86_400_000_000)
    }

    private mutating func begin(_ lines: [UInt8], _ feed: SourceFeed) -> (Stream, [UInt8])? {
        guard !lines.isEmpty else { return nil }
        if let stream {
            stream.setLatest(Self.latest)
            return (stream, lines)
        }
        let first = Array(lines.prefix { $0 != UInt8(ascii: "\n") })
        guard let (format, isHeader) = feed.finder.find(firstLine: first, name: name) else {
            let text = String(decoding: first.prefix(120), as: UTF8.self)
            feed.pipeline.counters.refuse(.syntax, text)
            // A broken first line may be followed by good JSON; a CSV header has no second chance.
            let rest = Array(lines.dropFirst(first.count + 1))
            return begin(rest, feed)
        }
        let stream = feed.pipeline.open(clock: clock, format: format)
        stream.setLatest(Self.latest)
        self.stream = stream
        let data = isHeader ? Array(lines.dropFirst(first.count + 1)) : lines
        return data.isEmpty ? nil : (stream, data)
    }
}
