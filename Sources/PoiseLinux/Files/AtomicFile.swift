import Glibc
import PoiseModel

/// Writes files so that a reader, a crash or a full disk never sees half of one.
package enum AtomicFile {
    /// Puts `bytes` in the place of what `path` held; on an error the old file stays (`rename(2)`).
    package static func write(
        _ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644
    ) throws(SystemError) {
        let (folder, name) = parts(of: path)
        let temporary = "\(folder)/.\(name).\(getpid()).new"
        do throws(SystemError) {
            let file = try FileDescriptor.open(
                temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
            try file.writeAll(bytes)
            _ = try systemCall("fsync", on: temporary) { fsync(file.number) }
            _ = try systemCall("rename", on: path) { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw error
        }
        // The new name is safe only when the folder is written too.
        let parent = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        _ = try systemCall("fsync", on: folder) { fsync(parent.number) }
    }

    private static func parts(of path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}
