import Glibc
import PoiseModel

/// Why a file is not read at all.
struct RefusedFile: Error {
    let text: String
}

/// Reads a whole file of bounded size.
enum PolicyBytes {
    /// The bytes of the regular file at `path`; its size is asked first (`fstat(2)`), so that a
    /// large one costs nothing.
    static func read(path: String) throws(RefusedFile) -> [UInt8] {
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw RefusedFile(text: "the file cannot be opened: \(Errno(errno))")
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw RefusedFile(text: "the file cannot be examined: \(Errno(errno))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw RefusedFile(text: "this is a folder (name the policy file in it)")
        default: throw RefusedFile(text: "this is no regular file (name a policy file)")
        }
        guard status.st_size <= PolicyLimit.fileBytes else {
            throw RefusedFile(text: tooLarge(Int(status.st_size)))
        }
        return try contents(of: descriptor)
    }

    private static func contents(of descriptor: Int32) throws(RefusedFile) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw RefusedFile(text: "the file cannot be read: \(Errno(errno))")
            }
            bytes += chunk[..<count]
            // The file may have grown since its size was asked.
            guard bytes.count <= PolicyLimit.fileBytes else {
                throw RefusedFile(text: tooLarge(bytes.count))
            }
        }
    }

    static func tooLarge(_ bytes: Int) -> String {
        "the file has \(bytes) bytes; a policy has at most \(PolicyLimit.fileBytes) (1 MiB)"
    }
}
