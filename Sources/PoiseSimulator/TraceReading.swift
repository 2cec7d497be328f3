package import PoiseModel

/// A mistake in a trace file.
package struct TraceMistake: Error, Sendable, Equatable {
    package var line: Int
    package var text: String

    /// `FILE:LINE: error: TEXT`.
    package func told(of file: String) -> String { "\(file):\(line): error: \(text)" }
}

/// What came out of reading a trace file: the trace, or all of its mistakes.
package enum TraceReading: Sendable, Equatable {
    case trace(LoadTrace)
    /// At least one, in the order of their lines; no more than `TraceLimit.mistakes`.
    case mistakes([TraceMistake])
}

/// Limits that keep a hostile file from costing more than a refusal.
package enum TraceLimit {
    package static let mistakes = 20
    /// Cells of the whole file.
    package static let values = 4_000_000
    package static let cores = 65_536.0
    /// About a year.
    package static let seconds = 31_600_000.0
}

/// Reads comma-separated traces.
///
/// The first line that is no comment names the columns. `seconds,feature,cost` is the form of
/// single requests: one a line, `cost` in seconds of a performance core. Everything else is the
/// wide form: `seconds`, then a column a feature with the cores' worth of work that arrives from
/// that moment on; an empty cell is "as before". `NAME:efficiency` is work that goes to efficiency
/// cores first, `NAME:need` what the feature signals that it needs (of performance cores;
/// `NAME:need-efficiency` of others). What follows a `#` is a comment.
struct TraceParser {
    private let known: [FeatureID]
    private var mistakes: [TraceMistake] = []
    private var columns: [LoadTrace.Column] = []
    private var isRequests = false
    private var rows: [LoadTrace.Row] = []
    private var requests: [LoadTrace.Request] = []
    private var last: (seconds: Double, line: Int)?

    init(known: [FeatureID]) { self.known = known }

