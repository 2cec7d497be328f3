import DigestCore
import PoiseModel
import PoiseWire
import StreamingCore
import Synchronization
import Testing

@Suite struct DigestTests {
    @Test func `What streaming publishes is what a digest reads`() {
        let windows = Mutex<[StreamingMessage]>([])
        var settings = Pipeline.Settings(shape: WindowShape(size: .seconds(10)))
        settings.publishesWindows = true
        let pipeline = Pipeline(
            settings: settings,
            surroundings: Pipeline.Surroundings(
                now: { Instant(nanoseconds: 0) }, submit: { $0() }, deliver: { _, _ in },
                publish: { bytes in
                    ResultMessage.cutWindows(bytes) { message in
                        let read = StreamingMessage.window(Array(message).span.bytes)
                        windows.withLock { if let read { $0.append(read) } }
                    }
                }))
        let stream = pipeline.open(
            clock: pipeline.makeClock(), format: .json(JSONLayout(defaultKey: "s")))
        let lines = [("a", 1, 0), ("b", 7, 1), ("a", 3, 2), ("ü", 2, 3), ("a", 9, 25)].map {
            #"{"key":"\#($0)","value":\#($1),"time":\#($2)}"# + "\n"
        }
        stream.feed(Array(lines.joined().utf8))
        pipeline.flush()
        let got = windows.withLock { $0 }.compactMap { message -> StreamingMessage.Window? in
            if case .window(let window) = message { window } else { nil }
        }
        #expect(got.map(\.key).sorted() == ["a", "a", "b", "ü"])
        let first = got.first { $0.key == "a" && !$0.isPartial }
        #expect(first?.events == 2)
        #expect(first?.mean == 2)
        #expect(first.map { $0.end - $0.start } == 10_000_000)
        #expect(got.contains { $0.key == "a" && $0.isPartial && $0.events == 1 })
    }

    @Test func `An anomaly goes there and back`() {
        let anomaly = StreamingCore.Anomaly(
            key: "cpu0.busy", time: EventTime(microseconds: -5), value: 2.5, score: 0.9999)
        let read = StreamingMessage.anomaly(ResultMessage.anomaly(anomaly).span.bytes)
        #expect(
            read
                == .anomaly(
                    StreamingMessage.Anomaly(
                        key: "cpu0.busy", time: -5, value: 2.5, score: 0.9999)))
    }

    @Test func `What is no message is counted and harms nobody`() {
        let anomaly = ResultMessage.anomaly(
            StreamingCore.Anomaly(
                key: "k", time: EventTime(microseconds: 1), value: 1, score: 1))
        var longer = anomaly + [0]
        for bytes in [[], [1], Array(anomaly.dropLast()), longer] {
            #expect(StreamingMessage.anomaly(bytes.span.bytes) == nil)
        }
        longer = anomaly
        longer[0] = 2
        #expect(StreamingMessage.anomaly(longer.span.bytes) == nil)
        longer = anomaly
        longer[7] = 0xFF
        #expect(StreamingMessage.anomaly(longer.span.bytes) == nil)
        #expect(StreamingMessage.window(anomaly.span.bytes) == nil)
        var counts = DigestCounts()
        counts.add(nil)
        #expect(counts.unreadable == 1)
        #expect(counts.messages == 1)
    }

    @Test func `Series beyond the places are counted together, and the state fits a link`() {
        var counts = DigestCounts()
        for number in 0..<50 {
            counts.add(
                .window(
                    StreamingMessage.Window(
                        key: "k\(number)", start: 0, end: 1, events: 2, mean: 0, p99: 0,
                        isPartial: false)))
        }
        #expect(counts.known.count == DigestCounts.places)
        #expect(counts.others == UInt64(50 - DigestCounts.places))
        #expect(counts.windows == 50)
        #expect(counts.events == 100)
        #expect(MemoryLayout<DigestCounts>.size <= 960)
    }

    @Test func `Copies of a series count as one`() {
        var counts = DigestCounts()
        for key in ["cpu~1", "cpu~22", "cpu", "cpu~x", "~3"] {
            counts.add(
                .anomaly(StreamingMessage.Anomaly(key: key, time: 0, value: 0, score: 1)))
        }
        #expect(counts.known.map(\.anomalies).sorted() == [1, 1, 3])
    }

    @Test func `A digest is written when something came, and else left as it is`() {
        var digest = Digest(burst: Digest.Burst(count: 3, within: .seconds(10)))
        #expect(digest.unwritten([]) == .none)
        let now = Instant(nanoseconds: 0)
        _ = digest.take(nil, from: "a", at: now)
        let text = digest.unwritten([(from: "a", counts: DigestCounts())])
        #expect(text?["version"] == 1)
        #expect(digest.unwritten([]) == .none)
    }

    @Test func `A burst is told once, at its beginning, and again after quiet`() {
        var digest = Digest(burst: Digest.Burst(count: 3, within: .seconds(10)))
        let anomaly = StreamingMessage.anomaly(
            StreamingMessage.Anomaly(key: "k", time: 0, value: 1, score: 1))
        var told: [Int] = []
        for second in [0, 1, 2, 3, 4, 60, 61, 62, 63] {
            let now = Instant(nanoseconds: second * 1_000_000_000)
            if digest.take(anomaly, from: "a", at: now) { told.append(second) }
        }
        #expect(told == [2, 62])
        #expect(digest.receivedAnomalies == 9)
    }

    @Test(arguments: [
        ("[]", "no object"), (#"{"files": 1}"#, "unknown key"),
        (#"{"file": "../x"}"#, "no file name"), (#"{"burst": {"count": 0}}"#, "1 to 1000"),
        (#"{"burst": {"seconds": -1}}"#, "above 0"), (#"{"burst": {"x": 1}}"#, "unknown key"),
    ])
    func `A wrong configuration says what is wrong`(_ text: String, _ wanted: String) throws {
        let json = try JSON.parse(Array(text.utf8))
        let mistake = #expect(throws: DigestConfiguration.Mistake.self) {
            try DigestConfiguration(json)
        }
        #expect(mistake?.description.contains(wanted) == true)
    }
}
