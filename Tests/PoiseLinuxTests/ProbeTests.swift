import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite("Probes of services")
struct ProbeTests {
    private let page = NetworkProbe.Question.http(path: "/healthz?a=1", status: nil)

    @Test(arguments: [false, true])
    func `something that listens passes, and nothing that does not`(isIPv6: Bool) throws {
        var server: FakeServer? = try FakeServer(isIPv6: isIPv6)
        let address = try #require(server?.address)
        #expect(try server?.answer(to: .connection) { _ in } == .passed)
        server = nil
        do {
            let probe = try NetworkProbe(.connection, address)
            var answer: ProbeAnswer?
            for _ in 0..<5000 where answer == nil {
                usleep(1000)
                answer = probe.advance()
            }
            #expect(answer == .failed("connection refused"))
        } catch {
            #expect(error.call == "connect" && error.errno == .connectionRefused)
        }
    }

    /// Answers of a web server, and what they mean to who takes any good one, and to who wants 204.
    private static let answers: [(String, ProbeAnswer, ProbeAnswer)] = [
        ("HTTP/1.1 200 OK\r\n\r\n", .passed, .failed("answers with status 200, not 204")),
        ("HTTP/1.0 204\r\n\r\n", .passed, .passed),
        ("HTTP/1.1 399 \n", .passed, .failed("answers with status 399, not 204")),
        (
            "HTTP/1.1 503 Busy\r\n", .failed("answers with status 503"),
            .failed("answers with status 503, not 204")
        ),
        (
            "HTTP/1.1 100 Continue\r\n", .failed("answers with status 100"),
            .failed("answers with status 100, not 204")
        ),
        ("HTTP/2.0 200 OK\r\n", notHTTP, notHTTP), ("HTTP/1.1 2000\r\n", notHTTP, notHTTP),
        ("HTTP/1.1 2x0\r\n", notHTTP, notHTTP), ("HTTP/1.1  200\r\n", notHTTP, notHTTP),
        ("SSH-2.0-OpenSSH_9.2\r\n", notHTTP, notHTTP), ("\r\n", notHTTP, notHTTP),
        ("\n", notHTTP, notHTTP), ("HTTP/1.\n", notHTTP, notHTTP),
    ]
    private static let notHTTP = ProbeAnswer.failed("does not answer in HTTP/1")

    @Test(arguments: answers.indices)
    func `the status line of an answer decides`(index: Int) throws {
        let (text, any, exact) = Self.answers[index]
        for (status, expected) in [(nil, any), (204, exact)] {
            let server = try FakeServer()
            let answer = try server.answer(to: .http(path: "/x", status: status)) {
                if $0.takeReceived().count > 0 { $0.send(text) }
            }
            #expect(answer == expected, "\(text)")
        }
    }

    @Test func `the request is one that every web server understands`() throws {
        let server = try FakeServer()
        var request: [UInt8] = []
        let answer = try server.answer(to: page) {
            request += $0.takeReceived()
            if String(decoding: request, as: UTF8.self).hasSuffix("\r\n\r\n") {
                $0.send("HTTP/1.1 200 OK\r\n")
            }
        }
        #expect(answer == .passed)
        let lines = String(decoding: request, as: UTF8.self).split(separator: "\r\n")
        #expect(lines.first == "GET /healthz?a=1 HTTP/1.1")
        #expect(lines.contains("Host: \(server.address)") && lines.contains("Connection: close"))
    }

    @Test func `an answer that comes byte by byte is read`() throws {
        let server = try FakeServer()
        var rest = Array("HTTP/1.1 200 OK\r\n".utf8)[...]
        let answer = try server.answer(to: page) {
            if let byte = rest.popFirst() { $0.send([byte]) }
        }
        #expect(answer == .passed)
    }

    @Test func `who closes without an answer has failed`() throws {
        for question in [page, .grpc(service: "", within: .seconds(1))] {
            let server = try FakeServer()
            let answer = try server.answer(to: question) { server in
                if server.received.count > 0 { server.close() }
            }
            // Unread bytes at the other end make it a reset.
            let known: [ProbeAnswer] = [
                .failed("closed without an answer"), .failed("connection reset"),
                .failed("nobody reads the other end"),
            ]
            #expect(answer.map { known.contains($0) } ?? false, "\(answer as Any)")
        }
    }

    @Test func `who sends bytes without end is not listened to for long`() throws {
        for question in [page, .grpc(service: "", within: .seconds(1))] {
            let server = try FakeServer()
            let answer = try server.answer(to: question) { server in
                server.send([UInt8](repeating: 65, count: 4096))
            }
            guard case .failed = answer else {
                Issue.record("\(question): \(answer as Any)")
                continue
            }
        }
    }

    @Test func `who says nothing gets no answer from us either, which is for the deadline`() throws
    {
        let server = try FakeServer()
        #expect(try server.answer(to: page, rounds: 200) { _ in } == nil)
    }
}
