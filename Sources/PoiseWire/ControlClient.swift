import Glibc
package import PoiseModel

/// Why a call to the daemon brought no answer.
package enum ControlError: Error, CustomStringConvertible {
    /// Nobody listens: exit code 3.
    case unreachable(socket: String, Errno)
    /// This user may not: exit code 4.
    case notAllowed(socket: String)
    /// The connection ended, or what came is no answer.
    case broken(socket: String, String)

    package var description: String {
        switch self {
        case .unreachable(let socket, .noSuchFile):
            "no daemon at \(socket): it is not running (start it with: \(ControlError.starter))"
        case .unreachable(let socket, let errno):
            "no daemon at \(socket): \(errno) (start it with: \(ControlError.starter))"
        case .notAllowed(let socket):
            "\(socket): permission denied (run it as the user of the daemon, or as root)"
        case .broken(let socket, let why): "the daemon at \(socket): \(why)"
        }
    }

    /// What starts the daemon here: the service where it is installed.
    private static var starter: String {
        let units = ["/usr/lib", "/usr/local/lib", "/etc"].map {
            $0 + "/systemd/system/poised.service"
        }
        let isService =
            access("/run/systemd/system", F_OK) == 0 && units.contains { access($0, F_OK) == 0 }
        return isService ? "systemctl start poised" : "poised"
    }
}

/// A blocking connection to the daemon, for the command line.
package struct ControlClient: ~Copyable {
    private let socketPath: String
    private let descriptor: Int32
    private var splitter = MessageSplitter()
    private var received: [[UInt8]] = []

    package init(socket path: String) throws(ControlError) {
        descriptor = try ControlClient.connected(to: path)
        socketPath = path
    }

    private static func connected(to path: String) throws(ControlError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .unreachable(socket: path, Errno(ENAMETOOLONG))
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable(socket: path, Errno(errno)) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result != 0 else { return descriptor }
        let code = errno
        close(descriptor)
        if code == EACCES || code == EPERM { throw .notAllowed(socket: path) }
        throw .unreachable(socket: path, Errno(code))
    }

    deinit { close(descriptor) }

    /// Sends a call; `next()` gives the replies.
    package mutating func send(_ call: ControlCall) throws(ControlError) {
        let bytes = Array(call.json.description.utf8) + [0]
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .broken(socket: socketPath, "\(Errno(errno))") }
            sent += count
        }
    }

    /// Waits for the next reply.
    package mutating func next() throws(ControlError) -> ControlReply {
        while received.isEmpty {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .broken(
                    socket: socketPath,
                    count == 0 ? "it closed the connection" : "\(Errno(errno))")
            }
            do {
                received += try splitter.add(buffer[..<count])
            } catch {
                throw .broken(socket: socketPath, error.description)
            }
        }
        let message = received.removeFirst()
        do {
            return try ControlReply(json: JSON.parse(message))
        } catch {
            throw .broken(socket: socketPath, "\(error)")
        }
    }

    /// The next reply, nil when none comes within a time. `poll(2)`.
    package mutating func next(within time: Duration) throws(ControlError) -> ControlReply? {
        guard received.isEmpty else { return try next() }
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: max(.zero, time).wholeMilliseconds)
        // A signal is as good as nothing that came.
        guard poll(&watched, 1, milliseconds) > 0 else { return nil }
        return try next()
    }

    /// One call, one reply.
    package mutating func call(_ call: ControlCall) throws(ControlError) -> ControlReply {
        try send(call)
        return try next()
    }
}
