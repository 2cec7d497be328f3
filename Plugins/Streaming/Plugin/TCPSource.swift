import Glibc
import PoiseModel
import StreamingCore

/// Listens for producers that send JSON lines or CSV (with a header of their own each).
///
/// A producer that is silent holds nobody back; one that sends without line ends is cut at the
/// longest line; one more than `mostConnections` is turned away; and nothing is read while the
/// pipeline is full, so TCP itself slows the producers down.
package struct TCPSource: EventSource {
    static let mostConnections = 256
    private static let readSize = 64 << 10
    private static let attempts = 10

    private let address: String
    private let port: Int
    private let onListen: @Sendable (Int) -> Void

    /// `onListen` is told the port, also where 0 let the kernel choose one.
    package init(address: String, port: Int, onListen: @escaping @Sendable (Int) -> Void = { _ in })
    {
        self.address = address
        self.port = port
        self.onListen = onListen
    }

    package func run(_ feed: SourceFeed) -> SourceEnd {
        var failure = Errno(0)
        for _ in 0..<Self.attempts {
            do throws(Errno) {
                let listener = try Listener(address: address, port: port)
                onListen(listener.port)
                return serve(listener, feed)
            } catch {
                failure = error
            }
            guard failure == .addressInUse else { break }
            feed.bell.wait(milliseconds: 300)
            if feed.isStopping { return .stopped }
        }
        return .broken(
            "cannot listen on \(address) port \(port): \(failure) (check source.address and "
                + "source.port)")
    }

    private func serve(_ listener: Listener, _ feed: SourceFeed) -> SourceEnd {
        let clock = feed.pipeline.makeClock()
        var producers: [Connection] = []
        defer { for producer in producers { producer.close() } }
        while feed.waitForRoom() {
            var entries = [
                pollfd(fd: feed.bell.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            entries += producers.map {
                pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
            }
            _ = poll(&entries, nfds_t(entries.count), 1000)
            if entries[0].revents != 0 { feed.bell.silence() }
            var open: [Connection] = []
            for (index, var producer) in producers.enumerated() {
                if entries[index + 2].revents == 0 || read(&producer, feed) {
                    open.append(producer)
                } else {
                    producer.close()
                }
            }
            producers = open
            if entries[1].revents != 0 { accept(listener, clock, &producers, feed) }
        }
        return .stopped
    }

    /// One read of a producer; false when it has ended.
    private func read(_ producer: inout Connection, _ feed: SourceFeed) -> Bool {
        switch Descriptor.read(producer.descriptor, most: Self.readSize) {
        case .bytes(let bytes):
            guard let (stream, lines) = producer.port.take(bytes, feed) else { return true }
            return feed.feed(lines, to: stream)
        case .nothingNow: return true
        case .end, .failed:
            if let (stream, lines) = producer.port.finish(feed) {
                _ = feed.feed(lines, to: stream)
            }
            return false
        }
    }

    private func accept(
        _ listener: Listener, _ clock: Int, _ producers: inout [Connection], _ feed: SourceFeed
    ) {
        while true {
            let descriptor = Glibc.accept(listener.descriptor, nil, nil)
            if descriptor < 0 {
                // Without descriptors left, the listener stays readable: do not spin on it.
                if errno == EMFILE || errno == ENFILE { feed.bell.wait(milliseconds: 50) }
                return
            }
            guard producers.count < Self.mostConnections else {
                close(descriptor)
                feed.log("turned a producer away: \(Self.mostConnections) are connected")
                continue
            }
            Descriptor.setNonBlocking(descriptor)
            Descriptor.setCloseOnExec(descriptor)
            producers.append(
                Connection(descriptor: descriptor, port: StreamPort(name: "tcp", clock: clock)))
        }
    }
}

private struct Connection {
    let descriptor: Int32
    var port: StreamPort

    func close() {
        port.close()
        Glibc.close(descriptor)
    }
}

/// A listening TCP socket (`listen(2)`), IPv4 or IPv6.
private final class Listener {
    let descriptor: Int32
    let port: Int

    init(address: String, port: Int) throws(Errno) {
        let isIPv6 = address.contains(":")
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Errno(errno) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        Descriptor.setNonBlocking(descriptor)
        Descriptor.setCloseOnExec(descriptor)
        let port = UInt16(port)
        let error =
            isIPv6
            ? Self.bind6(descriptor, address, port) : Self.bind4(descriptor, address, port)
        guard error == 0, listen(descriptor, 64) == 0 else {
            let code = error == 0 ? errno : error
            close(descriptor)
            throw Errno(code)
        }
        self.descriptor = descriptor
        self.port = Self.boundPort(descriptor) ?? Int(port)
    }

    deinit { close(descriptor) }

    private static func bind4(_ descriptor: Int32, _ address: String, _ port: UInt16) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else { return EINVAL }
        return bind(descriptor, &name)
    }

    private static func bind6(_ descriptor: Int32, _ address: String, _ port: UInt16) -> Int32 {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, address, &name.sin6_addr) == 1 else { return EINVAL }
        return bind(descriptor, &name)
    }

    private static func bind<Name>(_ descriptor: Int32, _ name: inout Name) -> Int32 {
        let result = withUnsafeBytes(of: &name) { bytes -> Int32 in
            guard let base = bytes.bindMemory(to: sockaddr.self).baseAddress else { return -1 }
            return Glibc.bind(descriptor, base, socklen_t(bytes.count))
        }
        return result == 0 ? 0 : errno
    }

    /// The port of either family, which is in the same place of both names.
    private static func boundPort(_ descriptor: Int32) -> Int? {
        var name = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result = withUnsafeMutableBytes(of: &name) { bytes -> Int32 in
            guard let base = bytes.bindMemory(to: sockaddr.self).baseAddress else { return -1 }
            return getsockname(descriptor, base, &size)
        }
        return result == 0 ? Int(UInt16(bigEndian: name.sin6_port)) : nil
    }
}
