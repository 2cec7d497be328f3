import CSystemd
import Glibc
import PoiseModel

/// The log of this system (`systemd-journald.service(8)`).
package enum Journal {
    /// How much a line matters, by the numbers of `syslog(3)`.
    package enum Priority: Int, Sendable, CaseIterable {
        case emergency, alert, critical, error, warning, notice, info, debug
    }

    /// Whether standard error goes to the journal, so that lines are better sent with their fields
    /// than written (`JOURNAL_STREAM`).
    package static var isOurOutput: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        var facts = stat()
        guard fstat(STDERR_FILENO, &facts) == 0 else { return false }
        return isStream(
            String(cString: stream), device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino))
    }

    /// Sends a line with fields beside it; lost without a word where no journal runs
    /// (`sd_journal_sendv(3)`). It waits while the journal's queue is full.
    ///
    /// - Parameter fields: names are 1 to 64 of `A`–`Z`, `0`–`9` and `_`, beginning with a letter;
    ///   values may be anything.
    package static func send(
        priority: Priority, message: String, fields: [(name: String, value: String)] = []
    ) throws(SystemError) {
        let lines = assignments(priority: priority, message: message, fields: fields)
        let code = withVectors(lines) { sd_journal_sendv($0.baseAddress, Int32($0.count)) }
        _ = try linuxCall("sd_journal_sendv", on: "the journal") { code }
    }

    /// The fields of a line as the journal takes them, each `NAME=value`.
    static func assignments(
        priority: Priority, message: String, fields: [(name: String, value: String)]
    ) -> [[UInt8]] {
        let own = [("MESSAGE", message), ("PRIORITY", "\(priority.rawValue)")]
        return (own + fields.map { ($0.name, $0.value) }).map { name, value in
            precondition(isFieldName(name), "\"\(name)\" is no name of a field of the journal")
            return Array("\(name)=\(value)".utf8)
        }
    }

    /// Whether the journal takes a field of this name from a program.
    static func isFieldName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let letters = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = bytes.first, bytes.count <= 64, letters.contains(first) else {
            return false
        }
        return bytes.allSatisfy {
            letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    /// Whether `DEVICE:INODE` names the file with these numbers.
    static func isStream(_ text: String, device: UInt64, inode: UInt64) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && UInt64(parts[0]) == device && UInt64(parts[1]) == inode
    }

    /// Shows all lines to C at once.
    private static func withVectors<Result>(
        _ lines: [[UInt8]], _ body: (UnsafeBufferPointer<iovec>) -> Result
    ) -> Result {
        var bytes = Array(lines.joined())
        return bytes.withUnsafeMutableBytes { all in
            var start = 0
            let vectors = lines.map { line in
                defer { start += line.count }
                return iovec(
                    iov_base: all.baseAddress.map { $0 + start }, iov_len: line.count)
            }
            return vectors.withUnsafeBufferPointer(body)
        }
    }
}
