import Glibc
import PoiseLinux
import PoiseModel

/// Names what is in folders, and makes them.
enum Folder {
    /// The names in a folder, sorted; empty when it cannot be read (`readdir(3)`).
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a folder for this user only, and the ones above it (`mkdir(2)`).
    static func make(_ path: String) throws(SystemError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)"
            guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            let code = errno
            // A folder above may be another's and still let us in.
            guard access(made, X_OK) != 0 else { continue }
            throw SystemError("mkdir", on: made, Errno(code), advice: "choose another folder")
        }
        guard access(path, W_OK) == 0 else {
            throw SystemError(
                "access", on: path, Errno(errno), advice: "it must be writable; choose another")
        }
    }

    /// Makes a folder of another user, who alone may look into it (`mkdir(2)`, `chown(2)`).
    static func make(_ path: String, for user: Credentials) throws(SystemError) {
        var facts = stat()
        if stat(path, &facts) == 0, facts.st_uid == user.user, facts.st_gid == user.group { return }
        try make(path)
        guard chown(path, user.user, user.group) == 0 else {
            throw SystemError(
                "chown", on: path, Errno(errno), advice: "poised needs CAP_CHOWN for it")
        }
    }
}
