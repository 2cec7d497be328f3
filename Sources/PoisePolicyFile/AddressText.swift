import Glibc
import PoiseModel

/// How a policy writes where something listens: `127.0.0.1:5432`, `[::1]:80`, `localhost:80`.
enum AddressText {
    /// Why a text is no such address.
    struct Mistake: Error, Equatable {
        let text: String
    }

    /// The address that `text` spells; without a port it has `port`, or none when that is nil.
    static func read(_ text: Substring, port: Int?) throws(Mistake) -> NetworkAddress {
        let host: Substring
        var rest: Substring
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.utf8.contains(UInt8(ascii: ":")) else { throw noAddress(host) }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            if rest.dropFirst().contains(":") {
                throw Mistake(
                    text: "\(quoted(String(text))) is no address (write IPv6 in brackets, such as "
                        + "[::1]:80)")
            }
        }
        guard !rest.isEmpty else {
            guard let port else {
                throw Mistake(
                    text: "\(quoted(String(text))) has no port (write it as 127.0.0.1:5432)")
            }
            return NetworkAddress(host: try numeric(host), port: port)
        }
        rest = rest.dropFirst()
        guard text[..<rest.startIndex].hasSuffix(":"), rest.utf8.count <= 5,
            rest.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(rest),
            (1...65_535).contains(number)
        else {
            throw Mistake(text: "\(quoted(String(rest))) is no port (1 to 65535)")
        }
        return NetworkAddress(host: try numeric(host), port: number)
    }

    /// The address as the C library writes it (`inet_pton(3)`).
    private static func numeric(_ host: Substring) throws(Mistake) -> String {
        if host == "localhost" { return "127.0.0.1" }
        let family = host.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
        var bytes = [UInt8](repeating: 0, count: 16)
        guard !host.utf8.contains(0), inet_pton(family, String(host), &bytes) == 1 else {
            throw noAddress(host)
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard let written = inet_ntop(family, bytes, &text, socklen_t(text.count)) else {
            throw noAddress(host)
        }
        return String(cString: written)
    }

    private static func noAddress(_ host: Substring) -> Mistake {
        Mistake(
            text: "\(quoted(String(host))) is no IP address (write one such as 127.0.0.1 or [::1], "
                + "or localhost: poised looks up no names, which would make it wait for others)")
    }
}
