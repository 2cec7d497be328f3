import Glibc
package import PoiseModel

/// One question to a service on a TCP port, which is asked and answered without ever waiting.
///
/// Its owner watches `descriptor` for `interest` and calls `advance` when it is ready, until that
/// gives an answer; there is no deadline but the owner's.
package final class NetworkProbe {
    /// What is asked once there is a connection.
    package enum Question: Sendable, Equatable {
        /// Nothing: a connection will do.
        case connection
        case http(path: String, status: Int?)
        /// The call is told that it has `within`.
        case grpc(service: String, within: Duration)
    }

    package let descriptor: FileDescriptor
    private var dialogue: (any ProbeDialogue)?
    private var unsent: ArraySlice<UInt8>
    private var isConnected = false
    private var received = 0

    /// Begins to connect; throws what fails at once.
    package init(_ question: Question, _ address: NetworkAddress) throws(SystemError) {
        switch question {
        case .connection: dialogue = nil
        case .http(let path, let status):
            dialogue = HTTPDialogue(address, path: path, status: status)
        case .grpc(let service, let within):
            dialogue = GRPCDialogue(address, service: service, within: within)
        }
        unsent = dialogue?.opening[...] ?? []
        descriptor = try NetworkSocket.connect(to: address)
    }

    /// When `advance` is to be called.
    package var interest: Epoll.Interest {
        !isConnected ? .write : unsent.isEmpty ? .read : [.read, .write]
    }

    /// Goes on as far as it can now; nil when the answer is not there yet.
    package func advance() -> ProbeAnswer? {
        do throws(SystemError) {
            if !isConnected, let answer = try connected() { return answer }
            guard isConnected else { return nil }
            if !unsent.isEmpty { try send() }
            return try receive()
        } catch {
            return .failed(NetworkProbe.words(error.errno))
        }
    }

    /// Why something failed, in the words that people know: `connection refused`.
    package static func words(_ errno: Errno) -> String {
        let text = errno.description
        guard let start = text.firstIndex(of: "("), text.hasSuffix(")") else { return text }
        return String(text[text.index(after: start)...].dropLast())
    }

    private func connected() throws(SystemError) -> ProbeAnswer? {
        if let errno = try NetworkSocket.failure(of: descriptor) {
            return .failed(NetworkProbe.words(errno))
        }
        guard let isOwnPeer = try NetworkSocket.isOwnPeer(descriptor) else { return nil }
        if isOwnPeer {
            return .failed(NetworkProbe.words(.connectionRefused))
        }
        isConnected = true
        return dialogue == nil ? .passed : nil
    }

    private func send() throws(SystemError) {
        guard let count = try LocalSocket.send(unsent, to: descriptor) else { return }
        unsent = unsent.dropFirst(count)
    }

    /// Reads once, so that one that never pauses does not keep the loop.
    private func receive() throws(SystemError) -> ProbeAnswer? {
        switch try descriptor.read(atMost: 4096) {
        case .nothing: return nil
        case .end: return dialogue?.end()
        case .bytes(let bytes):
            received += bytes.count
            switch dialogue?.take(bytes) {
            case .done(let answer): return answer
            case .more(let reply):
                unsent += reply
                if received > dialogue?.mostBytes ?? 0 {
                    return .failed("sends more than \(received) bytes and no answer")
                }
                if !unsent.isEmpty { try send() }
                return nil
            case nil: return nil
            }
        }
    }
}
