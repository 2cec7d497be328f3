import PoiseModel
import StreamingCore
import Testing

private func event(_ key: String, _ second: Double, _ value: Double) -> String {
    #"{"key":"\#(key)","time":\#(second),"value":\#(value)}"# + "\n"
}

/// Times are told as seconds since 1970, far from 0 so that all forms of epoch read alike.
private func windows(
    _ shape: WindowShape, lateness: Duration = .zero, _ seconds: [Double]
) throws -> [String] {
    var settings = Pipeline.Settings(shape: shape)
    settings.lateness = lateness
    let text = seconds.map { event("k", $0, $0) }.joined()
    return try run([text], settings: settings).lines.map(brief)
}

/// `start-end count late`, times in seconds.
private func brief(_ line: String) -> String {
    func field(_ name: String) -> String {
        let parts = line.split(separator: "\"\(name)\":", maxSplits: 1)
        return parts.count < 2 ? "?" : String(parts[1].prefix { $0 != "," && $0 != "}" })
    }
    let start = field("start").dropFirst(18).dropLast(2)
    let end = field("end").dropFirst(18).dropLast(2)
    return "\(start)-\(end) \(field("count")) \(field("late"))"
}

@Test(arguments: [
    // in order; on the edge; a gap; out of order within lateness; late
    (10, 10, 0, [0.0, 1, 2, 11], ["00-10 3 0", "10-20 1 0"]),
    (10, 10, 0, [0, 9.999, 10], ["00-10 2 0", "10-20 1 0"]),
    (10, 10, 0, [0, 35], ["00-10 1 0", "30-40 1 0"]),
    (10, 10, 5, [1, 12, 3, 14], ["00-10 2 0", "10-20 2 0"]),
    (10, 10, 0, [1, 12, 3, 14], ["00-10 1 1", "10-20 2 0"]),
    (10, 5, 0, [6, 16], ["00-10 1 0", "05-15 1 0", "10-20 1 0", "15-25 1 0"]),
    (
        10, 5, 0, [5, 15, 9, 30],
        ["00-10 1 0", "05-15 1 0", "10-20 1 0", "15-25 1 1", "25-35 1 0", "30-40 1 0"]
    ),
    (10, 4, 0, [8], ["00-10 1 0", "04-14 1 0", "08-18 1 0"]),
])
func windowsHoldWhatFallsIntoThem(
    size: Int, slide: Int, lateness: Int, seconds: [Double], wanted: [String]
) throws {
    let shape = WindowShape(size: .seconds(size), slide: .seconds(slide))
    let got = try windows(shape, lateness: .seconds(lateness), seconds)
    #expect(got.map { String($0.dropLast(2)) } == wanted.map { String($0.dropLast(2)) }.sorted())
    let late = got.compactMap { Int($0.suffix(1)) }.reduce(0, +)
    #expect(late == wanted.compactMap { Int($0.suffix(1)) }.reduce(0, +))
}

@Test(arguments: [(-1, -10, -5), (0, -5, 0), (4, -5, 0), (5, 0, 5), (14, 5, 10), (-6, -15, -10)])
func momentLiesInItsFirstAndLastWindow(second: Int, first: Int, last: Int) {
    let shape = WindowShape(size: .seconds(10), slide: .seconds(5))
    let time = EventTime(microseconds: second * 1_000_000)
    #expect(shape.firstStart(of: time).microseconds == first * 1_000_000)
    #expect(shape.lastStart(of: time).microseconds == last * 1_000_000)
}

@Test func aggregatesAreThoseOfTheTextbook() throws {
    let values: [Double] = [2, 4, 4, 4, 5, 5, 7, 9]
    let text = values.enumerated().map { event("k", Double($0.offset), $0.element) }.joined()
    var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(60)))
    settings.anomalyThreshold = nil
    let lines = try run([text], settings: settings).lines
    #expect(
        lines == [
            #"{"key":"k","start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:01:00Z","count":8,"#
                + #""sum":40.0,"min":2.0,"max":9.0,"mean":5.0,"variance":4.0,"p50":"#
                + #"5.03125,"p99":9.0,"last":9.0,"late":0}"#
        ])
}

@Test func slidingPanesAddUpToTheWholeWindow() throws {
    let values = (0..<600).map { Double(($0 * 7919) % 613) - 300 }
    let text = values.enumerated().map { event("k", Double($0.offset) / 10, $0.element) }.joined()
    let slid = WindowShape(size: .seconds(60), slide: .seconds(1))
    let tumbling = WindowShape(size: .seconds(60))
    let all = try run([text], settings: Pipeline.Settings(shape: tumbling)).lines
    let whole = try run([text], settings: Pipeline.Settings(shape: slid)).lines
    let same = whole.filter { $0.contains(#""start":"1970-01-01T00:00:00Z""#) }
    func quantiles(_ line: String?) -> Substring? {
        line.flatMap { line in line.split(separator: "\"variance\":").last }?
            .drop { $0 != "p" }
    }
    #expect(same.count == 1)
    #expect(quantiles(same.first) == quantiles(all.first))
}

@Test(arguments: [0.0, 0.01, 0.5, 0.9, 0.99, 1])
func sketchedQuantilesAreWithinOnePercent(part: Double) throws {
    for spread in [1.0, 8.0] {
        var random = SmallGenerator(seed: 7)
        var values: [Double] = []
        for _ in 0..<5000 {
            let unit = Double(random.next() >> 11) / Double(1 << 53)
            values.append((unit - 0.3) * (spread > 1 ? unit * unit * unit * 1e6 : 1))
        }
        let sorted = values.sorted()
        let exact = sorted[Int((part * 4999).rounded())]
        let bound = spread > 1 ? 0.1 : 0.02
        var sketch = QuantileSketch()
        for value in values { sketch.add(value) }
        let got = try #require(sketch.value(at: part))
        #expect(abs(got - exact) <= abs(exact) * bound + 1e-4)
    }
}

@Test func watermarkIsTheLeastOfTheStreamsThatSpeak() {
    func at(_ second: Int) -> Instant { Instant(nanoseconds: second * 1_000_000_000) }
    func time(_ second: Int) -> EventTime { EventTime(microseconds: second * 1_000_000) }
    var clock = WatermarkClock(lateness: .seconds(1), idle: .seconds(5))
    #expect(clock.hear(1, newest: time(10), at: at(0)).after == time(9))
    // A second stream that is behind does not turn it back, and holds it from now on.
    let second = clock.hear(2, newest: time(5), at: at(1))
    #expect(second.before == time(9) && second.after == time(9) && !second.alone)
    #expect(clock.hear(1, newest: time(100), at: at(2)).after == time(9))
    #expect(clock.hear(2, newest: time(50), at: at(3)).after == time(49))
    // The second falls silent: from five seconds on it no longer counts.
    #expect(clock.hear(1, newest: time(110), at: at(7)).after == time(49))
    let alone = clock.hear(1, newest: time(120), at: at(8))
    #expect(alone.before == time(49) && alone.after == time(119) && alone.alone)
    // All are silent: the furthest counts. One ends: the other decides.
    #expect(clock.tick(at: at(60)) == time(119))
    #expect(clock.close(1, at: at(61)) == time(119))
    #expect(clock.hear(2, newest: time(200), at: at(62)).after == time(199))
    // It runs out with the last stream that may still bring something.
    clock.open(3)
    #expect(clock.end() == time(199))
    #expect(clock.close(3, at: at(63)) == .end)
}
