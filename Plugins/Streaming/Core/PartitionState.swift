/// What a partition does with its input: windows and detectors of its keys, one reading after the
/// other.
///
/// A plain value; who runs it when is the pipeline's business.
struct PartitionState: Sendable {
    /// What the pipeline wants done with every event.
    struct Rules: Sendable {
        var shape: WindowShape
        var pane: Int
        var anomalyThreshold: Double?
        var keysPerPartition: Int
        var writesResults: Bool
        var publishesWindows: Bool
    }

    /// What came out of some input.
    struct Output: Sendable {
        var lines: [UInt8] = []
        /// Closed windows as `ResultMessage` has them, one behind the other.
        var messages: [UInt8] = []
        var anomalies: [Anomaly] = []
        var anomalyCount = 0
        var events = 0
        var late = 0
        var newKeys = 0
        var refusedKeys = 0
        var windows = 0
    }

    static let mostPanes = 1024
    /// Anomalies that are told one by one of one piece of input; the rest is only counted.
    static let mostAnomalies = 16

    private let rules: Rules
    private var table = SeriesTable()
    private var watermarks: [Int: EventTime] = [:]
    /// Before this watermark no window of the clock ends.
    private var firstEnds: [Int: EventTime] = [:]

    private var detection = Detection.on

    init(rules: Rules) { self.rules = rules }

    /// Anomalies are looked for, or not, from here on in the stream.
    mutating func set(_ new: Detection) {
        detection = new
        guard new == .dropped else { return }
        for index in table.series.indices { table.series[index].detector = nil }
    }

    /// How many windows are open.
    var openWindows: Int {
        table.series.reduce(0) { $0 + $1.windows.openWindows(rules.shape) }
    }

    mutating func process(_ slice: Slice, into output: inout Output) {
        let batch = slice.work.batch
        let clock = slice.work.clock
        let floor = max(slice.advance.before, watermarks[clock] ?? .beginning)
        for position in slice.range {
            let reading = batch.readings[position]
            var watermark = floor
            if slice.advance.alone {
                let own = reading.newestBefore.advanced(by: -slice.work.lateness)
                if own > watermark { watermark = own }
            }
            guard let index = index(of: reading, slice.work, &output) else { continue }
            take(reading, index, watermark: watermark, &output)
        }
        output.events += slice.range.count
        advance(clock, to: slice.advance.after, &output)
    }

    private mutating func index(
        of reading: Reading, _ work: Work, _ output: inout Output
    ) -> Int? {
        if let index = table.index(of: reading, in: work.batch) { return index }
        guard table.series.count < rules.keysPerPartition else {
            output.refusedKeys += 1
            return nil
        }
        output.newKeys += 1
        let name = work.batch.name(of: reading)
        let series = Series(
            name: name, text: String(decoding: name, as: UTF8.self), clock: work.clock)
        return table.insert(series, hash: reading.hash)
    }

    private mutating func take(
        _ reading: Reading, _ index: Int, watermark: EventTime, _ output: inout Output
    ) {
        let added = table.series[index].windows.add(
            reading.value, at: reading.time, watermark: watermark, shape: rules.shape,
            pane: rules.pane)
        switch added {
        case .late:
            // What has ended by now is given out first, so that which window tells of the late
            // value does not depend on how reads cut the stream.
            close(index, until: watermark, false, &output)
            table.series[index].windows.countLate()
            output.late += 1
            return
        case .opened: noteOpened(reading.time, index, &output)
        case .known: break
        }
        guard let threshold = rules.anomalyThreshold, detection == .on else { return }
        detect(reading, index, threshold, &output)
    }

    /// Keeps in mind when the first window of the clock ends, and bounds the panes of a key.
    private mutating func noteOpened(_ time: EventTime, _ index: Int, _ output: inout Output) {
        let clock = table.series[index].clock
        let end = rules.shape.firstStart(of: time).advanced(by: rules.shape.size)
        firstEnds[clock] = min(firstEnds[clock] ?? end, end)
        if table.series[index].windows.paneCount > Self.mostPanes {
            close(index, until: table.series[index].windows.firstEnd(rules.shape), true, &output)
        }
    }

    /// Scores a value; a run of anomalous values is told once, at its beginning.
    private mutating func detect(
        _ reading: Reading, _ index: Int, _ threshold: Double, _ output: inout Output
    ) {
        let score =
            table.series[index].detector?.score(value: reading.value, at: reading.time)
            ?? begin(index, reading)
        let anomalous = score >= threshold
        defer { table.series[index].isAnomalous = anomalous }
        guard anomalous, !table.series[index].isAnomalous else { return }
        output.anomalyCount += 1
        guard output.anomalies.count < Self.mostAnomalies else { return }
        let anomaly = Anomaly(
            key: table.series[index].text, time: reading.time, value: reading.value, score: score)
        output.anomalies.append(anomaly)
        if rules.writesResults { ResultLine.anomaly(anomaly, into: &output.lines) }
    }

    /// The first value of a key, or the first since what was learnt of it was given up.
    private mutating func begin(_ index: Int, _ reading: Reading) -> Double {
        var detector = AnomalyDetector()
        let score = detector.score(value: reading.value, at: reading.time)
        table.series[index].detector = detector
        return score
    }

    /// Takes a watermark of a clock and gives out the windows that have ended by it.
    mutating func advance(_ clock: Int, to watermark: EventTime, _ output: inout Output) {
        guard watermark > watermarks[clock] ?? .beginning else { return }
        watermarks[clock] = watermark
        guard let first = firstEnds[clock], first <= watermark else { return }
        var next: EventTime?
        for index in table.series.indices where table.series[index].clock == clock {
            close(index, until: watermark, false, &output)
            guard let end = table.series[index].windows.firstEnd(rules.shape) else { continue }
            next = min(next ?? end, end)
        }
        firstEnds[clock] = next
    }

    /// Gives out all open windows before their time.
    mutating func flush(_ output: inout Output) {
        for index in table.series.indices { close(index, until: .end, true, &output) }
        firstEnds = [:]
    }

    private mutating func close(
        _ index: Int, until watermark: EventTime?, _ partial: Bool, _ output: inout Output
    ) {
        guard let watermark else { return }
        let key = table.series[index].text
        let name = table.series[index].name
        let (writes, publishes) = (rules.writesResults, rules.publishesWindows)
        table.series[index].windows.close(
            until: watermark, shape: rules.shape, partial: partial
        ) { closed in
            output.windows += 1
            if writes { ResultLine.window(key, closed, into: &output.lines) }
            if publishes { ResultMessage.window(name, closed, into: &output.messages) }
        }
    }
}
