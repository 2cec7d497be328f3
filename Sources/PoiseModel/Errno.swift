/// An error number of the C library (`errno(3)`) with the name and text of the common ones.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    package static let notPermitted = Errno(1)
    package static let noSuchFile = Errno(2)
    package static let noSuchProcess = Errno(3)
    package static let interrupted = Errno(4)
    package static let badDescriptor = Errno(9)
    package static let tryAgain = Errno(11)
    package static let accessDenied = Errno(13)
    package static let exists = Errno(17)
    package static let notADirectory = Errno(20)
    package static let invalid = Errno(22)
    package static let noSpace = Errno(28)
    package static let brokenPipe = Errno(32)
    package static let addressInUse = Errno(98)
    package static let connectionRefused = Errno(111)
    package static let timedOut = Errno(110)

    /// Name and meaning, such as `ENOENT (no such file or folder)`.
    package var description: String {
        guard let (name, text) = Errno.known[code] else { return "errno \(code)" }
        return "\(name) (\(text))"
    }

    private static let known: [Int32: (String, String)] = [
        1: ("EPERM", "not permitted"), 2: ("ENOENT", "no such file or folder"),
        3: ("ESRCH", "no such process"), 4: ("EINTR", "interrupted"),
        5: ("EIO", "input or output error"), 7: ("E2BIG", "argument list too long"),
        8: ("ENOEXEC", "not a program"), 9: ("EBADF", "bad descriptor"),
        11: ("EAGAIN", "not now"), 12: ("ENOMEM", "out of memory"),
        13: ("EACCES", "permission denied"), 14: ("EFAULT", "bad address"),
        16: ("EBUSY", "busy"), 17: ("EEXIST", "already exists"),
        19: ("ENODEV", "no such device"), 20: ("ENOTDIR", "not a folder"),
        21: ("EISDIR", "is a folder"), 22: ("EINVAL", "invalid argument"),
        23: ("ENFILE", "too many open files in the system"), 24: ("EMFILE", "too many open files"),
        27: ("EFBIG", "file too large"), 28: ("ENOSPC", "no space left"),
        30: ("EROFS", "read-only file system"), 32: ("EPIPE", "nobody reads the other end"),
        34: ("ERANGE", "out of range"),
        36: ("ENAMETOOLONG", "name too long"), 38: ("ENOSYS", "not in this kernel"),
        40: ("ELOOP", "too many symbolic links"), 75: ("EOVERFLOW", "value too large"),
        90: ("EMSGSIZE", "message too long"), 95: ("EOPNOTSUPP", "not supported"),
        98: ("EADDRINUSE", "address already in use"), 99: ("EADDRNOTAVAIL", "no such address here"),
        101: ("ENETUNREACH", "network is unreachable"),
        104: ("ECONNRESET", "connection reset"), 107: ("ENOTCONN", "not connected"),
        110: ("ETIMEDOUT", "timed out"),
        111: ("ECONNREFUSED", "connection refused"), 113: ("EHOSTUNREACH", "no way to that host"),
        122: ("EDQUOT", "disk quota exceeded"),
    ]
}
