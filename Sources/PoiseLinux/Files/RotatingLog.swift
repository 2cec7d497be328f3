import Glibc
import PoiseModel

/// A log file that never grows beyond a bound and never stops the one who writes it.
///
/// When the next line would pass the bound, the file becomes `PATH.1`, in the place of the one
/// before, and a new one is begun: at most twice the bound is on disk. What cannot be written is
/// lost and counted.
package struct RotatingLog: ~Copyable {
    package let path: String
    /// Lines that could not be written, ever.
    package private(set) var lostLines = 0

    private let limitBytes: Int
    private var file: FileDescriptor?
    private var size = 0
    /// Devices and pipes have no bound and must not be renamed.
    private var isRegular = false
    /// The last line was cut short, so the next one must not be glued to it.
    private var isTorn = false
    private var failure: SystemError?
    private var isFailing = false

    /// Appends to `path`, which is opened with the first line.
    package init(_ path: String, limitBytes: Int) {
        precondition(limitBytes > 0, "a log of \(limitBytes) bytes cannot hold a line")
        self.path = path
        self.limitBytes = limitBytes
    }

    /// Appends one line; the newline is added.
    ///
    /// A line longer than the bound is cut to it.
    package mutating func append(_ line: String) {
        var bytes = Array((isTorn ? "\n" : "").utf8) + Array(line.utf8.prefix(limitBytes - 1))
        bytes.append(UInt8(ascii: "\n"))
        do throws(SystemError) {
            let file = try ready(for: bytes.count)
            try write(bytes, to: file)
            isFailing = false
        } catch {
            lostLines += 1
            if !isFailing { failure = error }
            isFailing = true
        }
    }

    /// The first error since writing last went well, once: to be told elsewhere.
    package mutating func takeFailure() -> SystemError? {
        defer { failure = nil }
        return failure
    }

    private mutating func ready(for count: Int) throws(SystemError) -> FileDescriptor {
        if let file, !isRegular || size + count <= limitBytes { return file }
        if file == nil { file = try open() }
        if isRegular && size > 0 && size + count > limitBytes {
            file = nil
            _ = try systemCall("rename", on: path) { rename(path, path + ".1") }
            file = try open()
        }
        guard let file else { preconditionFailure("\(path) is neither open nor failed") }
        return file
    }

    private mutating func open() throws(SystemError) -> FileDescriptor {
        let file = try FileDescriptor.open(
            path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, mode: 0o640)
        var facts = stat()
        _ = try systemCall("fstat", on: path) { fstat(file.number, &facts) }
        isRegular = facts.st_mode & S_IFMT == S_IFREG
        size = Int(facts.st_size)
        isTorn = false
        return file
    }

    private mutating func write(
        _ bytes: [UInt8], to file: FileDescriptor
    ) throws(SystemError) {
        var rest = bytes[...]
        defer {
            size += bytes.count - rest.count
            if rest.count < bytes.count { isTorn = !rest.isEmpty }
        }
        while !rest.isEmpty {
            guard let count = try file.write(rest) else {
                throw SystemError("write", on: path, .tryAgain)
            }
            rest = rest.dropFirst(count)
        }
    }
}
