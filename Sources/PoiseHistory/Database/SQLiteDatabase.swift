import CSQLite
import PoiseModel

/// A database file of SQLite, used by one thread.
final class SQLiteDatabase {
    /// What SQLite says went wrong.
    struct Failure: Error, CustomStringConvertible {
        var code: Int32
        var text: String

        var description: String { text }

        /// Whether the file itself is no good (`SQLITE_CORRUPT`, `SQLITE_NOTADB`).
        var isCorrupt: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xFF) }
    }

    /// A value of a row.
    enum Value {
        case null
        case integer(Int)
        case text(String)

        init(_ value: Int?) { self = value.map(Value.integer) ?? .null }

        var integer: Int? { if case .integer(let value) = self { value } else { nil } }
        var text: String? { if case .text(let value) = self { value } else { nil } }
    }

    private let handle: OpaquePointer
    private var prepared: [String: OpaquePointer] = [:]

    /// Opens or makes the file (`sqlite3_open_v2`), which only one process may have open.
    init(_ path: String) throws(Failure) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle, code == SQLITE_OK else {
            let text = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) }
            if let handle { sqlite3_close_v2(handle) }
            throw Failure(code: code, text: text ?? "out of memory")
        }
        self.handle = handle
    }

    deinit {
        for statement in prepared.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private func failure(_ code: Int32) -> Failure {
        Failure(code: code, text: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "?")
    }

    /// Runs statements that give nothing (`sqlite3_exec`).
    func run(_ sql: String) throws(Failure) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// Runs one statement with values for its question marks and gives its rows.
    @discardableResult
    func rows(_ sql: String, _ values: [Value] = []) throws(Failure) -> [[Value]] {
        let statement = try statement(sql)
        defer { sqlite3_reset(statement) }
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(statement, place)
                case .integer(let number): sqlite3_bind_int64(statement, place, Int64(number))
                case .text(let text):
                    poise_sqlite_bind_text(statement, place, text, Int32(text.utf8.count))
                }
            guard code == SQLITE_OK else { throw failure(code) }
        }
        var rows: [[Value]] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw failure(code) }
            rows.append((0..<sqlite3_column_count(statement)).map { value(statement, $0) })
        }
    }

    private func statement(_ sql: String) throws(Failure) -> OpaquePointer {
        if let statement = prepared[sql] { return statement }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard let statement, code == SQLITE_OK else { throw failure(code) }
        prepared[sql] = statement
        return statement
    }

    private func value(_ statement: OpaquePointer, _ column: Int32) -> Value {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(Int(sqlite3_column_int64(statement, column)))
        case SQLITE_TEXT:
            let bytes = UnsafeRawBufferPointer(
                start: sqlite3_column_text(statement, column),
                count: Int(sqlite3_column_bytes(statement, column)))
            return .text(String(decoding: bytes, as: UTF8.self))
        default: return .null
        }
    }
}
