import Glibc
import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// A daemon that answers one connection with the given bytes, on a real socket and a thread.
private final class OneAnswer: Sendable {
    let folder = ScratchFolder()
    private let listener: Int32
    private let answer: [UInt8]

    init(_ replies: [String]) {
        answer = replies.flatMap { Array($0.utf8) + [0] }
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(RuntimeFolder.socket(in: folder.path).utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(bound == 0 && listen(listener, 1) == 0, "listening: \(errno)")
        var thread = pthread_t()
        let raw = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<OneAnswer>.fromOpaque(raw).takeRetainedValue().serve()
                return nil
            }, raw)
        pthread_detach(thread)
    }

    private func serve() {
        let connection = accept(listener, nil, nil)
        var byte: UInt8 = 1
        while byte != 0, recv(connection, &byte, 1, 0) == 1 {}
        _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
        close(connection)
        close(listener)
    }
}

/// What the command line makes of a daemon's answers.
@Suite struct DaemonTests {
    private func run(_ words: [String], answers: [String]) -> (code: ExitCode, capture: Capture) {
        let daemon = OneAnswer(answers)
        defer { daemon.folder.remove() }
        let capture = Capture()
        let code = capture.run(words + ["--runtime-dir", daemon.folder.path])
        return (code, capture)
    }

    @Test func anAnswerIsShown() {
        let text = "{\"parameters\": {\"text\": \"streaming is started\"}}"
        let (code, capture) = run(["feature", "start", "streaming"], answers: [text])
        #expect(code == .done)
        #expect(capture.output == "streaming is started\n")
    }

    @Test func eventsThatFollowAreALineEachUntilTheLast() {
        let event = { (text: String) in
            "{\"events\": [{\"time\": 0, \"kind\": \"planned\", \"text\": \"\(text)\"}]}"
        }
        let (code, capture) = run(
            ["events", "--follow", "--json"],
            answers: [
                "{\"parameters\": \(event("one")), \"continues\": true}",
                "{\"parameters\": \(event("two"))}",
            ])
        #expect(code == .done)
        #expect(
            capture.output == """
                {"time":0,"kind":"planned","text":"one"}
                {"time":0,"kind":"planned","text":"two"}

                """)
    }

    @Test(arguments: [
        ("{\"error\": \"io.poise.NotFound\", \"parameters\": {\"text\": \"no x\"}}", ExitCode.no),
        ("{\"error\": \"io.poise.NotAllowed\", \"parameters\": {}}", .notAllowed),
        ("{\"error\": \"io.poise.Nonsense\"}", .unreachable), ("garbage", .unreachable),
        ("", .unreachable),
    ])
    func anAnswerThatIsNoneHasItsExitCode(answer: String, code: ExitCode) {
        let (got, capture) = run(["explain", "x"], answers: [answer])
        #expect(got == code)
        #expect(capture.errors.hasPrefix("poise: "))
        #expect(capture.output.isEmpty)
    }

    @Test(arguments: [
        ("{\"applied\": true, \"mistakes\": [], \"changes\": []}", false, ExitCode.done),
        ("{\"applied\": false, \"mistakes\": [], \"changes\": []}", true, .done),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: warning: w\"]}", true, .done),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: error: e\"]}", true, .no),
        ("{\"applied\": false, \"mistakes\": [\"f:1:1: error: e\"]}", false, .no),
    ])
    func applyingIsGoodWhenItWasDoneOrCouldBe(answer: String, isDry: Bool, code: ExitCode) {
        let words = ["policy", "apply", "default"] + (isDry ? ["--dry-run"] : [])
        let (got, _) = run(words, answers: ["{\"parameters\": \(answer)}"])
        #expect(got == code)
    }
}
