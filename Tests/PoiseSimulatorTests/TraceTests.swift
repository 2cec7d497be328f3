import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseSimulator

func id(_ name: String) -> FeatureID {
    guard let id = FeatureID(name) else { preconditionFailure(name) }
    return id
}

@Suite struct TraceTests {
    private static let known = [id("streaming"), id("twin")]

    private func read(_ text: String) -> TraceReading {
        LoadTrace.read(Array(text.utf8), name: "t", features: TraceTests.known)
    }

    private func trace(_ text: String) throws -> LoadTrace {
        let reading = read(text)
        guard case .trace(let trace) = reading else {
            Issue.record("\(reading)")
            throw TraceMistake(line: 0, text: "no trace")
        }
        return trace
    }

    @Test("the wide form has a column a feature, classes and needs, comments and gaps")
    func wide() throws {
        let trace = try trace(
            """
            # recorded on a Monday\r
            seconds, streaming ,twin:efficiency,twin:need\r

            0,1.5,2,0   # from here on
            10,,3,
            14,0,,1
            """)
        #expect(
            trace.columns == [
                .init(id("streaming"), .work(nil)), .init(id("twin"), .work(.efficiency)),
                .init(id("twin"), .need(.performance)),
            ])
        #expect(trace.rows.map(\.values) == [[1.5, 2, 0], [1.5, 3, 0], [0, 3, 1]])
        #expect(trace.length == .seconds(18))
    }

    @Test("single requests have a moment, a feature and a cost")
    func requests() throws {
        let trace = try trace("seconds,feature,cost\n0.25,twin,0.04\n0.25,streaming,2\n")
        #expect(trace.requests.map(\.cost) == [0.04, 2])
        #expect(trace.features == [id("streaming"), id("twin")])
    }

    @Test(
        "a mistake is told with its line and what to do about it",
        arguments: [
            ("", 1, "no line names columns"), ("seconds,twin\n", 2, "no row follows"),
            ("time,twin\n0,1\n", 1, "must be 'seconds'"), ("seconds\n0\n", 1, "names a feature"),
            ("seconds,twim\n0,1\n", 1, "no feature 'twim'; did you mean 'twin'?"),
            ("seconds,twin,twin\n0,1,1\n", 1, "two columns 'twin'"),
            ("seconds,twin:neeed\n0,1\n", 1, "unknown ':neeed'; did you mean 'need'?"),
            ("seconds,twin\n5,1\n4,1\n", 3, "time goes back"),
            ("seconds,twin\n5,1\n5,2\n", 3, "line 2 is of the same time"),
            ("seconds,twin\n0,-1\n", 2, "cannot be below 0"),
            ("seconds,twin\n0,nan\n", 2, "no finite number"),
            ("seconds,twin\n0,1e999\n", 2, "no finite number"),
            ("seconds,twin\n0,0x10\n", 2, "which is no number"),
            ("seconds,twin\n0,much\n", 2, "which is no number"),
            ("seconds,twin\n0,70000\n", 2, "at most 65536"),
            ("seconds,twin\n0\n", 2, "1 cells stand where 2"),
            ("seconds,twin\n,1\n", 2, "the time is ''"),
            ("seconds,feature,cost\n0,nobody,1\n", 2, "no feature 'nobody'"),
        ])
    func mistakes(text: String, line: Int, finding: String) {
        guard case .mistakes(let found) = read(text) else {
            Issue.record("it was taken: \(text)")
            return
        }
        #expect(found.first?.line == line)
        #expect(found.first?.text.contains(finding) == true, "\(found)")
    }

    @Test("all mistakes are told, up to a limit")
    func manyMistakes() {
        let rows = (0..<50).map { "\($0),-1\n" }.joined()
        guard case .mistakes(let found) = read("seconds,twin\n" + rows) else {
            Issue.record("it was taken")
            return
        }
        #expect(found.count == TraceLimit.mistakes)
        #expect(found.map(\.line) == Array(2..<22))
    }

    @Test("many mistakes of one line are told up to the limit too")
    func manyMistakesOfALine() {
        let head = "seconds" + String(repeating: ",nobody", count: 200_000) + "\n0,1\n"
        let names = (0..<30).map { id("f\($0)") }
        let row =
            "seconds," + names.map(\.name).joined(separator: ",") + "\n0"
            + String(repeating: ",-1", count: 30) + "\n"
        for (text, line) in [(head, 1), (row, 2)] {
            let reading = LoadTrace.read(Array(text.utf8), name: "t", features: names)
            guard case .mistakes(let found) = reading else {
                Issue.record("it was taken")
                continue
            }
            #expect(found.count == TraceLimit.mistakes)
            #expect(found.allSatisfy { $0.line == line })
        }
    }

    @Test("a trace of less than a nanosecond is simulated", arguments: ["1e-10", "1e-9", "1e-300"])
    func shortest(moment: String) throws {
        let trace = try trace("seconds,twin\n0,1\n\(moment),1\n")
        let policy = Policy(name: "p", features: [feature("twin", performance: cores(1, 2, 4))])
        var simulation = Simulation(
            machine: machine([CoreGroup(4)]), policy: policy, trace: trace)
        let result = simulation.run()
        #expect(!result.chart.bins.isEmpty)
        #expect(result.features.count == 1)
    }

    @Test("values hold until the next row, or go there in a straight line")
    func cursor() throws {
        var trace = try trace("seconds,twin\n1,2\n3,6\n")
        var values = [0.0]
        var cursor = TraceCursor(trace)
        let stepped = [0.0, 1, 2, 3, 9].map { moment in
            _ = cursor.values(at: .seconds(moment), into: &values)
            return values[0]
        }
        #expect(stepped == [0, 2, 2, 6, 6])
        trace.isLinear = true
        cursor = TraceCursor(trace)
        let straight = [1.0, 2, 2.5, 3, 9].map { moment in
            _ = cursor.values(at: .seconds(moment), into: &values)
            return values[0]
        }
        #expect(straight == [2, 4, 5, 6, 6])
    }

    @Test("a shape is the same for the same seed", arguments: LoadShape.allCases)
    func shapes(shape: LoadShape) {
        let policy = Policy(
            name: "p", features: [feature("a", performance: cores(1, 2, 4)), feature("b")])
        let make = { (seed: UInt64) in
            shape.trace(for: policy, length: .seconds(30), seed: seed)
        }
        #expect(make(1) == make(1))
        #expect((make(1) != make(2)) == (shape == .bursts || shape == .noise))
        let values = make(1).rows.compactMap { $0.values[0] }
        #expect((values.max() ?? 0) > (values.min() ?? 0) && (values.min() ?? -1) >= 0)
        #expect((values.max() ?? 9) <= 3)
    }

    @Test("waits are told to a thirty-second")
    func waits() {
        var waits = WaitHistogram()
        #expect(waits.percentile(99) == nil)
        waits.add(98, nanoseconds: 0)
        waits.add(1.5, nanoseconds: 40_000_000)
        waits.add(0.5, nanoseconds: 7_000_000_000)
        #expect(waits.percentile(50) == .zero)
        let p99 = waits.percentile(99)?.inSeconds ?? 0
        #expect(p99 >= 0.04 && p99 <= 0.04 * 33 / 32)
        #expect((waits.percentile(100)?.inSeconds ?? 0) >= 7)
    }

    @Test("work that waits too long is dropped, and nothing is lost or made in between")
    func queue() {
        var queue = WorkQueue()
        var waits = WaitHistogram()
        var random = SeededGenerator(seed: 3)
        var (added, done, dropped) = (0.0, 0.0, 0.0)
        for moment in 0..<5000 {
            let amount = Double.random(in: 0...2, using: &random)
            queue.add(amount, since: moment)
            added += amount
            let before = queue.amount
            queue.take(Double.random(in: 0...2, using: &random), now: moment, waits: &waits)
            done += before - queue.amount
            dropped += queue.drop(before: moment - 40)
        }
        #expect(abs(added - done - dropped - queue.amount) < 1e-6 * added)
        #expect(dropped > 0)
    }
}
