/// Reads one CSV row by a layout; holds the scratch of a row.
struct CSVRow {
    private let layout: CSVLayout
    private let shift: Int
    private let latest: EventTime
    private let defaultHash: KeyHash
    private var values: [(column: Int16, value: Double)] = []

    init(layout: CSVLayout, shift: Int, latest: EventTime) {
        self.layout = layout
        self.shift = shift
        self.latest = latest
        var hash = KeyHash()
        hash.add(layout.defaultKey)
        defaultHash = hash
    }

    mutating func parse(_ bytes: Bytes, _ line: Range<Int>, into batch: inout ParsedBatch) {
        batch.lines += 1
        if let reason = read(bytes, line, into: &batch) { batch.refuse(reason, line) }
    }

    private mutating func read(
        _ bytes: Bytes, _ line: Range<Int>, into batch: inout ParsedBatch
    ) -> Malformation? {
        guard line.count <= LineParser.longestLine else { return .tooLong }
        values.removeAll(keepingCapacity: true)
        var position = line.lowerBound
        var key: Range<Int>?
        var time: EventTime?
        for index in layout.roles.indices {
            guard position <= line.upperBound else { return .fieldCount }
            guard let field = nextField(bytes, &position, line.upperBound) else { return .syntax }
            switch layout.roles[index] {
            case .ignored: break
            case .key: key = field
            case .time: time = FieldScan.time(bytes, field)
            case .value:
                if let reason = take(bytes, field, Reading.ownName) { return reason }
            case .named(let column):
                if let reason = take(bytes, field, column) { return reason }
            }
        }
        guard position > line.upperBound else { return .fieldCount }
        guard let time else { return .noTime }
        guard time <= latest else { return .ahead }
        guard !values.isEmpty else { return .noValue }
        return emit(bytes, key, time.advanced(by: shift), into: &batch)
    }

    /// A text in a named column is no mistake, it is just no series; one in `value` is.
    private mutating func take(
        _ bytes: Bytes, _ field: Range<Int>, _ column: Int16
    ) -> Malformation? {
        guard !field.isEmpty else { return nil }
        if let value = FieldScan.wholeNumber(bytes, field) {
            values.append((column, value))
            return nil
        }
        return column == Reading.ownName ? .noValue : nil
    }

    /// The next field without its quotes; a doubled quote inside is refused for brevity's sake.
    private func nextField(_ bytes: Bytes, _ position: inout Int, _ end: Int) -> Range<Int>? {
        var start = position
        if start < end, bytes[start] == UInt8(ascii: "\"") {
            start += 1
            var close = start
            while close < end, bytes[close] != UInt8(ascii: "\"") { close += 1 }
            guard close < end, close + 1 == end || bytes[close + 1] == UInt8(ascii: ",") else {
                return nil
            }
            position = close + 2
            return start..<close
        }
        var stop = start
        while stop < end, bytes[stop] != UInt8(ascii: ",") { stop += 1 }
        position = stop + 1
        return start..<stop
    }

    private func emit(
        _ bytes: Bytes, _ key: Range<Int>?, _ time: EventTime, into batch: inout ParsedBatch
    ) -> Malformation? {
        var hash = defaultHash
        var offset = Reading.spillBase
        var length = layout.defaultKey.count
        if let key {
            guard !key.isEmpty, key.count <= LineParser.longestKey else { return .noKey }
            hash = KeyHash()
            hash.add(bytes, key)
            offset = UInt32(key.lowerBound)
            length = key.count
        }
        let before = batch.newest ?? .beginning
        for (column, value) in values {
            var own = hash
            if column != Reading.ownName {
                own.add(UInt8(ascii: "."))
                own.add(layout.columns[Int(column)])
            }
            batch.append(
                Reading(
                    hash: own.value, time: time, newestBefore: before, value: value,
                    keyOffset: offset, keyLength: UInt16(length), column: column))
        }
        return nil
    }
}
