import PoiseModel
package import StreamingCore
import Synchronization

/// What every source works with: the pipeline, its pace, and when to stop.
package final class SourceFeed: Sendable {
    package let pipeline: Pipeline
    package let finder: FormatFinder
    package let bell: Doorbell
    private let pace: Mutex<Pace?>
    private let stopping = Atomic(false)
    private let note: @Sendable (String) -> Void

    private struct Pace {
        let load: LoadShape
        let start: Instant
        var bucket: Pacer

        mutating func take(upTo lines: Int, at now: Instant) -> Int {
            bucket.setRate(load.rate(after: now - start), at: now)
            return bucket.take(upTo: lines, at: now)
        }
    }

    /// `note` gets what is worth a line in the log.
    package init(
        pipeline: Pipeline, configuration: StreamingConfiguration, bell: Doorbell,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.pipeline = pipeline
        finder = FormatFinder(configuration)
        self.bell = bell
        self.note = note
        let now = SystemClock.now()
        pace = Mutex(
            configuration.load.map { load in
                let burst = max(2, load.highest / 50)
                return Pace(
                    load: load, start: now,
                    bucket: Pacer(rate: load.rate(after: .zero), burst: burst, at: now))
            })
    }

    package func log(_ text: String) { note(text) }

    package var isStopping: Bool { stopping.load(ordering: .acquiring) }

    package func stop() {
        stopping.store(true, ordering: .releasing)
        bell.ring()
    }

    /// Waits until the pipeline takes more; false when the source has to stop.
    package func waitForRoom() -> Bool {
        while !pipeline.hasRoom {
            if isStopping { return false }
            bell.wait(milliseconds: 20)
        }
        return !isStopping
    }

    /// Feeds whole lines at the source's pace; false when it has to stop.
    package func feed(_ lines: [UInt8], to stream: Stream) -> Bool {
        let isPaced = pace.withLock { $0 != nil }
        guard isPaced else {
            guard waitForRoom() else { return false }
            stream.feed(lines)
            return true
        }
        var pieces = LinePieces(lines)
        while pieces.count > 0 {
            let count = takeTokens(upTo: pieces.count)
            if count == 0 {
                bell.wait(milliseconds: 5)
                if isStopping { return false }
                continue
            }
            guard waitForRoom() else { return false }
            stream.feed(pieces.take(count))
        }
        return true
    }

    /// Takes the right to feed up to `lines` events now; all of them when there is no pace.
    package func takeTokens(upTo lines: Int) -> Int {
        let now = SystemClock.now()
        return pace.withLock { $0?.take(upTo: lines, at: now) ?? lines }
    }
}

/// How a source ended.
package enum SourceEnd: Sendable, Equatable {
    /// It was told to stop.
    case stopped
    /// There is no more to read.
    case finished
    /// It cannot work any more, and why.
    case broken(String)
}

/// Something that brings events; runs on a thread of its own until it ends.
package protocol EventSource: Sendable {
    func run(_ feed: SourceFeed) -> SourceEnd
}
