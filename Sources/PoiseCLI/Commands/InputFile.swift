import Glibc
import PoiseModel
import PoiseWire

/// Files that the operator names.
enum InputFile {
    /// The bytes of a file of at most 16 MiB; `-` is standard input.
    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        let failed = { (why: String) in
            CommandFailure(.no, "reading failed on \(path): \(why) (name a file you may read)")
        }
        // A named pipe that nobody writes to would keep a plain open waiting for ever.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
        let descriptor = open(path == "-" ? "/dev/stdin" : path, flags)
        guard descriptor >= 0 else { throw failed("\(Errno(errno))") }
        defer { close(descriptor) }
        guard fcntl(descriptor, F_SETFL, O_RDONLY) == 0 else { throw failed("\(Errno(errno))") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("\(Errno(errno))") }
            bytes += chunk[..<count]
            guard bytes.count <= JSON.longestText else { throw failed("it is over 16 MiB") }
        }
    }

    /// The JSON document in a file.
    static func json(_ path: String) throws(CommandFailure) -> JSON {
        let bytes = try read(path)
        do throws(JSONError) {
            return try JSON.parse(bytes)
        } catch {
            let place = "\(path):\(error.line):\(error.column)"
            throw CommandFailure(
                .no, "\(place): error: \(error.text) (write a JSON document)", prefixed: false)
        }
    }

    /// The absolute path of a file that is there (`realpath(3)`).
    static func absolute(_ path: String) throws(CommandFailure) -> String {
        guard let found = realpath(path, nil) else {
            throw CommandFailure(
                .no, "finding failed on \(path): \(Errno(errno)) (name a file that is there)")
        }
        defer { free(found) }
        return String(cString: found)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The program that runs (`/proc/self/exe`); nil without `/proc`.
    static var executable: String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count)
        return count > 0
            ? String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// The folder of the program that runs.
    static var programFolder: String? {
        executable.map { path in
            "/" + path.split(separator: "/").dropLast().joined(separator: "/")
        }
    }
}
