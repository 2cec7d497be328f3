/// Reads flat JSON objects, one a line, and remembers the field names it has met in a chunk so
/// that the usual line, fields in the usual order, costs one comparison a field.
///
/// Nested values are skipped, texts that are neither key nor time too.
struct JSONScratch: Sendable {
    private enum Role: Sendable, Equatable {
        case key, time
        case value(Int16)
    }

    private struct Field: Sendable {
        var name: [UInt8]
        var role: Role
    }

    private struct Line {
        var key: (offset: UInt32, length: Int)?
        var keyIsBad = false
        var time: EventTime?
        var position: Int
        let end: Int
        var fields = 0
    }

    private var layout = JSONLayout(defaultKey: "")
    var shift = 0
    var latest = EventTime.end
    private var fields: [Field] = []
    private var values: [(column: Int16, value: Double)] = []
    private(set) var columns: [[UInt8]] = []

    mutating func begin(layout: JSONLayout, batch: inout ParsedBatch) {
        if self.layout != layout { fields = [] }
        if fields.isEmpty { columns = [] }
        self.layout = layout
        batch.spill = layout.defaultKey
    }

    mutating func parse(_ bytes: Bytes, _ range: Range<Int>, into batch: inout ParsedBatch) {
        var line = Line(position: range.lowerBound, end: range.upperBound)
        batch.lines += 1
        if let reason = read(bytes, &line, into: &batch) { batch.refuse(reason, range) }
    }

    private mutating func read(
        _ bytes: Bytes, _ line: inout Line, into batch: inout ParsedBatch
    ) -> Malformation? {
        guard line.end - line.position <= LineParser.longestLine else { return .tooLong }
        values.removeAll(keepingCapacity: true)
        guard take("{", bytes, &line) else { return .syntax }
        if !take("}", bytes, &line) {
            repeat {
                guard readMember(bytes, &line, into: &batch) else { return .syntax }
            } while take(",", bytes, &line)
            guard take("}", bytes, &line) else { return .syntax }
        }
        skipBlanks(bytes, &line)
        guard line.position == line.end else { return .syntax }
        guard !line.keyIsBad else { return .noKey }
        guard let time = line.time else { return .noTime }
        guard time <= latest else { return .ahead }
        guard !values.isEmpty else { return .noValue }
        emit(bytes, line, time.advanced(by: shift), into: &batch)
        return nil
    }

    private mutating func readMember(
        _ bytes: Bytes, _ line: inout Line, into batch: inout ParsedBatch
    ) -> Bool {
        skipBlanks(bytes, &line)
        guard let name = scanText(bytes, &line), take(":", bytes, &line) else { return false }
        let role = role(bytes, name.range, at: line.fields)
        line.fields += 1
        skipBlanks(bytes, &line)
        guard line.position < line.end else { return false }
        switch bytes[line.position] {
        case UInt8(ascii: "\""):
            guard let text = scanText(bytes, &line) else { return false }
            return takeText(bytes, text, role, &line, into: &batch)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested(bytes, &line)
        case UInt8(ascii: "t"): return skipWord("true", bytes, &line)
        case UInt8(ascii: "f"): return skipWord("false", bytes, &line)
        case UInt8(ascii: "n"): return skipWord("null", bytes, &line)
        default: return takeNumber(bytes, role, &line)
        }
    }

    private func takeText(
        _ bytes: Bytes, _ text: (range: Range<Int>, escaped: Bool), _ role: Role?,
        _ line: inout Line, into batch: inout ParsedBatch
    ) -> Bool {
        switch role {
        case .time:
            if line.time == nil { line.time = FieldScan.time(bytes, text.range) }
        case .key:
            guard line.key == nil else { return true }
            if text.escaped {
                let start = batch.spill.count
                guard JSONText.unescape(bytes, text.range, into: &batch.spill) else { return false }
                let length = batch.spill.count - start
                line.key = (Reading.spillBase + UInt32(start), length)
            } else {
                line.key = (UInt32(text.range.lowerBound), text.range.count)
            }
        case .value, nil: break
        }
        if let key = line.key {
            line.keyIsBad = key.length == 0 || key.length > LineParser.longestKey
        }
        return true
    }

