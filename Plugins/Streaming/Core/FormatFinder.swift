/// Finds out how a stream's lines are written, from its first line.
package struct FormatFinder: Sendable {
    private let format: StreamingConfiguration.Format
    private let key: String?
    private let time: String?

    package init(_ configuration: StreamingConfiguration) {
        format = configuration.format
        key = configuration.keyField
        time = configuration.timeField
    }

    /// The format, and whether the first line is a header and used up; nil when the first line is
    /// neither JSON nor CSV with a time.
    ///
    /// `name` is the series of lines without a key.
    package func find(firstLine: [UInt8], name: String) -> (format: LineFormat, isHeader: Bool)? {
        let line = Self.trimmed(firstLine)
        let isJSON = format == .json || (format == .auto && line.first == UInt8(ascii: "{"))
        if isJSON {
            return (.json(JSONLayout(key: key, time: time, defaultKey: name)), false)
        }
        guard
            let (layout, isHeader) = CSVLayout.read(
                firstLine: line, key: key, time: time, defaultKey: name)
        else { return nil }
        return (.csv(layout), isHeader)
    }

    /// Without blanks in front, carriage return behind, or a byte order mark.
    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        var line = line[...]
        if line.starts(with: [0xef, 0xbb, 0xbf]) { line = line.dropFirst(3) }
        while let first = line.first, first == 0x20 || first == 0x09 { line = line.dropFirst() }
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return Array(line)
    }

    /// The format of the lines that the system source makes: `time,key,value`.
    package static let system = LineFormat.csv(
        CSVLayout(roles: [.time, .key, .value], columns: [], defaultKey: []))
}
