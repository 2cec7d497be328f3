import Glibc
import PoiseModel

/// A folder of one test that is removed with everything in it.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        var template = Array("/tmp/poise-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { TemporaryFolder.remove(path) }

    package static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                var facts = stat()
                guard name != ".", name != "..", lstat("\(path)/\(name)", &facts) == 0 else {
                    continue
                }
                if facts.st_mode & S_IFMT == S_IFDIR {
                    remove("\(path)/\(name)")
                } else {
                    unlink("\(path)/\(name)")
                }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}
