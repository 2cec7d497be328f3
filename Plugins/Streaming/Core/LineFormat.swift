/// How the lines of a stream are written.
package enum LineFormat: Sendable, Equatable {
    case json(JSONLayout)
    case csv(CSVLayout)
}

/// Which fields of a JSON line are key and time; every other number is a value.
package struct JSONLayout: Sendable, Equatable {
    var keyNames: [[UInt8]]
    var timeNames: [[UInt8]]
    /// The series name of lines without a key.
    var defaultKey: [UInt8]

    package init(key: String? = nil, time: String? = nil, defaultKey: String) {
        keyNames = key.map { [Array($0.utf8)] } ?? FieldNames.keys
        timeNames = time.map { [Array($0.utf8)] } ?? FieldNames.times
        self.defaultKey = Array(defaultKey.utf8)
    }
}

/// What each column of a CSV file is.
package struct CSVLayout: Sendable, Equatable {
    enum Role: Sendable, Equatable {
        case key, time, ignored
        /// A number that is named by the key alone.
        case value
        /// A number that is named by key and column (index into `columns`).
        case named(Int16)
    }

    var roles: [Role]
    var columns: [[UInt8]]
    var defaultKey: [UInt8]

    /// Whether the rows name their series themselves.
    package var hasKey: Bool { roles.contains(.key) }
}

enum FieldNames {
    static let keys = ["key", "series", "metric", "id", "name", "host"].map { Array($0.utf8) }
    static let times = ["time", "timestamp", "ts", "date", "t", "datetime"].map { Array($0.utf8) }
    static let value = Array("value".utf8)
}

extension CSVLayout {
    /// What the first line of a file tells: a header with a time column, or, when every field of
    /// it reads as a time or number, rows of `time,value` or `time,key,value` without a header.
    ///
    /// Gives nil when neither fits; `isHeader` tells whether the line is used up.
    package static func read(
        firstLine: [UInt8], key: String? = nil, time: String? = nil, defaultKey: String
    ) -> (layout: CSVLayout, isHeader: Bool)? {
        let fields = split(firstLine)
        let name = Array(defaultKey.utf8)
        if FieldScan.isTime(fields[0]) {
            guard key == nil, time == nil else { return nil }
            switch fields.count {
            case 2:
                return (CSVLayout(roles: [.time, .value], columns: [], defaultKey: name), false)
            case 3:
                let roles: [Role] = [.time, .key, .value]
                return (CSVLayout(roles: roles, columns: [], defaultKey: name), false)
            default: return nil
            }
        }
        let keyNames = key.map { [Array($0.utf8)] } ?? FieldNames.keys
        let timeNames = time.map { [Array($0.utf8)] } ?? FieldNames.times
        guard fields.count < Int(Int16.max),
            let timeColumn = fields.firstIndex(where: { timeNames.contains(lowercased($0)) })
        else { return nil }
        let keyColumn = fields.firstIndex { keyNames.contains(lowercased($0)) }
        guard key == nil || keyColumn != nil else { return nil }
        var layout = CSVLayout(roles: [], columns: [], defaultKey: name)
        for (index, field) in fields.enumerated() {
            layout.append(field, isTime: index == timeColumn, isKey: index == keyColumn)
        }
        return (layout, true)
    }

    private mutating func append(_ field: [UInt8], isTime: Bool, isKey: Bool) {
        if isTime {
            roles.append(.time)
        } else if isKey {
            roles.append(.key)
        } else if Self.lowercased(field) == FieldNames.value {
            roles.append(.value)
        } else {
            roles.append(.named(Int16(columns.count)))
            columns.append(field)
        }
    }

    private static func split(_ line: [UInt8]) -> [[UInt8]] {
        line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { field in
            field.filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\r") }
        }
    }

    private static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}

extension FieldScan {
    static func isTime(_ field: [UInt8]) -> Bool {
        time(field.span, 0..<field.count) != nil
    }
}
