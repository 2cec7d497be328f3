import Glibc
import PoiseLinux
import PoiseModel
import PoisePolicyFile

/// Follows one policy file: tells when it may have changed.
///
/// Where the path is a link, the file that it names is followed as well: either may be changed.
struct PolicyFollower {
    /// One folder that is watched for one name.
    private struct Place {
        let folder: FolderWatch
        let name: String
    }

    private let places: [Place]

    /// Readable when something in one of the file's folders changed.
    var watches: [FolderWatch] { places.map(\.folder) }

    init(path: String) throws(SystemError) {
        var places = [try PolicyFollower.place(of: path)]
        if let real = realpath(path, nil) {
            defer { free(real) }
            let target = String(cString: real)
            // A folder of its own name is enough where only the folder is a link.
            if target != path { places.append(try PolicyFollower.place(of: target)) }
        }
        self.places = places
    }

    private static func place(of path: String) throws(SystemError) -> Place {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let watch = try FolderWatch(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
        return Place(folder: watch, name: parts.last.map(String.init) ?? path)
    }

    /// Takes the folders' news; true when the policy file is among them.
    func hasChanged() -> Bool {
        var changed = false
        for place in places {
            do throws(SystemError) {
                let news = try place.folder.changes()
                changed =
                    changed || news.missedSome || news.folderIsGone
                    || news.names.contains(place.name)
            } catch {
                // Reading it once more than needed does no harm; missing a change would.
                changed = true
            }
        }
        return changed
    }
}
