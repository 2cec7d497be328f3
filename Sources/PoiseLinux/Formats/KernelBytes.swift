/// Numbers in the bytes of a kernel file, for what is read many times a second: no text is made.
enum KernelBytes {
    typealias Bytes = ArraySlice<UInt8>

    /// The decimal number at the beginning of `bytes`; nil when there is none or it is too large.
    static func number(_ bytes: Bytes) -> Int? {
        var value = 0
        var digits = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { break }
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, more) = tens.addingReportingOverflow(Int(byte - 0x30))
            if over || more { return nil }
            value = sum
            digits += 1
        }
        return digits > 0 ? value : nil
    }

    /// What follows `key` and a blank in the line that begins so; nil when no line does.
    static func line(_ key: StaticString, in bytes: Bytes) -> Bytes? {
        var rest = bytes
        while !rest.isEmpty {
            if let value = after(key, rest), value.first == 0x20 {
                return value.dropFirst().prefix { $0 != 0x0A }
            }
            rest = rest.drop { $0 != 0x0A }.dropFirst()
        }
        return nil
    }

    /// What follows the first occurrence of `mark`.
    static func after(first mark: StaticString, in bytes: Bytes) -> Bytes? {
        var rest = bytes
        while !rest.isEmpty {
            if let found = after(mark, rest) { return found }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// The words of `bytes`, which are numbers, up to the first that is none.
    static func numbers(_ bytes: Bytes) -> [Int] {
        var found: [Int] = []
        var rest = bytes.drop { $0 == 0x20 }
        while let next = number(rest) {
            found.append(next)
            rest = rest.drop { (0x30...0x39).contains($0) }.drop { $0 == 0x20 }
        }
        return found
    }

    /// What follows `start` when `bytes` begin with it.
    private static func after(_ start: StaticString, _ bytes: Bytes) -> Bytes? {
        let count = start.utf8CodeUnitCount
        guard bytes.count >= count else { return nil }
        let isSame = start.withUTF8Buffer { wanted in
            bytes.prefix(count).elementsEqual(wanted)
        }
        return isSame ? bytes.dropFirst(count) : nil
    }
}
