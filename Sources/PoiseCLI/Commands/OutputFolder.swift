import Glibc
import PoiseModel

/// Files that a command writes.
enum OutputFolder {
    /// Makes the folder and those above it; it may be there, but must be empty (`mkdir(2)`).
    static func make(_ path: String) throws(CommandFailure) {
        try makeAll(path)
        guard let stream = opendir(path) else { throw failed("making", path, Errno(errno)) }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name == "." || name == ".." else {
                throw CommandFailure(
                    .no, "writing failed on \(path): it is not empty (name another by --into)")
            }
        }
    }

    /// Writes a new file, and makes its folders.
    static func write(_ text: String, to path: String) throws(CommandFailure) {
        if let slash = path.lastIndex(of: "/") { try makeAll(String(path[..<slash])) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failed("writing", path, Errno(errno)) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = Errno(count == 0 ? EIO : errno)
                close(descriptor)
                throw failed("writing", path, error)
            }
            rest = rest.dropFirst(count)
        }
        guard close(descriptor) == 0 else { throw failed("writing", path, Errno(errno)) }
    }

    private static func makeAll(_ path: String) throws(CommandFailure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o777) != 0, errno != EEXIST else { continue }
            // A folder that is there may answer otherwise when it may not be written to.
            guard access(made, F_OK) != 0 else { continue }
            throw failed("making", made, Errno(errno))
        }
    }

    private static func failed(_ verb: String, _ path: String, _ error: Errno) -> CommandFailure {
        CommandFailure(
            .no, "\(verb) failed on \(path): \(error) (name a folder that you may write to)")
    }
}
