import PoiseModel
import StreamingCore
import Synchronization
import Testing

/// Many keys over two hours, somewhat out of order, with late events, broken lines and spikes.
private func mixedText(seed: UInt64, events: Int) -> String {
    var random = SmallGenerator(seed: seed)
    var text = ""
    for index in 0..<events {
        let key = "k\(random.next() % 97)"
        let late = random.next() % 50 == 0 ? 30.0 : Double(random.next() % 1000) / 1000
        let spike = random.next() % 400 == 0 ? 1000.0 : 0
        let value = Double(random.next() % 1000) / 7 + spike
        text +=
            #"{"key":"\#(key)","time":\#(Double(index) * 0.02 - late + 1000),"value":\#(value)}"#
        text += random.next() % 100 == 0 ? "\nbroken\n" : "\n"
    }
    return text
}

@Test(arguments: [(1, 4096), (2, 999), (4, 700), (4, 100_000)])
func resultsAreTheSameForAnyNumberOfWorkersAndAnyCut(workers: Int, cut: Int) throws {
    var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(10), slide: .seconds(2)))
    settings.anomalyThreshold = 0.99
    let text = mixedText(seed: 5, events: 20_000)
    let plain = try run([text], settings: settings, workers: 1)
    let other = try run([text], settings: settings, workers: workers, cut: cut)
    let count = plain.lines.count
    #expect(count > 5000)
    #expect(plain.anomalies > 0)
    // Only the first difference is of interest, not thousands of lines.
    let different = zip(plain.lines, other.lines).first { $0 != $1 }
    #expect(different == nil)
    #expect(count == other.lines.count)
    #expect(plain.counters.late.load(ordering: .relaxed) > 100)
    #expect(
        plain.counters.late.load(ordering: .relaxed) == other.counters.late.load(ordering: .relaxed)
    )
    #expect(plain.counters.malformed.load(ordering: .relaxed) > 100)
    #expect(other.counters.events.load(ordering: .relaxed) == 20_000)
}

@Test func keysBeyondTheBoundAreCountedAndNotKept() throws {
    var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(10)))
    settings.mostKeys = 64
    let text = (0..<1000).map { #"{"key":"k\#($0)","time":1,"value":1}"# + "\n" }.joined()
    let result = try run([text], settings: settings)
    let kept = result.counters.keys.load(ordering: .relaxed)
    #expect(kept <= 64 && kept > 32)
    #expect(result.counters.refusedKeys.load(ordering: .relaxed) == 1000 - kept)
    #expect(result.lines.count == kept)
}

@Test func windowsThatAreOpenAtTheEndAreMarkedPartial() throws {
    let results = Results()
    let pipeline = Pipeline(
        settings: Pipeline.Settings(shape: WindowShape(size: .seconds(10))),
        surroundings: Pipeline.Surroundings(
            now: { Instant(nanoseconds: 0) }, submit: { $0() },
            deliver: { results.take($0, $1) }))
    let stream = pipeline.open(
        clock: pipeline.makeClock(), format: .json(JSONLayout(defaultKey: "s")))
    stream.feed(Array("{\"time\":1,\"value\":1}\n{\"time\":12,\"value\":1}\n".utf8))
    pipeline.flush()
    let partial = results.lines.map { $0.hasSuffix(#""partial":true}"#) }
    #expect(partial == [false, true])
}

@Test func fullPipelineHasNoRoomUntilItIsWorkedOff() {
    let waiting = Results()
    var jobs: [@Sendable () -> Void] = []
    let queue = JobList()
    var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(10)))
    settings.mostBytes = 10
    let pipeline = Pipeline(
        settings: settings,
        surroundings: Pipeline.Surroundings(
            now: { Instant(nanoseconds: 0) }, submit: { queue.add($0) },
            deliver: { _, _ in }, onRoom: { waiting.take(Array("room\n".utf8), []) }))
    let stream = pipeline.open(
        clock: pipeline.makeClock(), format: .json(JSONLayout(defaultKey: "s")))
    stream.feed(Array(#"{"time":1,"value":1}"#.utf8))
    #expect(!pipeline.hasRoom)
    #expect(pipeline.queueDepth > 0)
    jobs = queue.take()
    while !jobs.isEmpty {
        for job in jobs { job() }
        jobs = queue.take()
    }
    #expect(pipeline.hasRoom && pipeline.isIdle)
    #expect(waiting.lines == ["room"])
}

@Test(arguments: [(100.0, 0.05, 5), (100, 1, 100), (0.5, 4, 2), (1000, 0, 0)])
func tokensComeAtTheirRate(rate: Double, seconds: Double, wanted: Int) {
    let start = Instant(nanoseconds: 0)
    var bucket = Pacer(rate: rate, burst: 2, at: start)
    let first = bucket.take(upTo: 10, at: start)
    #expect(first == 2)
    var taken = 0
    let steps = 1000
    for step in 1...steps {
        let now = Instant(nanoseconds: Int(seconds * 1e9) * step / steps)
        taken += bucket.take(upTo: 10, at: now)
    }
    #expect(abs(taken - wanted) <= 1)
}

@Test(arguments: [(0, 100.0), (2500, 550), (5000, 1000), (7500, 550), (10_000, 100)])
func waveSwingsFromLowToHigh(milliseconds: Int, rate: Double) {
    let wave = LoadShape.wave(low: 100, high: 1000, period: .seconds(10))
    #expect(abs(wave.rate(after: .milliseconds(milliseconds)) - rate) < 1e-6)
}

@Test func needIsAskedAfterPressureThatLastsAndTakenBackAfterQuiet() {
    var signal = NeedSignal(most: 3)
    var told: [String] = []
    func look(_ milliseconds: Int, _ utilisation: Double, workers: Int, queued: Int = 0) {
        let now = Instant(nanoseconds: milliseconds * 1_000_000)
        switch signal.look(utilisation: utilisation, queued: queued, workers: workers, at: now) {
        case .ask(let workers): told.append("\(milliseconds):\(workers)")
        case .takeBack: told.append("\(milliseconds):back")
        case nil: break
        }
    }
    // A short peak is no need; a lasting one is, once.
    look(0, 0.99, workers: 1)
    look(100, 0.6, workers: 1)
    look(200, 0.99, workers: 1)
    look(300, 0.99, workers: 1)
    look(400, 0.99, workers: 1)
    look(900, 0.99, workers: 1)
    #expect(told == ["400:2"])
    // One more came and it was not enough; three are all that help; then it is only renewed.
    look(1000, 0.99, workers: 2)
    look(1200, 0.99, workers: 3)
    look(3600, 0.7, workers: 3)
    #expect(told == ["400:2", "1000:3", "3600:3"])
    // Neither busy nor idle keeps it; quiet takes it back after two seconds without a break.
    look(4000, 0.4, workers: 3)
    look(5500, 0.6, workers: 3)
    look(5600, 0.4, workers: 3)
    look(7500, 0.4, workers: 3)
    #expect(told.last == "6100:3" || told.last == "7500:3" || told.count == 4)
    look(7700, 0.4, workers: 3)
    #expect(told.last == "7700:back")
    // A queue that grows under work is pressure too.
    for step in 0...3 { look(8000 + step * 100, 0.7, workers: 1, queued: step * 10 + 1) }
    #expect(told.last == "8200:2")
}
