import CLinux
import Glibc
import PoiseModel
import PoiseWire

/// The socket to `poised`: one JSON object a datagram (`SOCK_SEQPACKET`).
struct HostChannel: Sendable {
    enum Received {
        /// With the descriptors that came with it; whoever takes them closes them.
        case order(HostOrder, [Int32])
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

    /// Takes one order, with its descriptors, without waiting. `recvmsg(2)`.
    func receive() -> Received {
        var bytes = [UInt8](repeating: 0, count: HostOrder.longest)
        var descriptors = [Int32](repeating: -1, count: HostChannel.mostDescriptors)
        var came = UInt32(descriptors.count)
        let count = Int(
            poise_receive_descriptors(
                descriptor, &bytes, UInt64(bytes.count), &descriptors, &came))
        descriptors.removeLast(descriptors.count - Int(came))
        let received = HostChannel.received(count, bytes, descriptors)
        // Only an order that can be read takes descriptors.
        if case .order = received { return received }
        for descriptor in descriptors { close(descriptor) }
        return received
    }

    private static let mostDescriptors = Int(POISE_MOST_DESCRIPTORS)

    private static func received(
        _ count: Int, _ bytes: [UInt8], _ descriptors: [Int32]
    ) -> Received {
        guard count > 0 else {
            switch Int32(-count) {
            case EAGAIN, EINTR: return .nothing
            case EBADF, ENOTSOCK: return .lost(Errno(Int32(-count)))
            default: return .closed
            }
        }
        guard count <= bytes.count else {
            return .unreadable("\(count) bytes, where \(bytes.count) are the most")
        }
        do {
            let json = try JSON.parse(Array(bytes.prefix(count)))
            return .order(try HostOrder(json: json), descriptors)
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
