import PoiseModel

/// `GET` of a path, of which only the status line of the answer is read (RFC 9112).
struct HTTPDialogue: ProbeDialogue {
    let opening: [UInt8]
    let mostBytes = 4096
    /// Nil takes any from 200 to 399.
    private let wanted: Int?
    private var line: [UInt8] = []
    /// A status line is no longer.
    private static let longestLine = 1024

    init(_ address: NetworkAddress, path: String, status: Int?) {
        wanted = status
        let lines = [
            "GET \(path) HTTP/1.1", "Host: \(address)", "User-Agent: poised", "Accept: */*",
            "Connection: close", "", "",
        ]
        opening = Array(lines.joined(separator: "\r\n").utf8)
    }

    mutating func take(_ bytes: [UInt8]) -> ProbeStep {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") { return .done(answer) }
            line.append(byte)
            if line.count > HTTPDialogue.longestLine {
                return .done(.failed("answers with a line that has no end"))
            }
        }
        return .more([])
    }

    mutating func end() -> ProbeAnswer {
        .failed(line.isEmpty ? "closed without an answer" : "closed within its status line")
    }

    /// `HTTP/1.1 200 OK`.
    private var answer: ProbeAnswer {
        let digit: (UInt8) -> Bool = { (48...57).contains($0) }
        let bytes = line.last == 13 ? line.dropLast() : line[...]
        guard bytes.count >= 12, bytes.starts(with: Array("HTTP/1.".utf8)), digit(bytes[7]),
            bytes[8] == 32, bytes[9..<12].allSatisfy(digit), bytes.count == 12 || bytes[12] == 32
        else { return .failed("does not answer in HTTP/1") }
        let status = bytes[9..<12].reduce(0) { $0 * 10 + Int($1 - 48) }
        let isGood = wanted.map { $0 == status } ?? (200...399).contains(status)
        let other = wanted.map { ", not \($0)" } ?? ""
        return isGood ? .passed : .failed("answers with status \(status)\(other)")
    }
}
