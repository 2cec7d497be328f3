/// One numeric value of one series, as the parser left it: the key is still bytes in the batch.
struct Reading: Sendable {
    /// The stable hash of the whole series name.
    var hash: UInt64
    var time: EventTime
    /// The newest event time of the same chunk before this reading.
    var newestBefore: EventTime
    var value: Double
    /// Where the key begins: in the chunk's bytes, or, from `spillBase` on, in the spilled ones.
    var keyOffset: UInt32
    var keyLength: UInt16
    /// Index into the batch's columns; -1 when the series is named by the key alone.
    var column: Int16

    static let spillBase: UInt32 = 1 << 30
    static let ownName: Int16 = -1
}

/// Why a line was refused.
package enum Malformation: Int, CaseIterable, Sendable {
    /// No object or no CSV row at all, or text behind it.
    case syntax
    /// A row with another number of fields than the header.
    case fieldCount
    case noTime
    /// So far ahead that taking it would make everything else late.
    case ahead
    case noKey
    case noValue
    /// Longer than a line may be.
    case tooLong

    package var text: String {
        switch self {
        case .syntax: "not a flat JSON object or CSV row"
        case .fieldCount: "not as many fields as the header has columns"
        case .noTime: "no readable time"
        case .ahead: "a time more than a day ahead of this machine's clock"
        case .noKey: "no readable key"
        case .noValue: "no readable number"
        case .tooLong: "line too long"
        }
    }
}

/// What parsing made of one chunk of bytes: readings, ordered by partition and within a partition
/// as they came.
package struct ParsedBatch: Sendable {
    var bytes: [UInt8]
    /// Keys that had to be unescaped.
    var spill: [UInt8] = []
    var columns: [[UInt8]] = []
    var readings: [Reading] = []
    /// `readings[offsets[p]..<offsets[p + 1]]` belong to partition p; empty before sorting.
    var offsets: [Int] = []
    /// The newest and oldest event time of the chunk; nil without readings.
    var newest: EventTime?
    var oldest: EventTime?
    package var lines = 0
    package var malformed = 0
    /// The first refused line of the chunk, cut to a bearable length, and why.
    package var sample: (reason: Malformation, text: String)?

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func append(_ reading: Reading) {
        readings.append(reading)
        newest = max(newest ?? reading.time, reading.time)
        oldest = min(oldest ?? reading.time, reading.time)
    }

    mutating func refuse(_ reason: Malformation, _ range: Range<Int>) {
        malformed += 1
        guard sample == nil else { return }
        let cut = range.lowerBound..<min(range.upperBound, range.lowerBound + 120)
        sample = (reason, String(decoding: bytes[cut], as: UTF8.self))
    }

    /// Orders the readings by partition with a counting sort, which keeps the order of a key.
    mutating func sort(partitions count: Int) {
        offsets = [Int](repeating: 0, count: count + 1)
        for reading in readings {
            offsets[KeyHash.partition(reading.hash, of: count) + 1] += 1
        }
        for index in 0..<count { offsets[index + 1] += offsets[index] }
        var next = offsets
        let unsorted = readings
        readings.withUnsafeMutableBufferPointer { sorted in
            for reading in unsorted {
                let partition = KeyHash.partition(reading.hash, of: count)
                sorted[next[partition]] = reading
                next[partition] += 1
            }
        }
    }

    /// The bytes of a reading's series name: the key, and `.column` where there is one.
    func name(of reading: Reading) -> [UInt8] {
        var name: [UInt8]
        if reading.keyOffset >= Reading.spillBase {
            let start = Int(reading.keyOffset - Reading.spillBase)
            name = Array(spill[start..<start + Int(reading.keyLength)])
        } else {
            let start = Int(reading.keyOffset)
            name = Array(bytes[start..<start + Int(reading.keyLength)])
        }
        if reading.column != Reading.ownName {
            name.append(UInt8(ascii: "."))
            name += columns[Int(reading.column)]
        }
        return name
    }

    /// Whether a reading's series has this name, without making a copy of it.
    func isName(of reading: Reading, _ name: [UInt8]) -> Bool {
        let spilled = reading.keyOffset >= Reading.spillBase
        let start = Int(spilled ? reading.keyOffset - Reading.spillBase : reading.keyOffset)
        let length = Int(reading.keyLength)
        let suffix = reading.column == Reading.ownName ? nil : columns[Int(reading.column)]
        guard name.count == length + (suffix.map { $0.count + 1 } ?? 0) else { return false }
        let source = spilled ? spill.span : bytes.span
        for index in 0..<length where source[start + index] != name[index] { return false }
        guard let suffix else { return true }
        for index in suffix.indices where suffix[index] != name[length + 1 + index] {
            return false
        }
        return name[length] == UInt8(ascii: ".")
    }
}

extension ParsedBatch {
    /// The readings as text, `name time value`, by partition.
    package var told: [String] {
        readings.map { reading in
            "\(String(decoding: name(of: reading), as: UTF8.self)) \(reading.time) \(reading.value)"
        }
    }
}
