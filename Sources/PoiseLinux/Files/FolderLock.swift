import Glibc
import PoiseModel

/// Keeps a second `poised` out of a folder for as long as it is held (`flock(2)`).
///
/// The kernel lets go of it when the process ends, however it ends.
package final class FolderLock: Sendable {
    private let descriptor: FileDescriptor

    /// Locks `folder/lock`, or tells which process has it.
    package init(_ folder: String) throws(SystemError) {
        let path = "\(folder)/lock"
        descriptor = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
        let locked = try systemCallUnlessBlocked("flock", on: path) {
            flock(descriptor.number, LOCK_EX | LOCK_NB)
        }
        guard locked != nil else {
            throw SystemError(
                "flock", on: path, .tryAgain, advice: Self.advice(try descriptor.read()))
        }
        _ = try systemCall("ftruncate", on: path) { ftruncate(descriptor.number, 0) }
        try descriptor.writeAll(Array("\(getpid())\n".utf8))
    }

    private static func advice(_ content: FileDescriptor.Reading) -> String {
        guard case .bytes(let bytes) = content,
            let pid = ProcessID(
                String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined())
        else { return "another poised has this folder; stop it or choose another folder" }
        return "poised with process number \(pid) has this folder; stop it or choose another folder"
    }
}
