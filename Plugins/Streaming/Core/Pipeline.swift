// From bytes to results.
//
// A source opens streams and feeds chunks of whole lines. Chunks are parsed by any worker, side by
// side; their readings are handed to the partitions in the order in which the chunks came, each
// chunk with the watermark that it meets. A partition works its input off in order, by one worker
// at a time. So what comes out depends on what each stream said, never on the number of workers.
//
// Everything that waits is bounded: a source asks `hasRoom` and holds back until bytes that are on
// their way have been worked off; `onRoom` tells when.

package import PoiseModel
import Synchronization

/// The plugin's work without threads or files of its own: `submit` runs jobs, `deliver` takes
/// results.
///
/// All calls from any thread; those of one stream one after the other.
package final class Pipeline: Sendable {
    package typealias Job = @Sendable () -> Void

    /// More workers than there are partitions would find nothing to do.
    package static let mostWorkers = 64

    /// What the pipeline does with events.
    package struct Settings: Sendable {
        package var shape: WindowShape
        package var lateness: Duration = .seconds(1)
        package var idle: Duration = .seconds(5)
        /// nil looks for no anomalies.
        package var anomalyThreshold: Double?
        package var partitions = Pipeline.mostWorkers
        package var mostKeys = 65_536
        package var mostBytes = 4 << 20
        /// Whether result lines are made at all.
        package var writesResults = true
        /// Whether closed windows are given out as messages.
        package var publishesWindows = false

        package init(shape: WindowShape) { self.shape = shape }
    }

    /// What goes in and out of the pipeline.
    package struct Surroundings: Sendable {
        package var now: @Sendable () -> Instant
        package var submit: @Sendable (@escaping Job) -> Void
        /// Gets result lines (whole ones) and the anomalies among them.
        package var deliver: @Sendable ([UInt8], [Anomaly]) -> Void
        /// Gets closed windows as `ResultMessage` has them, one behind the other.
        package var publish: @Sendable ([UInt8]) -> Void
        /// Called when there is room again after there was none.
        package var onRoom: @Sendable () -> Void

        package init(
            now: @escaping @Sendable () -> Instant,
            submit: @escaping @Sendable (@escaping Job) -> Void,
            deliver: @escaping @Sendable ([UInt8], [Anomaly]) -> Void,
            publish: @escaping @Sendable ([UInt8]) -> Void = { _ in },
            onRoom: @escaping @Sendable () -> Void = {}
        ) {
            self.now = now
            self.submit = submit
            self.deliver = deliver
            self.publish = publish
            self.onRoom = onRoom
        }
    }

    let settings: Settings
    let surroundings: Surroundings
    package let counters = Counters()
    private let partitions: [Partition]
    private let clocks = Mutex<[WatermarkClock]>([])
    private let latency = Mutex(LatencyWindow())
    private let nextStream = Atomic(0)
    private let mostBytes: Atomic<Int>
    private let relief = Mutex(Relief())

    /// What is left out for the sake of the machine.
    private struct Relief {
        /// The service level lets anomalies be looked for.
        var detects = true
        /// Memory was asked for; until then it is not taken again.
        var shrunkUntil: Instant?
    }

    /// For so long after a call of `shrink` it does with less memory.
    package static let shrunkFor = Duration.seconds(60)

    package init(settings: Settings, surroundings: Surroundings) {
        self.settings = settings
        mostBytes = Atomic(settings.mostBytes)
        self.surroundings = surroundings
        let rules = PartitionState.Rules(
            shape: settings.shape, pane: settings.shape.pane,
            anomalyThreshold: settings.anomalyThreshold,
            keysPerPartition: max(1, settings.mostKeys / settings.partitions),
            writesResults: settings.writesResults,
            publishesWindows: settings.publishesWindows)
        partitions = (0..<settings.partitions).map { _ in Partition(rules: rules) }
    }

    /// Makes a clock of event time; streams that are read side by side share one.
    package func makeClock() -> Int {
        clocks.withLock { clocks in
            clocks.append(WatermarkClock(lateness: settings.lateness, idle: settings.idle))
            return clocks.count - 1
        }
    }

    /// Opens a stream on a clock.
    package func open(clock: Int, format: LineFormat) -> Stream {
        let identity = nextStream.wrappingAdd(1, ordering: .relaxed).newValue
        clocks.withLock { $0[clock].open(identity) }
        return Stream(pipeline: self, identity: identity, clock: clock, format: format)
    }

    /// Whether a source may feed on.
    package var hasRoom: Bool {
        counters.bytesUnderWay.load(ordering: .acquiring) < mostBytes.load(ordering: .relaxed)
    }

    /// Bytes and chunks that were fed and are not worked off.
    package var isIdle: Bool { counters.underWay.load(ordering: .acquiring) == 0 }

    /// Windows that hold values and are not given out.
    package var openWindows: Int { partitions.reduce(0) { $0 + $1.openWindows } }

    /// The latency of the last seconds; nil when nothing was processed.
    package func latency(quantile: Double) -> Duration? {
        let now = surroundings.now()
        return latency.withLock { $0.quantile(quantile, at: now) }
    }

    /// Events that are known or guessed (from the bytes that are not parsed) to wait.
    package var queueDepth: Int {
        let lines = counters.lines.load(ordering: .relaxed)
        let bytes = counters.bytesParsed.load(ordering: .relaxed)
        let waiting = counters.bytesUnderWay.load(ordering: .relaxed)
        guard lines > 0, bytes > 0 else { return (waiting + 63) / 64 }
        return Int((Double(waiting) * Double(lines) / Double(bytes)).rounded(.up))
    }

    /// Finds idle streams; called now and then.
    package func tick() {
        let now = surroundings.now()
        recover(now)
        let moved = clocks.withLock { clocks in
            clocks.indices.compactMap { index -> (Int, EventTime)? in
                let before = clocks[index].watermark
                let after = clocks[index].tick(at: now)
                return after > before ? (index, after) : nil
            }
        }
        for (clock, watermark) in moved { spread(clock, watermark) }
    }

    /// Says that a clock gets no more streams: when those that are open have been worked off, all
    /// of its windows are given out whole.
    package func end(clock: Int) {
        let watermark = clocks.withLock { $0[clock].end() }
        spread(clock, watermark)
    }

    /// Gives out every open window as partial, after what is under way.
    package func flush() {
        for partition in partitions { push(.flush, to: partition) }
    }

    /// Whether anomalies are looked for now, where the settings ask for it.
    package var detects: Bool { relief.withLock { $0.detects && $0.shrunkUntil == nil } }

    /// Looks for anomalies from here on, or leaves them: the costliest part of an event.
    package func setDetection(_ isOn: Bool) {
        let detection: Detection? = relief.withLock { relief in
            defer { relief.detects = isOn }
            guard relief.detects != isOn, relief.shrunkUntil == nil else { return nil }
            return isOn ? .on : .paused
        }
        if let detection { set(detection) }
    }

    /// Gives up what can be rebuilt: what was learnt of each key for anomalies, and half of the
    /// bytes that may be under way. Comes back after `shrunkFor`.
    package func shrink() {
        let until = surroundings.now() + Self.shrunkFor
        relief.withLock { $0.shrunkUntil = until }
        let most = mostBytes.load(ordering: .relaxed)
        mostBytes.store(max(most / 2, min(most, 256 << 10)), ordering: .relaxed)
        set(.dropped)
    }

    private func recover(_ now: Instant) {
        let detects: Bool? = relief.withLock { relief in
            guard let until = relief.shrunkUntil, until <= now else { return nil }
            relief.shrunkUntil = nil
            return relief.detects
        }
        guard let detects else { return }
        mostBytes.store(settings.mostBytes, ordering: .relaxed)
        set(detects ? .on : .paused)
        surroundings.onRoom()
    }

    private func set(_ detection: Detection) {
        for partition in partitions { push(.detection(detection), to: partition) }
    }

    func hear(_ stream: Int, clock: Int, newest: EventTime) -> WatermarkClock.Advance {
        let now = surroundings.now()
        return clocks.withLock { $0[clock].hear(stream, newest: newest, at: now) }
    }

    func close(_ stream: Int, clock: Int) {
        let now = surroundings.now()
        let watermark = clocks.withLock { $0[clock].close(stream, at: now) }
        spread(clock, watermark)
    }

    /// Hands the readings of a chunk to the partitions, and the watermark to all where a window
    /// may have ended by it.
    func route(_ batch: ParsedBatch, clock: Int, arrival: Instant, advance: WatermarkClock.Advance)
    {
        let slices = partitions.indices.filter { batch.offsets[$0] < batch.offsets[$0 + 1] }
        let work = Work(
            batch: batch, clock: clock, lateness: settings.lateness.wholeNanoseconds / 1000,
            arrival: arrival, slices: slices.count)
        for index in slices {
            let range = batch.offsets[index]..<batch.offsets[index + 1]
            push(
                .slice(Slice(work: work, range: range, advance: advance)), to: partitions[index])
        }
        let shape = settings.shape
        if shape.lastStart(of: advance.before) != shape.lastStart(of: advance.after) {
            spread(clock, advance.after)
        }
    }

    private func spread(_ clock: Int, _ watermark: EventTime) {
        for partition in partitions { push(.watermark(clock: clock, watermark), to: partition) }
    }

    private func push(_ item: PartitionInput, to partition: Partition) {
        counters.underWay.add(1, ordering: .relaxed)
        if partition.push(item) { call(partition) }
    }

    private func call(_ partition: Partition) {
        surroundings.submit { [self] in
            var items = 0
            let again = partition.run(
                { output, count in
                    items = count
                    take(output)
                }, done: finish)
            counters.underWay.subtract(items, ordering: .releasing)
            if again { call(partition) }
        }
    }

    private func take(_ output: PartitionState.Output) {
        counters.add(output)
        if !output.messages.isEmpty { surroundings.publish(output.messages) }
        if !output.lines.isEmpty || !output.anomalies.isEmpty {
            surroundings.deliver(output.lines, output.anomalies)
        }
    }

    private func finish(_ work: Work) {
        let now = surroundings.now()
        let events = work.batch.readings.count
        latency.withLock { $0.add(now - work.arrival, events: events, at: now) }
        giveBack(bytes: work.batch.bytes.count)
    }

    func giveBack(bytes: Int) {
        let left = counters.bytesUnderWay.subtract(bytes, ordering: .acquiringAndReleasing).newValue
        let most = mostBytes.load(ordering: .relaxed)
        if left < most, left + bytes >= most { surroundings.onRoom() }
    }
}
