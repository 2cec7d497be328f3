import CLinux
import Glibc
import PoiseModel

/// A folder for the time of a check.
struct TemporaryFolder {
    let path: String

    /// Makes it under `TMPDIR`, else under `/tmp`. `mkdtemp(3)`.
    init() {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/poise-check-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            HostExit.end(.outside, "making a folder failed on \(parent): \(Errno(errno))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it with all that the plugin left in it. `nftw(3)`.
    func remove() {
        let result = poise_host_remove_folder(path)
        if result < 0 { HostExit.complain("removing \(path) failed: \(Errno(-result))") }
    }
}
