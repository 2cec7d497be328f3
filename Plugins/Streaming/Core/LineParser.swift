/// Turns a chunk of whole lines into a `ParsedBatch`; keeps its scratch space between chunks.
///
/// A line that cannot be read is counted, and the first of a chunk kept as a sample; nothing in
/// the bytes can do more than that.
package struct LineParser: Sendable {
    package static let longestLine = 65_536
    static let longestKey = 1024
    static let mostColumns = 256

    let format: LineFormat
    /// Added to every event time, so that a repeated file goes on where it ended.
    let shift: Int
    /// Times after this are refused.
    let latest: EventTime
    var json = JSONScratch()

    package init(format: LineFormat, shift: Int = 0, latest: EventTime = .end) {
        self.format = format
        self.shift = shift
        self.latest = latest
    }

    /// Parses whole lines; the last one may lack its newline.
    package mutating func parse(_ bytes: [UInt8], partitions: Int) -> ParsedBatch {
        var batch = ParsedBatch(bytes: bytes)
        batch.readings.reserveCapacity(bytes.count / 24 + 1)
        switch format {
        case .csv(let layout):
            var row = CSVRow(layout: layout, shift: shift, latest: latest)
            batch.columns = layout.columns
            batch.spill = layout.defaultKey
            forEachLine(of: bytes) { line in row.parse(bytes.span, line, into: &batch) }
        case .json(let layout):
            json.begin(layout: layout, batch: &batch)
            (json.shift, json.latest) = (shift, latest)
            forEachLine(of: bytes) { line in json.parse(bytes.span, line, into: &batch) }
            batch.columns = json.columns
        }
        batch.sort(partitions: partitions)
        return batch
    }

    /// Gives the range of every line that is not blank, without its line end.
    private func forEachLine(of bytes: [UInt8], _ body: (Range<Int>) -> Void) {
        let span = bytes.span
        var start = 0
        while start < span.count {
            var end = start
            while end < span.count, span[end] != UInt8(ascii: "\n") { end += 1 }
            var last = end
            if last > start, span[last - 1] == UInt8(ascii: "\r") { last -= 1 }
            if last > start { body(start..<last) }
            start = end + 1
        }
    }
}
