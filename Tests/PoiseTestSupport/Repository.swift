import Glibc

/// The checkout that these tests were built from.
package enum Repository {
    /// Its root folder, by the place of this file.
    package static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The folder of recordings and data beside the checkout, or nil: a clone of a user has none.
    ///
    /// `POISE_SHARED` names it; otherwise it is `shared` beside the root.
    package static let shared: String? = {
        let named = getenv("POISE_SHARED").map { String(cString: $0) }
        let path = named ?? root + "/../shared"
        return access(path + "/topologies", R_OK) == 0 ? path : nil
    }()

    /// Where tests make folders: `$TMPDIR`, which `scripts/test` removes when it ends, else `/tmp`.
    package static let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"

    /// The programs that were built together with the running tests.
    package static let programs: String = {
        let path = CommandLine.arguments.first ?? ""
        let folder = path.split(separator: "/").dropLast()
        let beside = "/" + folder.joined(separator: "/")
        if access(beside + "/poised", X_OK) == 0 { return beside }
        return root + "/.build/debug"
    }()

    /// Paths of the files below a folder, sorted, with a given ending: below the root where the
    /// folder is, whole where it is whole.
    package static func files(_ folder: String, ending: String) -> [String] {
        var found: [String] = []
        var folders = [folder]
        while let next = folders.popLast() {
            guard let stream = opendir(whole(next)) else { continue }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name.hasPrefix(".") { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { folders.append("\(next)/\(name)") }
                if name.hasSuffix(ending) { found.append("\(next)/\(name)") }
            }
        }
        return found.sorted()
    }

    private static func whole(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(root)/\(path)"
    }

    /// The text of a file, by a path below the root or a whole one; nil when it cannot be read.
    package static func text(_ path: String) -> String? {
        guard let file = fopen(whole(path), "r") else {
            return nil
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file, by a path below the root or a whole one; false when it cannot.
    package static func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(whole(path), "w") else {
            return false
        }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        return fwrite(bytes, 1, bytes.count, file) == bytes.count
    }
}
