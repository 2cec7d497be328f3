import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite("Probes by the gRPC health checking protocol")
struct GRPCProbeTests {
    private static let question = NetworkProbe.Question.grpc(
        service: "my.Service", within: .seconds(1))
    private static let settings = frame(4, 0, 0, [0, 3, 0, 0, 0, 100])

    /// A frame as RFC 9113 has it.
    private static func frame(
        _ kind: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]
    ) -> [UInt8] {
        let count = payload.count
        return [
            UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), kind, flags, 0, 0, 0,
            stream,
        ] + payload
    }

    /// A message with its prefix of gRPC.
    private static func data(_ message: [UInt8], _ flags: UInt8 = 0) -> [UInt8] {
        frame(0, flags, 1, [0, 0, 0, 0, UInt8(message.count)] + message)
    }

    private static let noHTTP2 = ProbeAnswer.failed("does not answer in HTTP/2")
    private static let broken = ProbeAnswer.failed("sends a frame that cannot be")
    private static let noStatus = ProbeAnswer.failed(
        "ends the call without a status (does it offer grpc.health.v1.Health, and this service?)")
    private static let noMessage = ProbeAnswer.failed(
        "sends a message that is no health status")
    private static let headers = frame(1, 4, 1, [0x88])

    /// What a server sends, and what that means.
    private static let answers: [([UInt8], ProbeAnswer)] = [
        (settings + headers + data([8, 1]), .passed),
        (settings + data([8, 1], 1), .passed),
        (settings + frame(0, 8, 1, [2, 0, 0, 0, 0, 2, 8, 1, 0, 0]), .passed),
        (settings + frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) + data([8, 1]), .passed),
        (
            settings + frame(8, 0, 0, [0, 0, 1, 0]) + frame(99, 255, 7, [1]) + data([8, 1]), .passed
        ),
        // Fields that are not ours, before and after.
        (settings + data([0x12, 2, 1, 2, 8, 1, 0x1D, 0, 0, 0, 0, 0x21] + zeros(8)), .passed),
        // Two frames for one message.
        (settings + frame(0, 0, 1, [0, 0, 0]) + frame(0, 1, 1, [0, 2, 8, 1]), .passed),
        (settings + headers + data([8, 2]), .failed("says NOT_SERVING")),
        (settings + data([]), .failed("says UNKNOWN")),
        (settings + data([8, 3]), .failed("says SERVICE_UNKNOWN")),
        (settings + data([8, 77]), .failed("says status 77")),
        // The other end of a number's range.
        (
            settings + data([8] + [UInt8](repeating: 255, count: 9) + [1]),
            .failed("says status 18446744073709551615")
        ),
        (settings + data([8] + [UInt8](repeating: 255, count: 10)), noMessage),
        (settings + data([8]), noMessage), (settings + data([0x0B]), noMessage),
        (settings + data([0x12, 200, 1]), noMessage), (settings + data([0x09, 1]), noMessage),
        (settings + frame(0, 0, 1, [1, 0, 0, 0, 2, 8, 1]), noMessage),
        (settings + frame(0, 0, 1, [0, 255, 255, 255, 255]), noMessage),
        (settings + frame(1, 5, 1, [0x88]), noStatus),
        (settings + frame(0, 1, 1, [0, 0]), noStatus),
        (settings + frame(3, 0, 1, [0, 0, 0, 7]), .failed("refuses the call (error 7)")),
        (settings + frame(3, 0, 1, []), .failed("refuses the call")),
        (settings + frame(7, 0, 0, zeros(7) + [2]), .failed("ends the connection (error 2)")),
        (settings + frame(7, 0, 0, []), .failed("ends the connection")),
        (settings + frame(5, 0, 1, []), .failed("pushes what nobody asked for")),
        (settings + frame(0, 8, 1, [9, 0]), broken), (settings + frame(0, 8, 1, []), broken),
        (settings + frame(6, 0, 0, [1]), broken), (settings + frame(4, 0, 0, [1]), broken),
        (settings + frame(4, 0, 3, []), broken),
        (data([8, 1]), noHTTP2), (frame(4, 0, 1, []), noHTTP2),
        ([255, 255, 255, 4, 0, 0, 0, 0, 0], noHTTP2),
        (settings + [0, 64, 1, 0, 0, 0, 0, 0, 1], noHTTP2),
        (
            Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
            .failed("answers in HTTP/1, not HTTP/2")
        ),
    ]

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    @Test(arguments: answers.indices)
    func `only a message that says SERVING passes`(index: Int) throws {
        let (bytes, expected) = Self.answers[index]
        let server = try FakeServer()
        var isSent = false
        let answer = try server.answer(to: Self.question) {
            if $0.received.count > 0, !isSent {
                $0.send(bytes)
                isSent = true
            }
        }
        #expect(answer == expected)
    }

    @Test func `the answer may come byte by byte`() throws {
        let server = try FakeServer()
        var rest = (Self.settings + Self.headers + Self.data([8, 1]))[...]
        let answer = try server.answer(to: Self.question) {
            if let byte = rest.popFirst() { $0.send([byte]) }
        }
        #expect(answer == .passed)
    }

    @Test func `settings and pings are acknowledged`() throws {
        let server = try FakeServer()
        let ping: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        var said: [UInt8] = []
        var step = 0
        let answer = try server.answer(to: Self.question) {
            said += $0.takeReceived()
            step += 1
            if step == 20 { $0.send(Self.settings + Self.frame(6, 0, 0, ping)) }
            if step == 60 { $0.send(Self.data([8, 1])) }
        }
        #expect(answer == .passed)
        #expect(said.starts(with: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)))
        #expect(said.suffix(26) == (Self.frame(4, 1, 0, []) + Self.frame(6, 1, 0, ping))[...])
    }

    @Test(arguments: 0..<300)
    func `garbage never passes, never hurts, and never keeps us for ever`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var bytes = Self.settings + Self.headers
        if seed % 3 == 0 {
            bytes = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                .random(in: 0...255, using: &random)
            }
        } else {
            bytes += Self.data([8, 2], 1)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                // Not the status itself, which might become the right one.
                let place = Int.random(in: 0..<(bytes.count - 1), using: &random)
                bytes[place] = .random(in: 0...255, using: &random)
            }
        }
        let server = try FakeServer()
        server.send(bytes)
        let answer = try server.answer(to: Self.question, rounds: 2000) {
            if $0.received.count > 0 { $0.close() }
        }
        guard case .failed = answer else {
            Issue.record("seed \(seed): \(answer as Any)")
            return
        }
    }
}
