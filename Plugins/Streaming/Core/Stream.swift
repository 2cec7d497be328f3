import PoiseModel
import Synchronization

/// One file, connection or producer, read from front to back.
package final class Stream: Sendable {
    private struct Order {
        /// The number of the next chunk that may go to the partitions.
        var next = 0
        var parsed: [Int: (batch: ParsedBatch, arrival: Instant)] = [:]
        var fed = 0
        var closed = false
        var newest: EventTime?
        var oldest: EventTime?
        var lines = 0
    }

    private let pipeline: Pipeline
    private let identity: Int
    private let clock: Int
    private let format: LineFormat
    private let shift = Atomic(0)
    private let latest = Atomic(EventTime.end.microseconds)
    private let order = Mutex(Order())

    init(pipeline: Pipeline, identity: Int, clock: Int, format: LineFormat) {
        self.pipeline = pipeline
        self.identity = identity
        self.clock = clock
        self.format = format
    }

    /// Microseconds that are added to the event times of what is fed from now on.
    package func setShift(_ microseconds: Int) { shift.store(microseconds, ordering: .relaxed) }

    /// Refuses event times after this in what is fed from now on.
    package func setLatest(_ time: EventTime) {
        latest.store(time.microseconds, ordering: .relaxed)
    }

    /// Takes whole lines (the last may lack its newline) and returns at once.
    package func feed(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let arrival = pipeline.surroundings.now()
        let number = order.withLock { order in
            defer { order.fed += 1 }
            return order.fed
        }
        let counters = pipeline.counters
        counters.bytesUnderWay.add(bytes.count, ordering: .relaxed)
        counters.underWay.add(1, ordering: .relaxed)
        let shift = shift.load(ordering: .relaxed)
        let latest = EventTime(microseconds: latest.load(ordering: .relaxed))
        pipeline.surroundings.submit { [self] in
            var parser = LineParser(format: format, shift: shift, latest: latest)
            let batch = parser.parse(bytes, partitions: pipeline.settings.partitions)
            counters.add(batch)
            complete(number, batch, arrival)
            counters.underWay.subtract(1, ordering: .releasing)
        }
    }

    /// Says that nothing more will be fed; the stream then no longer holds its clock back.
    package func close() {
        let isDone = order.withLock { order in
            order.closed = true
            return order.next == order.fed
        }
        if isDone { pipeline.close(identity, clock: clock) }
    }

    /// What the stream has brought so far, once everything that was fed is parsed; nil before.
    package var span: (oldest: EventTime, newest: EventTime, lines: Int)? {
        order.withLock { order in
            guard order.next == order.fed, let oldest = order.oldest, let newest = order.newest
            else { return nil }
            return (oldest, newest, order.lines)
        }
    }

    /// Whether everything that was fed is parsed and handed to the partitions.
    package var isParsed: Bool { order.withLock { $0.next == $0.fed } }

    /// Routes this chunk and those that waited for it, in the order in which they came.
    private func complete(_ number: Int, _ batch: ParsedBatch, _ arrival: Instant) {
        order.withLock { order in
            order.parsed[number] = (batch, arrival)
            while let (batch, arrival) = order.parsed.removeValue(forKey: order.next) {
                order.next += 1
                order.lines += batch.lines
                guard let newest = batch.newest, let oldest = batch.oldest else {
                    pipeline.giveBack(bytes: batch.bytes.count)
                    continue
                }
                order.newest = max(order.newest ?? newest, newest)
                order.oldest = min(order.oldest ?? oldest, oldest)
                let advance = pipeline.hear(identity, clock: clock, newest: newest)
                pipeline.route(batch, clock: clock, arrival: arrival, advance: advance)
            }
            if order.closed, order.next == order.fed { pipeline.close(identity, clock: clock) }
        }
    }
}
