import PoisePlugin
import PoiseTestSupport
import Testing

@Suite struct LatencyHistogramTests {
    @Test(arguments: Array(UInt64(0)..<8))
    func quantilesAreWithinOnePercentOfTheSortedValues(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var histogram = LatencyHistogram()
        // Spread over all sizes: a random number of random bits.
        let values = (0..<5000).map { _ in
            Int.random(in: 0..<1 << Int.random(in: 1...42, using: &random), using: &random)
        }
        for value in values { histogram.record(nanoseconds: value) }
        let sorted = values.sorted()
        for share in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = sorted[max(1, Int((share * 5000).rounded(.up))) - 1]
            let found = Int(try #require(histogram.quantile(share)) / .nanoseconds(1))
            #expect(abs(found - exact) * 100 <= exact, "share \(share): \(found) for \(exact)")
        }
    }

    @Test func nothingRecordedIsNotZero() {
        let empty = LatencyHistogram()
        #expect(empty.p50 == nil && empty.p99 == nil && empty.longest == nil && empty.count == 0)
    }

    @Test func mergingIsAsRecordingAll() {
        var (left, right, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in 0..<1000 {
            let time = Duration.microseconds(value * value)
            if value % 3 == 0 { left.record(time) } else { right.record(time) }
            both.record(time)
        }
        left.merge(right)
        #expect(left == both)
    }

    @Test(arguments: [Duration.seconds(-5), .zero, .seconds(1 << 50), .nanoseconds(127)])
    func extremeValuesAreHeldWithinTheRange(time: Duration) throws {
        var histogram = LatencyHistogram()
        histogram.record(time)
        let seen = try #require(histogram.quantile(.nan))
        #expect(seen == min(max(time, .zero), .nanoseconds((1 << 42) - 1)))
        #expect(histogram.p50 == seen)
    }

    @Test func aRecorderForgetsWhatItGave() {
        let recorder = LatencyRecorder()
        recorder.record(.milliseconds(1))
        #expect(recorder.take().count == 1)
        #expect(recorder.take().count == 0)
    }
}
