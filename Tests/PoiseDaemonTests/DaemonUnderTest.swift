import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// A real `poised` in a folder of its own, with a policy of the test, asked over its real socket.
final class DaemonUnderTest {
    let folder: String
    let child: ChildProcess
    private static let patience = Duration.seconds(60)

    /// Starts it and waits until its socket answers.
    init(_ policy: String, _ arguments: [String] = [], folder: String? = nil) throws {
        self.folder = try folder ?? DaemonUnderTest.makeFolder()
        try #require(Repository.write(policy, to: self.folder + "/policy.yaml"))
        child = try DaemonUnderTest.spawn(self.folder, arguments)
        try wait("it answers") {
            // It may not be there yet, or a predecessor's socket still is.
            (try? call(.status))?.parameters["pid"]?.integer == Int(child.pid)
        }
    }

    deinit {
        // The test is over, however it went: nothing of it may stay.
        if hasEnded() { return }
        try? child.signal(SIGTERM)
        for _ in 0..<500 {
            if hasEnded() { return }
            usleep(10_000)
        }
        try? child.signal(SIGKILL)
    }

    /// Whether it has ended; an error says that its end was taken before.
    private func hasEnded() -> Bool {
        do {
            return try child.reap() != nil
        } catch {
            return true
        }
    }

    var runtime: String { folder + "/run" }
    var policyPath: String { folder + "/policy.yaml" }
    var log: String { Repository.text(folder + "/log") ?? "" }

    static func makeFolder() throws -> String {
        var template = Array((Repository.temporary + "/poise-test-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        return try #require(made)
    }

    static func spawn(_ folder: String, _ arguments: [String]) throws -> ChildProcess {
        var request = SpawnRequest(program: Repository.programs + "/poised")
        request.arguments =
            [
                "--policy", folder + "/policy.yaml", "--runtime-dir", folder + "/run",
                "--state-dir", folder + "/state", "--plugin-dir", folder,
            ] + arguments
        request.environment = OwnEnvironment.variables
        let log = try FileDescriptor.open(
            folder + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        request.descriptors[1] = log
        request.descriptors[2] = log
        return try ChildProcess.spawn(request)
    }

    /// Polls until something holds; fails after a minute with what the daemon said.
    func wait(_ what: String, until holds: () throws -> Bool) throws {
        let end = MonotonicClock.now + DaemonUnderTest.patience
        while try !holds() {
            try #require(MonotonicClock.now < end, "waited in vain until \(what)\n\(log)")
            usleep(10_000)
        }
    }

    func call(_ method: ControlMethod, _ parameters: JSON = .object([])) throws -> ControlReply {
        var client = try ControlClient(socket: RuntimeFolder.socket(in: runtime))
        return try client.call(ControlCall(method.rawValue, parameters))
    }

    func status(of feature: String) throws -> JSON? {
        try call(.status).parameters["features"]?.array?.first {
            $0["feature"]?.string == feature
        }
    }

    func state(_ feature: String) throws -> String? { try status(of: feature)?["state"]?.string }

    func pid(_ feature: String) throws -> ProcessID? {
        try status(of: feature)?["pid"]?.integer.flatMap(ProcessID.init(exactly:))
    }

    func allocation(_ feature: String) throws -> JSON? {
        try call(.allocations).parameters["features"]?.array?.first {
            $0["feature"]?.string == feature
        }
    }

    func waitForState(_ feature: String, _ state: String) throws {
        try wait("\(feature) is \(state)") { try self.state(feature) == state }
    }

    func waitForLog(_ text: String) throws { try wait("it says \(text)") { log.contains(text) } }

    /// Asks it to stop and gives how it ended.
    func stop() throws -> ProcessEnd {
        try child.signal(SIGTERM)
        var end: ProcessEnd?
        try wait("it ends") {
            end = try child.reap()
            return end != nil
        }
        return try #require(end)
    }
}

/// A shell command as a feature: `loop` runs for ever in small sleeps.
func commandPolicy(_ features: [(name: String, priority: Int, script: String, cores: String)])
    -> String
{
    var text = "version: 1\nname: test\nreserve: { cores: 0.1 }\nfeatures:\n"
    for feature in features {
        text += "  \(feature.name):\n    priority: \(feature.priority)\n"
        text += "    command: [\"sh\", \"-c\", \"\(feature.script)\"]\n"
        text += "    cores: { performance: \(feature.cores) }\n"
    }
    return text
}

let loopScript = "while :; do sleep 0.1; done"
