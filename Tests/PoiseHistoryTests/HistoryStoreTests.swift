import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseHistory

/// A folder with a history in it, gone when the test is over.
private final class HistoryFolder {
    let path: String

    init() throws {
        var template = Array((Repository.temporary + "/poise-history-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made)
    }

    deinit {
        for ending in ["", "-wal", "-shm", ".damaged"] { unlink(file + ending) }
        rmdir(path)
    }

    var file: String { path + "/history.sqlite" }
}

private let start = 1_700_000_040

private func id(_ name: String) throws -> FeatureID { try #require(FeatureID(name)) }

private func minutes(_ feature: FeatureID, _ count: Int, from: Int = start / 60) -> [FeatureMinute]
{
    (0..<count).map { index in
        var minute = FeatureMinute(feature: feature, minute: from + index)
        minute.demandMean = 1000 + index
        minute.demandPeak = 2000 + index
        minute.usedMean = index % 2 == 0 ? 500 : nil
        minute.allocatedMean = 3000
        return minute
    }
}

@Suite struct HistoryStoreTests {
    @Test func `demand comes back by the minute, oldest first, from another opening`() throws {
        let folder = try HistoryFolder()
        let (a, b) = (try id("a"), try id("b"))
        do {
            let store = try HistoryStore(folder.file, now: start)
            try store.add(minutes(a, 100).reversed() + minutes(b, 5), [])
        }
        let store = try HistoryStore(folder.file, now: start)
        let demand = try store.demand(of: a, since: start + 600)
        #expect(demand.count == 90)
        #expect(
            demand.first
                == DemandMinute(
                    minute: start / 60 + 10, meanMillicores: 1010, peakMillicores: 2010))
        #expect(demand.map(\.minute) == demand.map(\.minute).sorted())
        #expect(try store.demand(of: try id("c"), since: 0).isEmpty)
        #expect(store.takeRemark() == nil)
    }

    @Test func `a minute that is added again counts once`() throws {
        let folder = try HistoryFolder()
        let store = try HistoryStore(folder.file, now: start)
        let a = try id("a")
        try store.add(minutes(a, 3), [])
        try store.add(minutes(a, 3), [])
        #expect(try store.demand(of: a, since: 0).count == 3)
    }

    @Test func `points are means of minutes, the peak is the largest, unknown stays unknown`()
        throws
    {
        let folder = try HistoryFolder()
        let store = try HistoryStore(folder.file, now: start)
        let a = try id("a")
        try store.add(minutes(a, 100), [])
        let end = start + 100 * 60
        let history = try #require(
            try store.history(of: a, since: 0, now: end, points: 10, changes: 5))
        #expect((10...11).contains(history.points.count))
        #expect(history.minutesAPoint == 11 || history.minutesAPoint == 10)
        #expect(history.points.allSatisfy { $0.usedMean == 500 })
        #expect(history.points.map(\.demandPeak).last == 2099)
        #expect(history.points.allSatisfy { $0.lentMean == nil && $0.pressureMean == nil })
        #expect(
            try store.history(of: try id("c"), since: 0, now: end, points: 9, changes: 1) == nil)
    }

