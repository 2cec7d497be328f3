import Glibc
import PoiseModel
import PoiseWire
import Synchronization
import Testing

/// A daemon that gives prepared answers, one connection each, on a real socket and a thread, and
/// notes who asked what.
final class FakeDaemon: Sendable {
    struct Call: Equatable {
        var text: String
        /// The process that the kernel says it is (`SO_PEERCRED`).
        var process: Int32
        /// Whether the caller was still there when the answer was sent.
        var waited: Bool
    }

    let folder = ScratchFolder()
    private let listener: Int32
    private let answers: [[UInt8]]
    private let calls = Mutex<[Call]>([])

    /// - Parameter connections: the replies to each connection's call, in the order of arrival.
    init(_ connections: [[String]]) {
        answers = connections.map { replies in replies.flatMap { Array($0.utf8) + [0] } }
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(RuntimeFolder.socket(in: folder.path).utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(bound == 0 && listen(listener, 4) == 0, "listening: \(errno)")
        var thread = pthread_t()
        let raw = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<FakeDaemon>.fromOpaque(raw).takeRetainedValue().serve()
                return nil
            }, raw)
        pthread_detach(thread)
    }

    /// What was asked so far; a call is noted before it is answered.
    var received: [Call] { calls.withLock { $0 } }

    private func serve() {
        for answer in answers {
            let connection = accept(listener, nil, nil)
            var text: [UInt8] = []
            var byte: UInt8 = 1
            while recv(connection, &byte, 1, 0) == 1, byte != 0 { text.append(byte) }
            var credentials: [Int32] = [0, 0, 0]
            var size = socklen_t(12)
            getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
            let isThere = recv(connection, &byte, 1, Int32(MSG_DONTWAIT)) < 0
            calls.withLock {
                $0.append(
                    Call(
                        text: String(decoding: text, as: UTF8.self), process: credentials[0],
                        waited: isThere))
            }
            _ = answer.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            close(connection)
        }
        close(listener)
    }
}
