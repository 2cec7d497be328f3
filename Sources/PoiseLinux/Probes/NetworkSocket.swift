import Glibc
import PoiseModel

/// TCP connections to numeric addresses; none of them ever waits (`tcp(7)`).
enum NetworkSocket {
    /// Begins to connect. It is connected, or has failed, once it can be written
    /// (`connect(2)`, `EINPROGRESS`).
    static func connect(to address: NetworkAddress) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let name = "tcp \(address)"
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let number = try systemCall("socket", on: name) {
            socket(family, Int32(SOCK_STREAM.rawValue) | flags, 0)
        }
        let descriptor = FileDescriptor(adopting: number, name: name)
        do throws(SystemError) {
            if address.isIPv6 {
                var raw = try sixAddress(address)
                try connect(descriptor, &raw)
            } else {
                var raw = try fourAddress(address)
                try connect(descriptor, &raw)
            }
        } catch {
            guard error.errno == Errno(EINPROGRESS) else { throw error }
        }
        return descriptor
    }

    /// How connecting went; nil when it is connected (`SO_ERROR`).
    static func failure(of socket: FileDescriptor) throws(SystemError) -> Errno? {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = try systemCall("getsockopt", on: socket.name) {
            getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &code, &size)
        }
        return code == 0 ? nil : Errno(code)
    }

    /// Whether it is connected to itself, as happens when nobody listens on a port that the kernel
    /// gives to those who connect; nil when it is not connected yet.
    static func isOwnPeer(_ socket: FileDescriptor) throws(SystemError) -> Bool? {
        var (ours, theirs) = (sockaddr_storage(), sockaddr_storage())
        _ = try systemCall("getsockname", on: socket.name) {
            name(of: socket, &ours, getsockname)
        }
        do throws(SystemError) {
            _ = try systemCall("getpeername", on: socket.name) {
                name(of: socket, &theirs, getpeername)
            }
        } catch {
            if error.errno == Errno(ENOTCONN) { return nil }
            throw error
        }
        return withUnsafeBytes(of: ours) { left in
            withUnsafeBytes(of: theirs) { right in left.elementsEqual(right) }
        }
    }

    private typealias NameCall =
        (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32

    private static func name(
        of socket: FileDescriptor, _ raw: inout sockaddr_storage, _ call: NameCall
    ) -> Int32 {
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(socket.number, $0, &size)
            }
        }
    }

    private static func connect<Address>(
        _ socket: FileDescriptor, _ address: inout Address
    ) throws(SystemError) {
        let size = socklen_t(MemoryLayout<Address>.size)
        _ = try systemCall("connect", on: socket.name) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket.number, $0, size)
                }
            }
        }
    }

    private static func fourAddress(
        _ address: NetworkAddress
    ) throws(SystemError) -> sockaddr_in {
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = try port(address)
        guard inet_pton(AF_INET, address.host, &raw.sin_addr) == 1 else { throw bad(address) }
        return raw
    }

    private static func sixAddress(
        _ address: NetworkAddress
    ) throws(SystemError) -> sockaddr_in6 {
        var raw = sockaddr_in6()
        raw.sin6_family = sa_family_t(AF_INET6)
        raw.sin6_port = try port(address)
        guard inet_pton(AF_INET6, address.host, &raw.sin6_addr) == 1 else { throw bad(address) }
        return raw
    }

    private static func port(_ address: NetworkAddress) throws(SystemError) -> in_port_t {
        guard let port = in_port_t(exactly: address.port) else { throw bad(address) }
        return port.bigEndian
    }

    private static func bad(_ address: NetworkAddress) -> SystemError {
        SystemError("connect", on: "\(address)", .invalid, advice: "it is no numeric address")
    }
}
