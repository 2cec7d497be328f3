import Glibc
import PoiseModel
import PoiseTestSupport

/// Real files for tests.
enum Files {
    static func temporaryFolder() throws -> String {
        var name = Array((Repository.temporary + "/streaming-XXXXXX").utf8CString)
        guard mkdtemp(&name) != nil else { throw Errno(errno) }
        return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw Errno(errno) }
        defer { close(file) }
        for start in stride(from: 0, to: text.utf8.count, by: 1 << 16) {
            let piece = Array(text.utf8.dropFirst(start).prefix(1 << 16))
            guard Glibc.write(file, piece, piece.count) == piece.count else { throw Errno(errno) }
        }
    }

    static func read(_ path: String) -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[0..<count]
        }
    }
}
