import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseHistory

/// A folder of records that is gone when the test is over.
final class RecordsUnderTest {
    let path: String

    init() throws {
        var template = Array((Repository.temporary + "/poise-records-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var names: [String] {
        RecordFolder(path).entries().map {
            String(RecordFolder(path).path(of: $0.number).dropFirst(path.count + 1))
        }
    }

    var files: [String] { names.map { "\(path)/\($0)" } }

    /// Records `turns` turns of a random world.
    @discardableResult
    func record(
        seed: UInt64, turns: Int, _ setting: TurnRecorder.Setting = .init(), run: String = "r"
    ) -> (bytes: Int, news: [String]) {
        var recorder = TurnRecorder(
            RecordFolder(path), version: "1", run: run, setting: setting)
        var world = RandomTurns(seed: seed)
        var engine = world.engine()
        var last = world.now
        for number in 1...turns {
            let (inputs, now) = world.next(for: engine)
            recorder.prepare(engine, turn: number, now: now, wallSeconds: 1_700_000_000)
            let directives = engine.handle(inputs, now: now)
            recorder.add(turn: number, inputs, now: now, directives, plan: engine.plan)
            recorder.tick(now)
            last = now
        }
        recorder.flush(last)
        return (recorder.bytes, recorder.takeNews())
    }

    func replay(version: String = "1") throws -> ReplayReport {
        var replay = Replay(version: version)
        for file in files { try replay.add(file) }
        return replay.report
    }

    func bytes(_ file: String) throws -> [UInt8] {
        try FileDescriptor.open(file, O_RDONLY).readWhole(atMost: 1 << 16)
    }

    func put(_ bytes: [UInt8], in file: String) throws {
        try FileDescriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC).writeAll(bytes)
    }
}

@Suite struct ReplayTests {
    /// Small segments, so that a soak has many checkpoints.
    private static let small: TurnRecorder.Setting = {
        var setting = TurnRecorder.Setting()
        setting.segmentBytes = 100_000
        setting.bufferBytes = 5000
        return setting
    }()

    @Test(arguments: 1...4)
    func `a whole soak comes out the same, to the bit`(seed: UInt64) throws {
        let records = try RecordsUnderTest()
        records.record(seed: seed, turns: 1500, Self.small)
        let report = try records.replay()
        #expect(report.turns == 1500)
        #expect(report.isSame, "seed \(seed): \(report.differences) \(report.damages)")
        #expect(report.remarks.isEmpty)
        #expect(report.segments > 2)
        #expect(report.statesCompared == report.segments - 1)
        // Each segment is complete by itself.
        var alone = Replay(version: "1")
        try alone.add(try #require(records.files.last))
        #expect(alone.report.isSame)
        #expect(alone.report.turns > 0)
    }

    @Test func `no line of a turn is longer than 2 KiB`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 3, turns: 1500)
        var longest = 0
        for file in records.files {
            for line in try records.bytes(file).split(separator: UInt8(ascii: "\n")).dropFirst()
            where !line.starts(with: Array(#"{"apart""#.utf8)) {
                longest = max(longest, line.count)
            }
        }
        #expect(longest > 200)
        #expect(longest <= TurnRecorder.longestTurn)
    }

    /// A byte anywhere: in the checkpoint, an input, an outcome, a sum.
    @Test func `a flipped byte is found wherever it is`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 5, turns: 80)
        let file = try #require(records.files.first)
        let good = try records.bytes(file)
        var random = SeededGenerator(seed: 9)
        for _ in 0..<40 {
            let place = Int.random(in: 0..<good.count, using: &random)
            var bad = good
            bad[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            try records.put(bad, in: file)
            let report = try records.replay()
            let isTold = !report.isSame || report.remarks.contains { $0.text.contains("cut short") }
            #expect(isTold, "byte \(place) of \(good.count) was flipped to \(bad[place])")
        }
    }

