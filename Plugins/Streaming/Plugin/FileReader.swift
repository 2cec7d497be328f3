import Glibc
import PoiseModel
import StreamingCore

/// Reads one file as chunks of whole lines.
final class FileReader {
    static let chunk = 128 << 10

    private let descriptor: Int32
    private let path: String
    private var cutter = LineCutter()
    private var pending: [UInt8] = []
    private var ended = false

    struct Failure: Error {
        var text: String
    }

    init(path: String) throws(Failure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(text: "cannot read \(path): \(Errno(errno)) (check source.path)")
        }
    }

    deinit { close(descriptor) }

    /// The format by the first line; nil for a file that holds none.
    func readFormat(_ finder: FormatFinder, name: String) throws(Failure) -> LineFormat? {
        guard let lines = try read() else { return nil }
        let first = Array(lines.prefix { $0 != UInt8(ascii: "\n") })
        guard let (format, isHeader) = finder.find(firstLine: first, name: name) else {
            throw Failure(
                text: "\(path): the first line is neither JSON nor CSV with a time column "
                    + "(name it in source.time)")
        }
        pending = isHeader ? Array(lines.dropFirst(first.count + 1)) : lines
        return format
    }

    /// The next whole lines; nil at the end.
    func next() throws(Failure) -> [UInt8]? {
        guard pending.isEmpty else {
            defer { pending = [] }
            return pending
        }
        return try read()
    }

    /// Lines that were too long since the last call.
    func takeTooLong() -> Int { cutter.takeTooLong() }

    private func read() throws(Failure) -> [UInt8]? {
        while !ended {
            let lines: [UInt8]
            switch Descriptor.read(descriptor, most: Self.chunk) {
            case .bytes(let bytes): lines = cutter.cut(bytes)
            case .end, .nothingNow:
                ended = true
                lines = cutter.finish()
            case .failed(let error):
                throw Failure(text: "cannot read \(path): \(error)")
            }
            if !lines.isEmpty { return lines }
        }
        return nil
    }
}
