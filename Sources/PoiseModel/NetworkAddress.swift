/// Where something listens: an IP address and a port, and never a name, since whoever looks names
/// up has to wait for others.
package struct NetworkAddress: Sendable, Hashable, Codable, CustomStringConvertible {
    /// As `inet_ntop(3)` writes it: `127.0.0.1`, `::1`.
    package var host: String
    /// 1…65535.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    /// `127.0.0.1:80`, `[::1]:80`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
