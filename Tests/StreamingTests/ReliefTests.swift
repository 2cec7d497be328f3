import PoiseModel
import StreamingCore
import Synchronization
import Testing

/// What the pipeline leaves out for the sake of the machine.
@Suite struct ReliefTests {
    private final class Clock: Sendable {
        let nanoseconds = Atomic(0)
    }

    private let clock = Clock()
    private let results = Results()
    private let pipeline: Pipeline
    private let stream: Stream

    init() {
        var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(10)))
        settings.anomalyThreshold = 0.9
        pipeline = Pipeline(
            settings: settings,
            surroundings: Pipeline.Surroundings(
                now: { [clock] in
                    Instant(nanoseconds: clock.nanoseconds.load(ordering: .relaxed))
                },
                submit: { $0() }, deliver: { [results] in results.take($0, $1) }))
        stream = pipeline.open(
            clock: pipeline.makeClock(), format: .json(JSONLayout(defaultKey: "s")))
    }

    /// An ordinary value a second, with a spike at the end.
    private func feed(_ seconds: Range<Int>, spike: Int = 10_000) {
        let last = seconds.upperBound - 1
        let lines = seconds.map { second in
            let value = second == last ? spike : 10 + second % 3
            return #"{"time":\#(second),"value":\#(value)}"# + "\n"
        }
        stream.feed(Array(lines.joined().utf8))
    }

    private var anomalies: Int { pipeline.counters.anomalies.load(ordering: .relaxed) }
    private var windows: Int { pipeline.counters.windows.load(ordering: .relaxed) }

    @Test func `below full no anomalies are looked for, and windows come as before`() {
        feed(0..<200)
        #expect(anomalies == 1)
        pipeline.setDetection(false)
        let before = windows
        feed(200..<400)
        #expect(anomalies == 1)
        #expect(windows - before >= 19)
        #expect(!pipeline.detects)
        pipeline.setDetection(true)
        // What has happened before is less strange.
        feed(400..<600, spike: 1_000_000_000)
        #expect(pipeline.detects && anomalies == 2)
    }

    @Test func `memory is given up for a while, and what was learnt is learnt anew`() {
        feed(0..<200)
        pipeline.shrink()
        #expect(!pipeline.detects)
        feed(200..<400)
        #expect(anomalies == 1)
        clock.nanoseconds.store(Pipeline.shrunkFor.wholeNanoseconds, ordering: .relaxed)
        pipeline.tick()
        #expect(pipeline.detects)
        // Too little is known for the first spike.
        feed(400..<420)
        #expect(anomalies == 1)
        feed(420..<620)
        #expect(anomalies == 2)
    }

    @Test func `a level below full outlasts the time of little memory`() {
        pipeline.setDetection(false)
        pipeline.shrink()
        clock.nanoseconds.store(Pipeline.shrunkFor.wholeNanoseconds, ordering: .relaxed)
        pipeline.tick()
        #expect(!pipeline.detects)
        pipeline.setDetection(true)
        #expect(pipeline.detects)
    }
}
