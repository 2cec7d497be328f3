import CLinux
import Glibc
import PoiseModel

/// Sockets of this machine by a path in the file system (`unix(7)`); none of them ever waits.
package enum LocalSocket {
    /// Who is at the other end, as the kernel vouches for it: what it was when it connected, or
    /// when it began to listen (`SO_PEERCRED`, `SO_PEERGROUPS`).
    package struct Peer: Equatable, Sendable {
        package var process: ProcessID
        package var user: UInt32
        package var group: UInt32
        /// All groups, `group` among them.
        package var groups: Set<UInt32>

        package init(process: ProcessID, user: UInt32, group: UInt32, groups: Set<UInt32>) {
            self.process = process
            self.user = user
            self.group = group
            self.groups = groups
        }
    }

    /// The longest path that an address holds.
    package static let mostPathBytes = 107

    /// Listens on `path`, and takes the place of a socket there that nobody listens on any more.
    ///
    /// A socket that answers is `EADDRINUSE`, anything but a socket `EEXIST`. Only one process may
    /// do this for one path at a time: hold the `FolderLock` of its folder.
    package static func listen(
        _ path: String, mode: UInt32 = 0o600, backlog: Int32 = 64
    ) throws(SystemError) -> FileDescriptor {
        let socket = try make("the socket \(path)")
        // Linux gives the file the socket's own mode, so it is never open for more.
        _ = try systemCall("fchmod", on: path) { fchmod(socket.number, mode) }
        do throws(SystemError) {
            try bind(socket, path)
        } catch {
            guard error.errno == .addressInUse else { throw error }
            try makeRoom(at: path)
            try bind(socket, path)
        }
        // Less what our umask takes; and nobody can connect before the next line.
        _ = try systemCall("chmod", on: path) { chmod(path, mode) }
        _ = try systemCall("listen", on: path) { Glibc.listen(socket.number, backlog) }
        return socket
    }

    /// The next connection that waits; nil when none does (`accept4(2)`).
    package static func accept(
        _ listener: FileDescriptor
    ) throws(SystemError) -> FileDescriptor? {
        do throws(SystemError) {
            let number = try linuxCall("accept4", on: listener.name) {
                poise_accept(listener.number)
            }
            return FileDescriptor(adopting: number, name: "a connection to \(listener.name)")
        } catch {
            // The one who connected may have gone again.
            if error.errno == .tryAgain || error.errno == Errno(ECONNABORTED) { return nil }
            throw error
        }
    }

    /// Connects to the one who listens on `path` (`connect(2)`).
    package static func connect(_ path: String) throws(SystemError) -> FileDescriptor {
        let socket = try make("the connection to \(path)")
        var address = try address(path)
        _ = try systemCall("connect", on: path) {
            withGenericAddress(&address) { Glibc.connect(socket.number, $0, $1) }
        }
        return socket
    }

    /// Two ends that keep the bounds of messages (`socketpair(2)`, `SOCK_SEQPACKET`).
    package static func messagePair() throws(SystemError) -> (FileDescriptor, FileDescriptor) {
        var numbers: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue) | flags
        _ = try systemCall("socketpair", on: "a new pair") {
            socketpair(AF_UNIX, kind, 0, &numbers)
        }
        return (
            FileDescriptor(adopting: numbers[0], name: "our end of a message pair"),
            FileDescriptor(adopting: numbers[1], name: "their end of a message pair")
        )
    }

    /// Who is at the other end of `socket`.
    package static func peer(of socket: FileDescriptor) throws(SystemError) -> Peer {
        var peer = poise_peer()
        _ = try linuxCall("getsockopt(SO_PEERCRED)", on: socket.name) {
            poise_peer_of(socket.number, &peer)
        }
        return Peer(
            process: peer.process, user: peer.user, group: peer.group,
            groups: Set(try groups(of: socket)).union([peer.group]))
    }

    private static func groups(of socket: FileDescriptor) throws(SystemError) -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            do throws(SystemError) {
                let count = try linuxCall("getsockopt(SO_PEERGROUPS)", on: socket.name) {
                    poise_peer_groups(socket.number, &groups, UInt32(groups.count))
                }
                return Array(groups.prefix(Int(count)))
            } catch {
                // The kernel knows at most 65536 (NGROUPS_MAX).
                guard error.errno == Errno(ERANGE), groups.count < 1 << 16 else { throw error }
                groups = [UInt32](repeating: 0, count: 1 << 16)
            }
        }
    }

    /// Sends some of `bytes` (of a message pair: all) and gives how many; nil when nothing fits
    /// now.
    ///
    /// By `send(2)`. A closed other end is the error `EPIPE`, and no signal.
    package static func send(
        _ bytes: ArraySlice<UInt8>, to socket: FileDescriptor
    ) throws(SystemError) -> Int? {
        try systemCallUnlessBlocked("send", on: socket.name) {
            bytes.withUnsafeBytes {
                Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// As `send`, with descriptors that the other end gets copies of (`SCM_RIGHTS`); at most
    /// `POISE_MOST_DESCRIPTORS`. Nil also when too many are on their way (`ETOOMANYREFS`).
    package static func send(
        _ bytes: ArraySlice<UInt8>, with descriptors: [FileDescriptor], to socket: FileDescriptor
    ) throws(SystemError) -> Int? {
        let numbers = descriptors.map(\.number)
        do throws(SystemError) {
            return try withExtendedLifetime(descriptors) { () throws(SystemError) in
                let sent = try linuxCall("sendmsg", on: socket.name) {
                    bytes.withUnsafeBytes {
                        Int32(
                            clamping: poise_send_descriptors(
                                socket.number, $0.baseAddress, UInt64($0.count), numbers,
                                UInt32(numbers.count)))
                    }
                }
                return Int(sent)
            }
        } catch {
            let passing: Set<Errno> = [.tryAgain, Errno(ETOOMANYREFS), Errno(ENOBUFS)]
            guard passing.contains(error.errno) else { throw error }
            return nil
        }
    }

    private static let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

    private static func make(_ name: String) throws(SystemError) -> FileDescriptor {
        let number = try systemCall("socket", on: name) {
            socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        }
        return FileDescriptor(adopting: number, name: name)
    }

    private static func bind(_ socket: FileDescriptor, _ path: String) throws(SystemError) {
        var address = try address(path)
        _ = try systemCall("bind", on: path) {
            withGenericAddress(&address) { Glibc.bind(socket.number, $0, $1) }
        }
    }

    /// Unlinks a socket that refuses connections; anything else at `path` is an error.
    private static func makeRoom(at path: String) throws(SystemError) {
        var facts = stat()
        _ = try systemCall("lstat", on: path) { lstat(path, &facts) }
        guard facts.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemError("bind", on: path, .exists, advice: "it is no socket; move it away")
        }
        do throws(SystemError) {
            _ = try connect(path)
        } catch {
            switch error.errno {
            case .connectionRefused: _ = try systemCall("unlink", on: path) { unlink(path) }
            case .noSuchFile: break
            // The other one's queue is full, so there is another one.
            case .tryAgain: throw inUse(path)
            default: throw error
            }
            return
        }
        throw inUse(path)
    }

    private static func inUse(_ path: String) -> SystemError {
        SystemError(
            "bind", on: path, .addressInUse,
            advice: "another process listens there; stop it or choose another folder")
    }

    private static func address(_ path: String) throws(SystemError) -> sockaddr_un {
        let bytes = Array(path.utf8)
        guard bytes.count <= mostPathBytes, !bytes.isEmpty, !bytes.contains(0) else {
            throw SystemError(
                "bind", on: path, Errno(ENAMETOOLONG),
                advice: "a socket's path has 1 to \(mostPathBytes) bytes; choose a shorter folder")
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func withGenericAddress(
        _ address: inout sockaddr_un, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, size) }
        }
    }
}
