import Glibc
import PoiseLinux
import PoiseModel
import PoisePolicyFile

/// Follows one policy file: tells when it has changed, and reads it.
struct PolicyFollower {
    let path: String
    /// Readable when something in the file's folder changed; nil where that cannot be watched.
    let watch: FolderWatch?
    private let name: String

    init(path: String) throws(SystemError) {
        self.path = path
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        name = parts.last.map(String.init) ?? path
        let folder = parts.dropLast().joined(separator: "/")
        watch = try FolderWatch(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
    }

    /// Takes the folder's news; true when the policy file is among them.
    func hasChanged() -> Bool {
        guard let watch else { return true }
        do throws(SystemError) {
            let changes = try watch.changes()
            return changes.missedSome || changes.folderIsGone || changes.names.contains(name)
        } catch {
            // Reading it once more than needed does no harm; missing a change would.
            return true
        }
    }
}
