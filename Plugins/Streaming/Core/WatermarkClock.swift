package import PoiseModel

/// Tells how far event time has come in streams that are read side by side: the least of their
/// newest event times, minus the lateness that is allowed.
///
/// It never goes back.
///
/// A stream that has brought nothing for `idle` does not hold the others back, and catches up with
/// them, or is late, when it speaks again. When all are idle, the furthest counts.
package struct WatermarkClock: Sendable {
    private struct Stream: Sendable {
        var newest: EventTime
        var heard: Instant
    }

    private var streams: [Int: Stream] = [:]
    /// Streams that may still bring something, heard of or not.
    private var unfinished: Set<Int> = []
    private var isEnding = false
    private let lateness: Int
    private let idle: Duration
    package private(set) var watermark = EventTime.beginning

    package init(lateness: Duration, idle: Duration) {
        self.lateness = lateness.wholeNanoseconds / 1000
        self.idle = idle
    }

    /// What hearing of a chunk did.
    package struct Advance: Sendable, Equatable {
        /// The watermark that the chunk's readings meet.
        package var before: EventTime
        package var after: EventTime
        /// Whether the stream is the only one that counts, so that within its chunk the watermark
        /// follows event by event: what is late then does not depend on how reads cut the stream.
        package var alone: Bool
    }

    /// Takes a stream in, from which nothing has come yet.
    package mutating func open(_ stream: Int) { unfinished.insert(stream) }

    /// Takes a chunk of `stream` with `newest` as its newest event time.
    package mutating func hear(_ stream: Int, newest: EventTime, at now: Instant) -> Advance {
        let before = watermark
        let known = streams[stream]?.newest ?? .beginning
        streams[stream] = Stream(newest: max(known, newest), heard: now)
        let alone = update(now) == 1
        return Advance(before: before, after: watermark, alone: alone)
    }

    /// Lets time pass, so that idle streams are found.
    package mutating func tick(at now: Instant) -> EventTime {
        _ = update(now)
        return watermark
    }

    /// Takes a stream out that has ended.
    package mutating func close(_ stream: Int, at now: Instant) -> EventTime {
        let newest = streams.removeValue(forKey: stream)?.newest
        unfinished.remove(stream)
        if streams.isEmpty, let newest {
            watermark = max(watermark, newest.advanced(by: -lateness))
        }
        finish()
        return tick(at: now)
    }

    /// Says that no more streams will be opened: with the last of them the clock runs out.
    package mutating func end() -> EventTime {
        isEnding = true
        finish()
        return watermark
    }

    private mutating func finish() {
        if isEnding, unfinished.isEmpty { watermark = .end }
    }

    /// Gives the number of streams that count.
    private mutating func update(_ now: Instant) -> Int {
        var active = 0
        var least = EventTime.end
        var most = EventTime.beginning
        for stream in streams.values {
            most = max(most, stream.newest)
            guard now - stream.heard < idle else { continue }
            active += 1
            least = min(least, stream.newest)
        }
        guard !streams.isEmpty else { return 0 }
        watermark = max(watermark, (active > 0 ? least : most).advanced(by: -lateness))
        return active
    }
}