    private mutating func takeNumber(_ bytes: Bytes, _ role: Role?, _ line: inout Line) -> Bool {
        let start = line.position
        guard bytes[start] != UInt8(ascii: "+"),
            let value = FieldScan.number(bytes, at: &line.position, to: line.end)
        else { return false }
        switch role {
        case .time:
            if line.time == nil { line.time = EventTime(epoch: value) }
        case .key:
            if line.key == nil { line.key = (UInt32(start), line.position - start) }
        case .value(let column): values.append((column, value))
        case nil: break
        }
        return true
    }

    private func emit(
        _ bytes: Bytes, _ line: Line, _ time: EventTime, into batch: inout ParsedBatch
    ) {
        let (offset, length) = line.key ?? (Reading.spillBase, layout.defaultKey.count)
        var hash = KeyHash()
        if offset >= Reading.spillBase {
            let start = Int(offset - Reading.spillBase)
            hash.add(batch.spill.span, start..<start + length)
        } else {
            hash.add(bytes, Int(offset)..<Int(offset) + length)
        }
        let before = batch.newest ?? .beginning
        for (column, value) in values {
            var own = hash
            if column != Reading.ownName {
                own.add(UInt8(ascii: "."))
                own.add(columns[Int(column)])
            }
            batch.append(
                Reading(
                    hash: own.value, time: time, newestBefore: before, value: value,
                    keyOffset: offset, keyLength: UInt16(length), column: column))
        }
    }

    /// What a field is; nil for one beyond the number of names that are kept.
    private mutating func role(_ bytes: Bytes, _ name: Range<Int>, at index: Int) -> Role? {
        if index < fields.count, matches(bytes, name, fields[index].name) {
            return fields[index].role
        }
        for field in fields where matches(bytes, name, field.name) { return field.role }
        guard fields.count < LineParser.mostColumns, name.count <= LineParser.longestKey else {
            return nil
        }
        var copy: [UInt8] = []
        for index in name { copy.append(bytes[index]) }
        let role: Role
        if layout.keyNames.contains(copy) {
            role = .key
        } else if layout.timeNames.contains(copy) {
            role = .time
        } else if copy == FieldNames.value {
            role = .value(Reading.ownName)
        } else {
            role = .value(Int16(columns.count))
            columns.append(copy)
        }
        fields.append(Field(name: copy, role: role))
        return role
    }

    private func matches(_ bytes: Bytes, _ range: Range<Int>, _ name: [UInt8]) -> Bool {
        guard range.count == name.count else { return false }
        for index in name.indices where bytes[range.lowerBound + index] != name[index] {
            return false
        }
        return true
    }
}

extension JSONScratch {
    private func skipBlanks(_ bytes: Bytes, _ line: inout Line) {
        while line.position < line.end,
            bytes[line.position] == UInt8(ascii: " ") || bytes[line.position] == UInt8(ascii: "\t")
        {
            line.position += 1
        }
    }

    private func take(_ mark: Unicode.Scalar, _ bytes: Bytes, _ line: inout Line) -> Bool {
        skipBlanks(bytes, &line)
        guard line.position < line.end, bytes[line.position] == UInt8(ascii: mark) else {
            return false
        }
        line.position += 1
        return true
    }

    private func scanText(
        _ bytes: Bytes, _ line: inout Line
    ) -> (range: Range<Int>, escaped: Bool)? {
        guard line.position < line.end, bytes[line.position] == UInt8(ascii: "\"") else {
            return nil
        }
        let start = line.position + 1
        var escaped = false
        var position = start
        while position < line.end {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                line.position = position + 1
                return (start..<position, escaped)
            }
            guard byte >= 0x20 else { return nil }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                position += 1
            }
            position += 1
        }
        return nil
    }

    private func skipWord(_ word: StaticString, _ bytes: Bytes, _ line: inout Line) -> Bool {
        let start = line.position
        guard start + word.utf8CodeUnitCount <= line.end else { return false }
        line.position += word.utf8CodeUnitCount
        return word.withUTF8Buffer { letters in
            for index in letters.indices where bytes[start + index] != letters[index] {
                return false
            }
            return true
        }
    }

    /// Steps over an object or list by counting brackets outside of texts.
    private func skipNested(_ bytes: Bytes, _ line: inout Line) -> Bool {
        var depth = 0
        while line.position < line.end {
            switch bytes[line.position] {
            case UInt8(ascii: "\""):
                guard scanText(bytes, &line) != nil else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            line.position += 1
            if depth == 0 { return true }
        }
        return false
    }
}
