import Glibc
package import PoiseModel

/// What features wanted, used and had, minute by minute, in one SQLite file of bounded size.
///
/// A file that is damaged is moved aside and a new one begun: history is never a reason not to
/// start. Used by one thread at a time.
package final class HistoryStore {
    /// How much is kept.
    package struct Limit: Sendable {
        package var days = 15
        /// 15 days of 23 features.
        package var mostMinutes = 500_000
        package var mostChanges = 50_000

        package init() {}
    }

    /// Why there is no history, for people.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private static let version = 1
    private let path: String
    private let limit: Limit
    private var database: SQLiteDatabase
    private var remark: String?
    private var hasToldOfImpossible = false
    /// When what is too old was dropped the last time, in seconds since 1970.
    package private(set) var prunedAt = 0

    /// - Parameter now: seconds since 1970.
    package init(_ path: String, limit: Limit = Limit(), now: Int) throws(Failure) {
        self.path = path
        self.limit = limit
        do throws(SQLiteDatabase.Failure) {
            database = try HistoryStore.open(path)
        } catch {
            guard error.isCorrupt else {
                throw Failure(description: "opening failed on \(path): \(error)")
            }
            (database, remark) = try HistoryStore.begin(path, error)
        }
        prunedAt = now
        // Not by age: the clock may be wrong until the network has set it.
        try transaction { () throws(SQLiteDatabase.Failure) in try dropTooMuch() }
    }

    /// What was wrong with the file, once; nil when nothing was.
    package func takeRemark() -> String? {
        defer { remark = nil }
        return remark
    }

    /// Says once that rows are left out: a file with many is not told of again and again.
    private func leaveOut(_ rows: Int) {
        guard rows > 0, !hasToldOfImpossible else { return }
        hasToldOfImpossible = true
        let more = remark.map { $0 + "; " } ?? ""
        remark = more + "\(rows) rows of the history in \(path) cannot be and are left out"
    }

    /// Moves what is damaged aside and begins anew.
    private static func begin(
        _ path: String, _ damage: SQLiteDatabase.Failure
    ) throws(Failure) -> (SQLiteDatabase, String) {
        let aside = "\(path).damaged"
        rename(path, aside)
        unlink(path + "-wal")
        unlink(path + "-shm")
        do throws(SQLiteDatabase.Failure) {
            let database = try open(path)
            let text = "the history in \(path) is damaged (\(damage)); it is now \(aside), "
            return (database, text + "and a new one is begun")
        } catch {
            throw Failure(description: "opening failed on \(path): \(error)")
        }
    }

    /// Does something again with a new file when the old one turns out to be damaged.
    private func attempt<Value>(
        _ body: () throws(SQLiteDatabase.Failure) -> Value
    ) throws(Failure) -> Value {
        do throws(SQLiteDatabase.Failure) {
            return try body()
        } catch {
            guard error.isCorrupt else { throw Failure(description: "\(path): \(error)") }
            (database, remark) = try HistoryStore.begin(path, error)
            do throws(SQLiteDatabase.Failure) {
                return try body()
            } catch {
                throw Failure(description: "\(path): \(error)")
            }
        }
    }

    /// All of it or nothing.
    private func transaction(
        _ body: () throws(SQLiteDatabase.Failure) -> Void
    ) throws(Failure) {
        try attempt { () throws(SQLiteDatabase.Failure) in
            try database.run("BEGIN IMMEDIATE")
            do throws(SQLiteDatabase.Failure) {
                try body()
                try database.run("COMMIT")
            } catch {
                // It may have been undone already; the error is the one that counts.
                do throws(SQLiteDatabase.Failure) { try database.run("ROLLBACK") } catch {}
                throw error
            }
        }
    }

    private static func open(_ path: String) throws(SQLiteDatabase.Failure) -> SQLiteDatabase {
        let database = try SQLiteDatabase(path)
        try database.run(
            """
            PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            PRAGMA journal_size_limit = 4194304;
            """)
        let found = try database.rows("PRAGMA user_version").first?.first?.integer ?? 0
        guard found <= version else {
            throw SQLiteDatabase.Failure(
                code: 0, text: "it was written by a newer Poise (form \(found); move it away)")
        }
        try database.run(
            """
            BEGIN;
            CREATE TABLE IF NOT EXISTS feature (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
            CREATE TABLE IF NOT EXISTS minute (
                feature INTEGER NOT NULL, minute INTEGER NOT NULL, demand_mean INTEGER,
                demand_peak INTEGER, used INTEGER, allocated INTEGER, lent INTEGER,
                borrowed INTEGER, pressure INTEGER,
                PRIMARY KEY (feature, minute),
                CHECK (\(HistoryBounds.possibleMinute))) WITHOUT ROWID;
            CREATE INDEX IF NOT EXISTS minute_by_time ON minute (minute);
            CREATE TABLE IF NOT EXISTS change (
                id INTEGER PRIMARY KEY, feature INTEGER NOT NULL, time INTEGER NOT NULL,
                before INTEGER, after INTEGER, cpus TEXT NOT NULL, because TEXT NOT NULL,
                CHECK (\(HistoryBounds.possibleChange)));
            CREATE INDEX IF NOT EXISTS change_by_time ON change (time);
            CREATE INDEX IF NOT EXISTS change_by_feature ON change (feature, time);
            PRAGMA user_version = \(version);
            COMMIT;
            """)
        return database
    }

    /// Adds minutes and changes in one transaction; those that cannot be are left out.
    package func add(_ minutes: [FeatureMinute], _ changes: [AllocationChange]) throws(Failure) {
        leaveOut(minutes.count { !$0.isPossible } + changes.count { !$0.isPossible })
        try transaction { () throws(SQLiteDatabase.Failure) in
            for one in minutes where one.isPossible {
                let values: [SQLiteDatabase.Value] =
                    [.integer(try id(of: one.feature)), .integer(one.minute)]
                    + [
                        one.demandMean, one.demandPeak, one.usedMean, one.allocatedMean,
                        one.lentMean, one.borrowedMean, one.pressureMean,
                    ].map { SQLiteDatabase.Value($0) }
                try database.rows(
                    "INSERT OR REPLACE INTO minute VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            }
            for change in changes where change.isPossible {
                try database.rows(
                    "INSERT INTO change (feature, time, before, after, cpus, because) "
                        + "VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        .integer(try id(of: change.feature)), .integer(change.time),
                        .init(change.beforeMillicores), .init(change.afterMillicores),
                        .text(change.cpus), .text(change.because),
                    ])
            }
        }
    }

    private func id(of feature: FeatureID) throws(SQLiteDatabase.Failure) -> Int {
        try database.rows(
            "INSERT OR IGNORE INTO feature (name) VALUES (?)", [.text(feature.name)])
        return try database.rows(
            "SELECT id FROM feature WHERE name = ?", [.text(feature.name)]
        ).first?.first?.integer ?? 0
    }

    /// Drops what is too old or of the future, then what is too much.
    ///
    /// The clock may be wrong by years. So age counts from the newest row that is not of the
    /// future, and at most a day goes at each end at once: an hour of a wrong clock costs a day of
    /// history, and never all of it.
    package func prune(now: Int) throws(Failure) {
        prunedAt = now
        try transaction { () throws(SQLiteDatabase.Failure) in
            try dropByAge("minute", "minute", secondsAUnit: 60, now: now)
            try dropByAge("change", "time", secondsAUnit: 1, now: now)
            try dropTooMuch()
        }
    }

    private func dropByAge(
        _ table: String, _ column: String, secondsAUnit unit: Int, now: Int
    ) throws(SQLiteDatabase.Failure) {
        let day = 86_400 / unit
        let future = now / unit + day
        // An index gives each of them at once.
        func end(_ which: String, _ condition: String) throws(SQLiteDatabase.Failure) -> Int? {
            try database.rows(
                "SELECT \(which)(\(column)) FROM \(table) WHERE \(column) \(condition) ?",
                [.integer(future)]
            ).first?.first?.integer
        }
        if let newest = try end("max", "<="), let first = try end("min", "<=") {
            let oldest = min(now / unit, newest) - limit.days * day
            // A row before 1970 is no row of ours.
            try database.rows(
                "DELETE FROM \(table) WHERE \(column) < ?",
                [.integer(max(0, min(oldest, max(0, first) + day)))])
        }
        if let last = try end("max", ">") {
            try database.rows(
                "DELETE FROM \(table) WHERE \(column) > ?", [.integer(max(future, last - day))])
        }
    }

    private func dropTooMuch() throws(SQLiteDatabase.Failure) {
        try database.rows(
            "DELETE FROM change WHERE id <= (SELECT max(id) FROM change) - ?",
            [.integer(limit.mostChanges)])
        let rows = try database.rows("SELECT count(*) FROM minute").first?.first?.integer ?? 0
        guard rows > limit.mostMinutes else { return }
        // Whole minutes go, the oldest first, so that features stay comparable.
        try database.rows(
            "DELETE FROM minute WHERE minute <= (SELECT minute FROM minute "
                + "ORDER BY minute LIMIT 1 OFFSET ?)", [.integer(rows - limit.mostMinutes)])
    }

    /// The demand of a feature since a moment (seconds since 1970), oldest first: what a forecast
    /// is trained with. Minutes whose demand is not known are left out, and so are those after
    /// `now`.
    package func demand(
        of feature: FeatureID, since: Int, now: Int? = nil
    ) throws(Failure) -> [DemandMinute] {
        let last = now.map { $0 / 60 } ?? .max
        let rows = try attempt { () throws(SQLiteDatabase.Failure) in
            try database.rows(
                "SELECT minute, demand_mean, demand_peak FROM minute WHERE feature = "
                    + "(SELECT id FROM feature WHERE name = ?) AND minute >= ? "
                    + "AND minute <= ? AND demand_mean IS NOT NULL ORDER BY minute",
                [.text(feature.name), .integer(since / 60), .integer(last)])
        }
        let demand = rows.compactMap { row -> DemandMinute? in
            guard let minute = row[0].integer, let mean = row[1].integer else { return nil }
            let peak = row[2].integer ?? mean
            guard HistoryBounds.minutes.contains(minute), HistoryBounds.amounts.contains(mean),
                HistoryBounds.amounts.contains(peak)
            else { return nil }
            return DemandMinute(minute: minute, meanMillicores: mean, peakMillicores: peak)
        }
        leaveOut(rows.count - demand.count)
        return demand
    }

    /// What a feature did since a moment (seconds since 1970), in at most `most` points, and the
    /// last `mostChanges` changes of what it has; nil when nothing was ever kept of it.
    package func history(
        of feature: FeatureID, since: Int, now: Int, points most: Int, changes mostChanges: Int
    ) throws(Failure) -> FeatureHistory? {
        try attempt { () throws(SQLiteDatabase.Failure) in
            let found = try database.rows(
                "SELECT id FROM feature WHERE name = ?", [.text(feature.name)])
            guard let id = found.first?.first else { return nil }
            let range: [SQLiteDatabase.Value] = [id, .integer(since / 60), .integer(now / 60)]
            let first = try database.rows(
                "SELECT min(minute) FROM minute WHERE feature = ? AND minute >= ? "
                    + "AND minute <= ? AND \(HistoryBounds.possibleMinute)", range
            ).first?.first?.integer
            let begin = max(since / 60, first ?? 0)
            let step = max(1, (now / 60 - begin + most) / max(1, most))
            let rows = try database.rows(HistoryStore.pointsQuery, [.integer(step)] + range)
            let changes = try database.rows(
                "SELECT time, before, after, cpus, because FROM change WHERE feature = ? "
                    + "AND time >= ? AND time <= ? AND \(HistoryBounds.possibleChange) "
                    + "ORDER BY id DESC LIMIT ?",
                [id, .integer(since), .integer(now), .integer(mostChanges)])
            leaveOut(try impossible(id, since))
            return FeatureHistory(
                minutesAPoint: step, points: rows.map { HistoryStore.point(feature, $0) },
                changes: changes.reversed().map { HistoryStore.change(feature, $0) })
        }
    }

    /// How many rows of a feature cannot be.
    private func impossible(
        _ id: SQLiteDatabase.Value, _ since: Int
    ) throws(SQLiteDatabase.Failure) -> Int {
        if hasToldOfImpossible { return 0 }
        let counts = try database.rows(
            "SELECT (SELECT count(*) FROM minute WHERE feature = ?1 AND minute >= ?2 "
                + "AND NOT (\(HistoryBounds.possibleMinute))) + (SELECT count(*) FROM change "
                + "WHERE feature = ?1 AND time >= ?3 AND NOT (\(HistoryBounds.possibleChange)))",
            [id, .integer(since / 60), .integer(since)])
        return counts.first?.first?.integer ?? 0
    }

    /// ?1 minutes a point of feature ?2 from minute ?3 to minute ?4.
    private static let pointsQuery: String = {
        let means = ["demand_mean", "used", "allocated", "lent", "borrowed", "pressure"]
        let columns = means.map { "CAST(round(avg(\($0))) AS INTEGER)" }
        return "SELECT minute / ?1 * ?1, max(demand_peak), " + columns.joined(separator: ", ")
            + " FROM minute WHERE feature = ?2 AND minute >= ?3 AND minute <= ?4 AND "
            + HistoryBounds.possibleMinute + " GROUP BY minute / ?1 ORDER BY 1"
    }()

    private static func point(
        _ feature: FeatureID, _ row: [SQLiteDatabase.Value]
    ) -> FeatureMinute {
        var point = FeatureMinute(feature: feature, minute: row[0].integer ?? 0)
        point.demandPeak = row[1].integer
        point.demandMean = row[2].integer
        point.usedMean = row[3].integer
        point.allocatedMean = row[4].integer
        point.lentMean = row[5].integer
        point.borrowedMean = row[6].integer
        point.pressureMean = row[7].integer
        return point
    }

    private static func change(
        _ feature: FeatureID, _ row: [SQLiteDatabase.Value]
    ) -> AllocationChange {
        AllocationChange(
            feature: feature, time: row[0].integer ?? 0, beforeMillicores: row[1].integer,
            afterMillicores: row[2].integer, cpus: row[3].text ?? "", because: row[4].text ?? "")
    }
}
