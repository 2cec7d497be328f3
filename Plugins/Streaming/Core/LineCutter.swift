/// Cuts a stream of bytes into chunks of whole lines and bounds what a line may hold.
package struct LineCutter: Sendable {
    private var rest: [UInt8] = []
    /// Whether the rest of a line that was too long is being thrown away.
    private var skipping = false
    /// Lines that were too long since they were last asked for.
    private var tooLong = 0

    package init() {}

    /// Adds bytes and gives the whole lines that are there now, each with its newline.
    package mutating func cut(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes[...]
        if skipping {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return [] }
            bytes = bytes[(end + 1)...]
            skipping = false
        }
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            rest += bytes
            dropTooLong()
            return []
        }
        let lines = rest + bytes[...end]
        rest = Array(bytes[(end + 1)...])
        dropTooLong()
        return lines
    }

    /// What is left at the end of the stream: a last line without its newline.
    package mutating func finish() -> [UInt8] {
        defer {
            rest = []
            skipping = false
        }
        return rest
    }

    /// Takes the number of lines that were too long since the last time.
    package mutating func takeTooLong() -> Int {
        defer { tooLong = 0 }
        return tooLong
    }

    private mutating func dropTooLong() {
        guard rest.count > LineParser.longestLine else { return }
        rest = []
        skipping = true
        tooLong += 1
    }
}