    mutating func read(_ bytes: [UInt8], name: String) -> TraceReading {
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let text = String(decoding: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self)
        var hasHead = false
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let cells = Self.cells(of: line)
            if cells == [""] { continue }
            if hasHead {
                takeRow(cells, number)
            } else {
                takeHead(cells, number)
                hasHead = true
                // Rows mean nothing without their columns.
                if !mistakes.isEmpty { break }
            }
            if hasEnough { break }
            if (rows.count + requests.count) * (columns.count + 1) > TraceLimit.values {
                mistake(number, "the trace is over \(TraceLimit.values) values")
                break
            }
        }
        if mistakes.isEmpty, rows.isEmpty, requests.isEmpty {
            mistake(
                max(1, number),
                hasHead ? "no row follows the names" : "no line names columns, such as seconds,…")
        }
        guard mistakes.isEmpty else { return .mistakes(mistakes) }
        return .trace(LoadTrace(name: name, columns: columns, rows: rows, requests: requests))
    }

    private static func cells(of line: Substring) -> [Substring] {
        let code = line.prefix { $0 != "#" }
        return code.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
    }

    private static func trimmed(_ cell: Substring) -> Substring {
        var cell = cell.drop { $0 == " " || $0 == "\t" }
        while cell.last == " " || cell.last == "\t" { cell.removeLast() }
        return cell
    }

    /// No more of them than anybody would read, however many one line has.
    private var hasEnough: Bool { mistakes.count >= TraceLimit.mistakes }

    private mutating func mistake(_ line: Int, _ text: String) {
        guard !hasEnough else { return }
        mistakes.append(TraceMistake(line: line, text: text))
    }

    private mutating func takeHead(_ cells: [Substring], _ line: Int) {
        guard cells[0] == "seconds" else {
            return mistake(line, "the first column is '\(cells[0])' and must be 'seconds'")
        }
        if cells == ["seconds", "feature", "cost"] {
            isRequests = true
            return
        }
        guard cells.count > 1 else { return mistake(line, "no column names a feature") }
        for cell in cells.dropFirst() {
            if hasEnough { return }
            guard let column = column(cell, line) else { continue }
            if columns.contains(column) { mistake(line, "there are two columns '\(cell)'") }
            columns.append(column)
        }
    }

    private mutating func column(_ cell: Substring, _ line: Int) -> LoadTrace.Column? {
        let parts = cell.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let feature = feature(parts[0], line) else { return nil }
        guard parts.count > 1 else { return LoadTrace.Column(feature, .work(nil)) }
        var kinds: [String: LoadTrace.Kind] = ["need": .need(.performance)]
        for coreClass in CoreClass.allCases {
            kinds[coreClass.rawValue] = .work(coreClass)
            kinds["need-" + coreClass.rawValue] = .need(coreClass)
        }
        let name = String(parts[1])
        guard let kind = kinds[name] else {
            let hint = Nearest.hint(for: name, among: kinds.keys.sorted())
            mistake(line, "'\(cell)' ends in an unknown ':\(name)'\(hint)")
            return nil
        }
        return LoadTrace.Column(feature, kind)
    }

    private mutating func feature(_ cell: Substring, _ line: Int) -> FeatureID? {
        if let found = known.first(where: { $0.name == cell }) { return found }
        let hint = Nearest.hint(for: String(cell), among: known.map(\.name))
        mistake(line, "the policy has no feature '\(cell)'\(hint)")
        return nil
    }

    private mutating func takeRow(_ cells: [Substring], _ line: Int) {
        let expected = isRequests ? 3 : columns.count + 1
        guard cells.count == expected else {
            return mistake(line, "\(cells.count) cells stand where \(expected) are named")
        }
        guard let seconds = moment(cells[0], line) else { return }
        if isRequests {
            let feature = feature(cells[1], line)
            let cost = amount(cells[2], "cost", line)
            guard let feature, let cost else { return }
            requests.append(.init(at: .seconds(seconds), feature: feature, cost: cost))
        } else {
            var values: [Double?] = []
            for (cell, column) in zip(cells.dropFirst(), columns) {
                if hasEnough { return }
                values.append(
                    cell.isEmpty ? nil : amount(cell, "\(column.feature)'s load", line))
            }
            rows.append(.init(at: .seconds(seconds), values: values))
        }
    }

    private mutating func moment(_ cell: Substring, _ line: Int) -> Double? {
        guard let seconds = number(cell, "the time", line, most: TraceLimit.seconds) else {
            return nil
        }
        defer { last = (seconds, line) }
        if let last, seconds < last.seconds {
            mistake(line, "time goes back: \(cell) s, after line \(last.line) had a later one")
            return nil
        }
        if let last, seconds == last.seconds, !isRequests {
            mistake(line, "line \(last.line) is of the same time (\(cell) s)")
            return nil
        }
        return seconds
    }

    private mutating func amount(_ cell: Substring, _ what: String, _ line: Int) -> Double? {
        number(cell, what, line, most: TraceLimit.cores)
    }

    private mutating func number(
        _ cell: Substring, _ what: String, _ line: Int, most: Double
    ) -> Double? {
        guard let value = Double(cell), !cell.contains("x"), !cell.contains("X") else {
            mistake(line, "\(what) is '\(cell)', which is no number")
            return nil
        }
        guard value.isFinite else {
            mistake(line, "\(what) is \(cell), which is no finite number")
            return nil
        }
        guard value >= 0 else {
            mistake(line, "\(what) is \(cell) and cannot be below 0")
            return nil
        }
        guard value <= most else {
            mistake(line, "\(what) is \(cell) and can be at most \(Int(most))")
            return nil
        }
        return value
    }
}

extension LoadTrace {
    /// The trace that a file's bytes spell, for the features of a policy, or all of its mistakes.
    package static func read(
        _ bytes: [UInt8], name: String, features: [FeatureID]
    ) -> TraceReading {
        var parser = TraceParser(known: features)
        return parser.read(bytes, name: name)
    }
}
