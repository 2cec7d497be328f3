import Glibc
import Testing

/// Files that tests read: this checkout's, and recordings of real machines beside it.
enum Recordings {
    /// The folder of this checkout.
    static let checkout: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The folder `shared/topologies` beside this checkout or above it, or in `POISE_SHARED`;
    /// nil where there is none.
    static let folder: String? = {
        var places: [String] = []
        if let named = getenv("POISE_SHARED") { places.append(String(cString: named)) }
        var parts = checkout.split(separator: "/")[...]
        while !parts.isEmpty {
            parts = parts.dropLast()
            places.append("/" + (parts + ["shared"]).joined(separator: "/"))
        }
        return places.map { $0 + "/topologies" }.first { access($0 + "/README.md", R_OK) == 0 }
    }()

    static var areHere: Bool { folder != nil }
}

/// A folder of a test's own, gone when the test is over.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() {
        var template = Array("/tmp/poise-hardware-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, let made = mkdtemp(base) else {
                preconditionFailure("mkdtemp: errno \(errno)")
            }
            return String(cString: made)
        }
    }

    deinit { _ = run("rm", "-rf", path) }

    /// Writes a file, making the folders on the way to it.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") { _ = run("mkdir", "-p", String(file[..<slash])) }
        guard let stream = fopen(file, "w") else { preconditionFailure("\(file): errno \(errno)") }
        fwrite(bytes, 1, bytes.count, stream)
        fclose(stream)
        return file
    }

    @discardableResult
    func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }
}

/// Runs a program to its end and gives its exit status, -1 when it could not be run.
func run(_ program: String, _ arguments: String...) -> Int32 {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=\(path)"), nil]
    defer { (words + environment).forEach { free($0) } }
    var process: pid_t = 0
    guard posix_spawnp(&process, program, nil, nil, &words, &environment) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
}

/// The bytes of a file, or nothing when it cannot be read.
func contents(of file: String) -> [UInt8] {
    guard let stream = fopen(file, "r") else { return [] }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&chunk, 1, chunk.count, stream)
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<count])
    }
}
