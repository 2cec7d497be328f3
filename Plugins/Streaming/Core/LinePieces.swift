/// A chunk of lines that is given out some lines at a time, for pacing.
package struct LinePieces: Sendable {
    private let bytes: [UInt8]
    private var position = 0
    /// Lines that are left.
    package private(set) var count: Int

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var lines = 0
        for byte in bytes where byte == UInt8(ascii: "\n") { lines += 1 }
        if let last = bytes.last, last != UInt8(ascii: "\n") { lines += 1 }
        count = lines
    }

    /// The next `lines` lines, or as many as there are.
    package mutating func take(_ lines: Int) -> [UInt8] {
        guard lines < count else {
            defer {
                position = bytes.count
                count = 0
            }
            return position == 0 ? bytes : Array(bytes[position...])
        }
        var left = lines
        var end = position
        while left > 0 {
            if bytes[end] == UInt8(ascii: "\n") { left -= 1 }
            end += 1
        }
        defer {
            position = end
            count -= lines
        }
        return Array(bytes[position..<end])
    }
}