    @Test func `a lost line is found`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 5, turns: 100)
        let file = try #require(records.files.first)
        var lines = try records.bytes(file).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines.remove(at: 40)
        try records.put(Array(lines.joined(separator: [UInt8(ascii: "\n")])), in: file)
        let report = try records.replay()
        #expect(report.damages.map(\.line) == [41])
    }

    @Test func `a torn last line is left out and told`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 5, turns: 100)
        let file = try #require(records.files.first)
        try records.put(try records.bytes(file).dropLast(20), in: file)
        let report = try records.replay()
        #expect(report.turns == 99)
        #expect(report.isSame)
        #expect(
            report.remarks.map(\.text) == [
                "the last line was cut short, as by a crash; it is left out"
            ])
    }

    /// Somebody who seals a false line anew finds the decision itself in the way.
    @Test func `a false decision is found, with what was recorded and what came out`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 5, turns: 60)
        let file = try #require(records.files.first)
        var seal = SealedLine()
        var forged: [UInt8] = []
        var turn = 0
        for line in try records.bytes(file).split(separator: UInt8(ascii: "\n")) {
            var text = String(decoding: line, as: UTF8.self)
            let sum = try #require(text.range(of: #","sum":""#, from: text.endIndex))
            text = text[..<sum] + "}"
            if turn == 0, text.contains(#""did":["note started "#) {
                turn = try #require(JSON.parsed(text)["turn"]?.integer)
                text = text.replacing(first: "note started ", by: "note started 0")
            }
            forged += seal.seal(try JSON.parsed(text).description)
        }
        try #require(turn > 0)
        try records.put(forged, in: file)
        let difference = try #require(try records.replay().differences.first)
        #expect(difference.turn == turn)
        #expect(difference.what == "directive 1")
        #expect(difference.recorded.hasPrefix("note started 0"))
        #expect(difference.computed.hasSuffix(": works"))
    }

    /// Numbers of turns from which one cannot be added or taken.
    @Test(arguments: [Int.max, Int.min, -1], [true, false])
    func `a number that cannot be is damage and no crash`(number: Int, isFirst: Bool) throws {
        let records = try RecordsUnderTest()
        records.record(seed: 5, turns: 30)
        let file = try #require(records.files.first)
        var seal = SealedLine()
        var forged: [UInt8] = []
        let lines = try records.bytes(file).split(separator: UInt8(ascii: "\n"))
        for (index, line) in lines.enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            var json = try JSON.parsed(text)
            guard case .object(var members) = json else { continue }
            members.removeAll { $0.key == "sum" }
            if index == (isFirst ? 0 : lines.count - 1) {
                for place in members.indices where members[place].key == "turn" {
                    members[place].value = .integer(number)
                }
            }
            json = .object(members)
            forged += seal.seal(json.description)
        }
        try records.put(forged, in: file)
        let report = try records.replay()
        #expect(report.damages.map(\.line) == [isFirst ? 1 : lines.count])
        #expect(report.damages.first?.text.contains("it is no line of records") ?? false)
    }

    @Test func `another version says so and is computed again`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 2, turns: 20)
        let report = try records.replay(version: "2")
        #expect(report.isSame)
        #expect(report.turns == 20)
        #expect(report.remarks.map(\.text) == ["recorded by Poise 1; this is 2"])
    }

    @Test func `the oldest segments go when there are too many bytes`() throws {
        let records = try RecordsUnderTest()
        var setting = Self.small
        setting.mostBytes = 450_000
        records.record(seed: 1, turns: 3000, setting)
        let entries = RecordFolder(records.path).entries()
        #expect(entries.reduce(0) { $0 + $1.bytes } <= setting.mostBytes + 60_000)
        #expect(try #require(entries.first).number > 1)
        #expect(try records.replay().isSame)
    }

    /// An engine whose first line alone is larger than a segment is meant to be.
    @Test func `a large engine is not written again with every turn`() throws {
        let records = try RecordsUnderTest()
        var setting = TurnRecorder.Setting()
        setting.segmentBytes = 100
        let made = records.record(seed: 1, turns: 1500, setting)
        let entries = RecordFolder(records.path).entries()
        let all = entries.reduce(0) { $0 + $1.bytes }
        #expect(entries.count > 2)
        // A checkpoint for each four times its size, and the last segment may be short. The engine
        // grows and shrinks with what it remembers.
        let checkpoints = try records.files.map { file in
            try records.bytes(file).prefix { $0 != UInt8(ascii: "\n") }.count
        }
        let largest = try #require(checkpoints.max())
        #expect(all - made.bytes < made.bytes + 2 * largest)
        #expect(entries.count * 10 < 1500)
        #expect(try records.replay().isSame)
    }

    @Test func `a bound of few checkpoints holds, or recording stops and says so once`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 1, turns: 1)
        let size = try records.bytes(try #require(records.files.first)).count
        var setting = TurnRecorder.Setting()
        // A checkpoint grows with the turns, here to about five times its size.
        setting.mostBytes = size * 40
        let news = records.record(seed: 1, turns: 1500, setting, run: "s").news
        let all = RecordFolder(records.path).entries().reduce(0) { $0 + $1.bytes }
        #expect(news.isEmpty)
        #expect(all <= setting.mostBytes + size)
        setting.mostBytes = size * 2
        let told = records.record(seed: 1, turns: 300, setting, run: "t").news
        #expect(told.count == 1)
        #expect(told.first?.contains("more than a quarter") ?? false)
    }

    @Test func `segments of another run are kept, and old ones are not`() throws {
        let records = try RecordsUnderTest()
        records.record(seed: 1, turns: 50)
        records.record(seed: 2, turns: 50, run: "s")
        #expect(records.names == ["00000001.jsonl", "00000002.jsonl"])
        #expect(try records.replay().isSame)
        // The wall clock of these tests stands in 2023.
        let now = 1_700_000_000
        try setAge(now - 9 * 86_400, of: records.files[0])
        try setAge(now - 86_400, of: records.files[1])
        records.record(seed: 3, turns: 50, run: "t")
        #expect(records.names == ["00000002.jsonl", "00000003.jsonl"])
    }

    private func setAge(_ seconds: Int, of file: String) throws {
        let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, file, times, 0) == 0)
    }

    @Test func `a clock that is wrong by a year takes no records, or few`() throws {
        let records = try RecordsUnderTest()
        for run in 0..<6 { records.record(seed: 1, turns: 5, run: "\(run)") }
        let (now, year) = (1_700_000_000, 365 * 86_400)
        for file in records.files { try setAge(now - year, of: file) }
        let folder = RecordFolder(records.path)
        folder.prune(to: 1 << 30, longestAge: 7 * 86_400, now: now)
        #expect(records.names.count == 6)
        // The first one that the wrong clock has written.
        try setAge(now, of: try #require(records.files.last))
        folder.prune(to: 1 << 30, longestAge: 7 * 86_400, now: now)
        #expect(records.names.count == 4)
        folder.prune(to: 0, longestAge: 7 * 86_400, now: now)
        #expect(records.names.count == 1)
    }

    @Test func `recording stops when it cannot write, says so once, and starts again`() throws {
        let records = try RecordsUnderTest()
        let folder = records.path + "/later"
        var setting = TurnRecorder.Setting()
        setting.retryAfter = .seconds(100)
        var recorder = TurnRecorder(
            RecordFolder(folder), version: "1", run: "r", setting: setting)
        var world = RandomTurns(seed: 4)
        var engine = world.engine()
        var news: [String] = []
        var turns = 0
        func isThere() -> Bool { access(folder, F_OK) == 0 }
        while turns < 400 {
            turns += 1
            if turns == 200 { mkdir(folder, 0o700) }
            let (inputs, now) = world.next(for: engine)
            recorder.prepare(engine, turn: turns, now: now, wallSeconds: 1_700_000_000)
            let directives = engine.handle(inputs, now: now)
            recorder.add(turn: turns, inputs, now: now, directives, plan: engine.plan)
            recorder.tick(now)
            news += recorder.takeNews()
        }
        recorder.flush(world.now)
        #expect(news.count == 2)
        #expect(news.first?.contains("ENOENT") ?? false)
        #expect(news.last == "turns are recorded again")
        let segments = try RecordFolder.segments(at: folder)
        var replay = Replay(version: "1")
        for segment in segments { try replay.add(segment) }
        #expect(replay.report.isSame)
        #expect((50...200).contains(replay.report.turns))
        for segment in segments { unlink(segment) }
        rmdir(folder)
    }

    @Test(arguments: [
        "", "\n", "no json\n", "{}\n", "{\"a\":1}\n", "\u{0}\u{1}",
        #"{"checkpoint":{},"sum":"0123456789abcdef"}"# + "\n",
    ])
    func `a file that holds no records is damage and no crash`(text: String) throws {
        let records = try RecordsUnderTest()
        try records.put(Array(text.utf8), in: records.path + "/00000001.jsonl")
        let report = try records.replay()
        #expect(!report.isSame || report.remarks.count == 1)
        #expect(report.turns == 0)
    }
}
