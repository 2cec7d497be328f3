import Glibc
package import PoiseModel

/// A file that is always whole: written beside itself and moved into its place (`rename(2)`).
package struct DigestFile: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package func write(_ json: JSON) throws(Errno) {
        let bytes = Array((json.pretty + "\n").utf8)
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Errno(errno) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                throw Errno(code)
            }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw Errno(errno) }
    }
}
