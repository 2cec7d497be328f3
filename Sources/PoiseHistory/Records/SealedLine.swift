import PoiseModel

/// Lines of JSON, each with a sum over itself and all before it: a line that was changed, lost or
/// cut is found, and where.
///
/// The sum is the last member of each object, `"sum":"0123456789abcdef"` (FNV-1a).
struct SealedLine {
    private static let key = Array(#","sum":""#.utf8)
    private static let end = Array(#""}"#.utf8)

    /// The sum of all lines so far.
    private(set) var sum = Fingerprint()

    /// The line of the text of an object with at least one member, with its sum and newline.
    mutating func seal(_ object: String) -> [UInt8] {
        var bytes = Array(object.utf8)
        precondition(bytes.count > 2 && bytes.last == UInt8(ascii: "}"), "\(object) has no members")
        bytes.removeLast()
        sum.add(bytes)
        bytes += SealedLine.key
        bytes += Array(sum.description.utf8)
        bytes += SealedLine.end
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// Whether a line (without its newline) is as it was written after those before it.
    mutating func check(_ line: ArraySlice<UInt8>) -> Bool {
        let tail = SealedLine.key.count + 16 + SealedLine.end.count
        guard line.count > tail else { return false }
        let body = line.dropLast(tail)
        var expected = sum
        expected.add(body)
        let written =
            SealedLine.key + Array(expected.description.utf8) + SealedLine.end
        guard line.suffix(tail).elementsEqual(written) else { return false }
        sum = expected
        return true
    }
}