    @Test func `changes keep their order, and the last ones are given`() throws {
        let folder = try HistoryFolder()
        let store = try HistoryStore(folder.file, now: start)
        let a = try id("a")
        let changes = (0..<20).map {
            AllocationChange(
                feature: a, time: start + $0, beforeMillicores: $0 == 0 ? nil : $0,
                afterMillicores: $0 + 1, cpus: "0-\($0)", because: "it's \($0); \"so\"")
        }
        try store.add([], changes)
        let history = try #require(
            try store.history(of: a, since: start, now: start + 60, points: 60, changes: 4))
        #expect(history.changes == Array(changes.suffix(4)))
        #expect(history.points.isEmpty)
    }

    @Test func `what is too old or too much goes, the oldest first`() throws {
        let folder = try HistoryFolder()
        let a = try id("a")
        var limit = HistoryStore.Limit()
        limit.mostMinutes = 50
        limit.mostChanges = 10
        let store = try HistoryStore(folder.file, limit: limit, now: start)
        let changes = (0..<30).map {
            AllocationChange(
                feature: a, time: start, beforeMillicores: nil, afterMillicores: $0, cpus: "",
                because: "")
        }
        try store.add(minutes(a, 200), changes)
        try store.prune(now: start)
        let left = try store.demand(of: a, since: 0)
        #expect((48...50).contains(left.count))
        #expect(left.last?.minute == start / 60 + 199)
        let history = try store.history(of: a, since: 0, now: start, points: 9, changes: 99)
        #expect(history?.changes.map(\.afterMillicores) == (20..<30).map { $0 })
        let later = start + 16 * 86_400
        try store.add(minutes(a, 1, from: later / 60), [])
        try store.prune(now: later)
        #expect(try store.demand(of: a, since: 0).map(\.minute) == [later / 60])
    }

    @Test func `a clock that is wrong by a year takes no history, and a day when it stays so`()
        throws
    {
        let folder = try HistoryFolder()
        let a = try id("a")
        let year = 365 * 86_400
        do {
            let store = try HistoryStore(folder.file, now: start)
            try store.add(minutes(a, 10 * 1440), [])
        }
        let store = try HistoryStore(folder.file, now: start + year)
        try store.prune(now: start + year)
        #expect(try store.demand(of: a, since: 0).count == 10 * 1440)
        try store.add(
            minutes(a, 3, from: (start + year) / 60),
            [
                AllocationChange(
                    feature: a, time: start + year, beforeMillicores: nil, afterMillicores: 1,
                    cpus: "", because: "")
            ])
        try store.prune(now: start + year)
        #expect(try store.demand(of: a, since: 0).count == 9 * 1440 + 3)
        // The clock is right again: what is of the future is not read, and goes.
        let now = start + 10 * 86_400
        #expect(try store.demand(of: a, since: 0, now: now).count == 9 * 1440)
        let history = try #require(
            try store.history(of: a, since: 0, now: now, points: 1440, changes: 9))
        #expect(history.points.count <= 1441)
        #expect(history.changes.isEmpty)
        try store.prune(now: now)
        #expect(try store.demand(of: a, since: 0).count == 9 * 1440)
        // A clock that is behind takes at most the newest day.
        try store.prune(now: start - year)
        #expect((8 * 1440 - 1...8 * 1440).contains(try store.demand(of: a, since: 0).count))
    }

    /// Bytes over the file's head, over a page in its middle, or no database at all.
    @Test(arguments: ["head", "middle", "text", "empty"])
    func `a damaged file is moved aside and told, and history begins anew`(kind: String) throws {
        let folder = try HistoryFolder()
        let a = try id("a")
        do {
            let store = try HistoryStore(folder.file, now: start)
            try store.add(minutes(a, 5000), [])
        }
        var bytes = try FileDescriptor.open(folder.file, O_RDONLY).readWhole(atMost: 1 << 16)
        switch kind {
        case "head": bytes.replaceSubrange(0..<100, with: Array(repeating: 7, count: 100))
        case "middle":
            for page in 2..<(bytes.count / 4096) {
                bytes.replaceSubrange(
                    page * 4096..<(page * 4096 + 64), with: Array(repeating: 255, count: 64))
            }
        case "text": bytes = Array("this was never a database, and never will be one".utf8)
        default: bytes = []
        }
        try FileDescriptor.open(folder.file, O_WRONLY | O_TRUNC).writeAll(bytes)
        let store = try HistoryStore(folder.file, now: start)
        _ = try store.demand(of: a, since: 0)
        try store.add(minutes(a, 10), [])
        #expect(try store.demand(of: a, since: 0).count == 10)
        // An empty file is a new database.
        let remark = store.takeRemark()
        #expect((remark == nil) == (kind == "empty"))
        #expect((access(folder.file + ".damaged", F_OK) == 0) == (kind != "empty"))
    }

    /// Rows of another hand: a table without the bounds that Poise's own has.
    @Test(arguments: [
        ("minute", "4611686018427387904"), ("minute", "-5"), ("demand_mean", "9223372036854775807"),
        ("demand_peak", "-1"), ("demand_mean", "'text'"),
    ])
    func `a row that cannot be is left out and told once`(column: String, value: String) throws {
        let folder = try HistoryFolder()
        let a = try id("a")
        do {
            let store = try HistoryStore(folder.file, now: start)
            try store.add(minutes(a, 10), [])
        }
        do {
            let database = try SQLiteDatabase(folder.file)
            try database.run(
                """
                PRAGMA ignore_check_constraints = 1;
                UPDATE minute SET \(column) = \(value) WHERE minute = \(start / 60 + 5);
                INSERT INTO change (feature, time, before, after, cpus, because)
                    VALUES (1, \(start), 9223372036854775807, -1, '', '');
                """)
        }
        let store = try HistoryStore(folder.file, now: start)
        let demand = try store.demand(of: a, since: 0)
        let history = try #require(
            try store.history(of: a, since: 0, now: start + 6000, points: 1440, changes: 9))
        #expect(demand.count == 9)
        #expect(history.points.count == 9)
        #expect(history.changes.isEmpty)
        let remark = store.takeRemark()
        #expect(remark?.contains("cannot be and are left out") ?? false)
        _ = try store.demand(of: a, since: 0)
        #expect(store.takeRemark() == nil)
    }

    @Test func `a minute that cannot be is not added, and the others are`() throws {
        let folder = try HistoryFolder()
        let store = try HistoryStore(folder.file, now: start)
        let a = try id("a")
        var bad = FeatureMinute(feature: a, minute: start / 60 + 50)
        bad.demandMean = -1
        try store.add(minutes(a, 3) + [bad], [])
        #expect(try store.demand(of: a, since: 0).count == 3)
        #expect(store.takeRemark()?.hasPrefix("1 rows") ?? false)
        // The file itself takes none either.
        let database = try SQLiteDatabase(folder.file)
        #expect(throws: SQLiteDatabase.Failure.self) {
            try database.run("INSERT INTO minute (feature, minute) VALUES (1, -1)")
        }
    }

    @Test func `a file that cannot be opened is an error with its path`() throws {
        let failure = #expect(throws: HistoryStore.Failure.self) {
            try HistoryStore("/nowhere/at/all.sqlite", now: start)
        }
        #expect(failure?.description.contains("/nowhere/at/all.sqlite") ?? false)
    }

    @Test func `the keeper answers on its thread, in order, and writes what waits at its end`()
        throws
    {
        let folder = try HistoryFolder()
        let a = try id("a")
        let keeper = try HistoryKeeper(folder.file)
        keeper.add(minutes(a, 30), [], now: start, on: nil)
        keeper.ask(7, a, since: 0, now: start + 1800, points: 40)
        keeper.ask(8, try id("b"), since: 0, now: start, points: 30)
        var answers: [UInt64: Int] = [:]
        let end = MonotonicClock.now + .seconds(60)
        while answers.count < 2, MonotonicClock.now < end {
            for case .answer(let token, let history) in keeper.takeNews() {
                answers[token] = history?.points.count ?? -1
            }
            usleep(1000)
        }
        #expect(answers == [7: 30, 8: -1])
        keeper.add(minutes(a, 40), [], now: start, on: nil)
        keeper.finish(within: .seconds(60))
        let store = try HistoryStore(folder.file, now: start)
        #expect(try store.demand(of: a, since: 0).count == 40)
    }

    @Test func `the keeper goes on without a file and says so once`() throws {
        let keeper = try HistoryKeeper("/nowhere/at/all.sqlite")
        let a = try id("a")
        for number in 0..<5 {
            keeper.add(minutes(a, 1), [], now: start, on: nil)
            keeper.ask(UInt64(number), a, since: 0, now: start, points: 1)
        }
        var (remarks, refusals) = (0, 0)
        let end = MonotonicClock.now + .seconds(60)
        while refusals < 5, MonotonicClock.now < end {
            for news in keeper.takeNews() {
                switch news {
                case .remark: remarks += 1
                case .noAnswer: refusals += 1
                case .answer: Issue.record("an answer from nowhere")
                }
            }
            usleep(1000)
        }
        #expect(remarks == 1)
        #expect(refusals == 5)
        keeper.finish()
    }
}
