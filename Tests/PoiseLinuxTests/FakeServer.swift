import Glibc
import PoiseLinux
import PoiseModel
import Testing

/// A TCP server on a port of its own that a test drives step by step, beside the probe it answers.
final class FakeServer {
    let address: NetworkAddress
    /// What came from the probe.
    private(set) var received: [UInt8] = []
    private let listener: FileDescriptor
    private var connection: FileDescriptor?
    private var hasClosed = false
    /// What is left to be sent, and whether it closes then.
    private var unsent: [UInt8] = []
    private var closesThen = false

    init(isIPv6: Bool = false) throws {
        let family = isIPv6 ? AF_INET6 : AF_INET
        let number = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(number >= 0)
        listener = FileDescriptor(adopting: number, name: "a fake server")
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_addr = in6addr_loopback
        let bound =
            isIPv6
            ? FakeServer.with(&six) { bind(number, $0, $1) }
            : FakeServer.with(&four) { bind(number, $0, $1) }
        try #require(bound == 0, "bind: \(errno)")
        try #require(listen(number, 8) == 0)
        var port: in_port_t
        if isIPv6 {
            FakeServer.fill(&six, number)
            port = six.sin6_port
        } else {
            FakeServer.fill(&four, number)
            port = four.sin_port
        }
        port = in_port_t(bigEndian: port)
        address = NetworkAddress(host: isIPv6 ? "::1" : "127.0.0.1", port: Int(port))
        try listener.setNonBlocking()
    }

    private static func with<Address>(
        _ address: inout Address, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    private static func fill<Address>(_ address: inout Address, _ number: Int32) {
        var size = socklen_t(MemoryLayout<Address>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(number, $0, &size)
            }
        }
    }

    func send(_ bytes: [UInt8]) { unsent += bytes }
    func send(_ text: String) { unsent += Array(text.utf8) }
    func close() { closesThen = true }
    /// Everything that came is taken.
    func takeReceived() -> [UInt8] {
        defer { received = [] }
        return received
    }

    /// Accepts, reads and sends what can be without waiting.
    func step() {
        if connection == nil, !hasClosed {
            let number = accept(listener.number, nil, nil)
            guard number >= 0 else { return }
            let new = FileDescriptor(adopting: number, name: "a connection to a fake server")
            _ = fcntl(number, F_SETFL, O_NONBLOCK)
            connection = new
        }
        guard let connection else { return }
        if case .bytes(let bytes)? = try? connection.read() { received += bytes }
        if !unsent.isEmpty, let sent = try? LocalSocket.send(unsent[...], to: connection) {
            unsent.removeFirst(sent)
        }
        if unsent.isEmpty, closesThen {
            self.connection = nil
            hasClosed = true
        }
    }

    /// Asks and serves until there is an answer, for `rounds` of a millisecond at most;
    /// `behave` is called in each.
    func answer(
        to question: NetworkProbe.Question, rounds: Int = 20_000, _ behave: (FakeServer) -> Void
    ) throws -> ProbeAnswer? {
        let probe = try NetworkProbe(question, address)
        for _ in 0..<rounds {
            step()
            behave(self)
            var events: Int16 = 0
            if probe.interest.contains(.read) { events |= Int16(POLLIN) }
            if probe.interest.contains(.write) { events |= Int16(POLLOUT) }
            var watched = pollfd(fd: probe.descriptor.number, events: events, revents: 0)
            guard poll(&watched, 1, 1) > 0 else { continue }
            if let answer = probe.advance() { return answer }
        }
        return nil
    }
}
