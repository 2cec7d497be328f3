import Glibc
import PoiseModel
import PoiseWire

/// The socket to `poised`: one JSON object a datagram (`SOCK_SEQPACKET`).
struct HostChannel: Sendable {
    enum Received {
        case order(HostOrder)
        case unreadable(String)
        case nothing
        /// Nobody is at the other end.
        case closed
        /// The descriptor is no longer the channel: the plugin has closed it.
        case lost(Errno)
    }

    let descriptor: Int32

    /// Takes over a descriptor; refuses what is no such socket.
    init(_ descriptor: Int32) {
        var kind: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let result = getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size)
        guard result == 0, kind == Int32(SOCK_SEQPACKET.rawValue) else {
            HostExit.end(
                .wrong, "using descriptor \(descriptor) failed: it is no SOCK_SEQPACKET socket")
        }
        self.descriptor = descriptor
        // The plugin's child processes must not hold the channel open.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Takes one order without waiting. `recv(2)`.
    func receive() -> Received {
        var bytes = [UInt8](repeating: 0, count: HostOrder.longest)
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC)
        let count = recv(descriptor, &bytes, bytes.count, flags)
        guard count > 0 else {
            if count < 0, errno == EAGAIN || errno == EINTR { return .nothing }
            if count < 0, errno == EBADF || errno == ENOTSOCK { return .lost(Errno(errno)) }
            return .closed
        }
        guard count <= bytes.count else {
            return .unreadable("\(count) bytes, where \(bytes.count) are the most")
        }
        do {
            return .order(try HostOrder(json: try JSON.parse(Array(bytes.prefix(count)))))
        } catch {
            return .unreadable("\(error)")
        }
    }

    /// Sends one piece of news without waiting; false when there is no room now. `send(2)`.
    func send(_ news: HostNews) -> Bool {
        let bytes = Array(news.json.description.utf8)
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        guard Glibc.send(descriptor, bytes, bytes.count, flags) < 0 else { return true }
        // Whoever is gone does not need the news; the loop sees the end of the channel by itself.
        return errno != EAGAIN && errno != EINTR && errno != ENOBUFS
    }
}
