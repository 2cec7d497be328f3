import Glibc
import PoiseDaemon
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import PoiseWire
import Testing

/// A port of this machine on which something listens, or not.
private final class Port {
    let number: Int
    private var listener: FileDescriptor?

    init() throws {
        let (descriptor, port) = try Port.bind(0)
        number = port
        _ = descriptor
    }

    private static func bind(_ port: Int) throws -> (FileDescriptor, Int) {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(number >= 0)
        let descriptor = FileDescriptor(adopting: number, name: "a port")
        var isOn: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = in_port_t(port).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(number, $0, size) == 0 && getsockname(number, $0, &size) == 0
            }
        }
        try #require(isBound, "bind to \(port): \(errno)")
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }

    /// Listens, and never accepts: the kernel connects those who come.
    func listen() throws {
        let (descriptor, _) = try Port.bind(number)
        try #require(Glibc.listen(descriptor.number, 512) == 0)
        listener = descriptor
    }

    func close() { listener = nil }
}

@Suite struct HealthCheckTests {
    /// One feature that loops, with this under `health`.
    private func policy(_ health: String, script: String = loopScript) -> String {
        """
        version: 1
        name: test
        reserve: { cores: 0.1 }
        features:
          web:
            command: ["sh", "-c", "\(script)"]
            cores: { performance: { min: 0.1, want: 0.3, max: 1 } }
            health: \(health)
          calm:
            command: ["sh", "-c", "\(loopScript)"]
            cores: { performance: { min: 0.1, want: 0.3, max: 1 } }

        """
    }

    private func health(_ daemon: DaemonUnderTest, _ feature: String = "web") throws -> JSON? {
        try daemon.call(.health).parameters["features"]?.array?.first {
            $0["feature"]?.string == feature
        }
    }

    private func wait(_ daemon: DaemonUnderTest, _ isReady: Bool) throws {
        try daemon.wait("web is \(isReady ? "" : "not ")ready") {
            try health(daemon)?["ready"]?.bool == isReady
        }
    }

    /// Sockets that a process has open.
    private func sockets(of pid: ProcessID) -> Int {
        let folder = "/proc/\(pid)/fd"
        guard let opened = opendir(folder) else { return 0 }
        defer { closedir(opened) }
        var count = 0
        while let entry = readdir(opened) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var link = [UInt8](repeating: 0, count: 64)
            let length = link.withUnsafeMutableBytes { buffer in
                buffer.withMemoryRebound(to: CChar.self) { text in
                    text.baseAddress.map { readlink("\(folder)/\(name)", $0, text.count) } ?? 0
                }
            }
            if length > 0, String(decoding: link.prefix(length), as: UTF8.self).hasPrefix("socket:")
            {
                count += 1
            }
        }
        return count
    }

    /// The exit code of `poise health` and what it prints.
    private func poise(_ daemon: DaemonUnderTest, _ arguments: String...) throws -> ProcessEnd? {
        var request = SpawnRequest(program: Repository.programs + "/poise")
        request.arguments = ["health"] + arguments + ["--runtime-dir", daemon.runtime]
        request.environment = OwnEnvironment.variables
        let child = try ChildProcess.spawn(request)
        var end: ProcessEnd?
        try daemon.wait("poise health has ended") {
            end = try child.reap()
            return end != nil
        }
        return end
    }

    @Test func `a port that comes and goes makes a feature ready and not, and is told`() throws {
        let port = try Port()
        let daemon = try DaemonUnderTest(
            policy(
                "{ every: 100ms, within: 100ms, dependencies: { db: "
                    + "{ tcp: '127.0.0.1:\(port.number)' } } }"))
        try daemon.waitForState("web", "running")
        try daemon.waitForLog("web: health: its dependency db (tcp 127.0.0.1:\(port.number)) fails")
        try wait(daemon, false)
        #expect(try health(daemon)?["live"] == true)
        #expect(try poise(daemon) == .exited(code: 1))
        #expect(try poise(daemon, "web", "--json") == .exited(code: 1))
        #expect(try poise(daemon, "calm") == .exited(code: 0))
        #expect(try poise(daemon, "nobody") == .exited(code: 1))
        try port.listen()
        try wait(daemon, true)
        #expect(try poise(daemon) == .exited(code: 0))
        port.close()
        try wait(daemon, false)
        #expect(try daemon.status(of: "web")?["restarts"] == .integer(0))
        #expect(try daemon.stop() == .exited(code: 0))
    }

    @Test func `a server that says nothing is given up at the deadline`() throws {
        let port = try Port()
        try port.listen()
        let url = "http://127.0.0.1:\(port.number)/"
        let daemon = try DaemonUnderTest(
            policy(
                "{ every: 200ms, within: 100ms, dependencies: { a: { http: '\(url)' }, "
                    + "b: { grpc: '127.0.0.1:\(port.number)', critical: false } } }"))
        for target in [url, "grpc 127.0.0.1:\(port.number)"] {
            try daemon.waitForLog("(\(target)) fails: no answer within 100 ms")
        }
        // Nothing stays open: each of them is a connection less.
        let before = sockets(of: daemon.child.pid)
        usleep(1_500_000)
        // Two are under way at most, and our own call; one for each would be fifteen.
        #expect(sockets(of: daemon.child.pid) <= before + 4)
    }

    @Test func `a file and a command are looked at too`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        let daemon = try DaemonUnderTest(
            policy(
                "{ every: 100ms, within: 100ms, dependencies: { f: { file: \(folder)/flag }, "
                    + "c: { command: [test, -e, \(folder)/other], critical: false } } }"),
            folder: folder)
        try daemon.waitForState("web", "running")
        try daemon.waitForLog("(file \(folder)/flag) fails: no such file or folder")
        try daemon.waitForLog("(command test) fails: ends with exit code 1")
        try #require(Repository.write("", to: folder + "/flag"))
        try wait(daemon, true)
        #expect(try health(daemon)?["degraded"] == true)
        try #require(Repository.write("", to: folder + "/other"))
        try daemon.wait("web is not degraded") { try health(daemon)?["degraded"] == false }
        #expect(try poise(daemon, "web") == .exited(code: 0))
    }

    @Test func `a command that hangs is killed at the deadline with all that it started`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        let note = "echo $$ >> \(folder)/pids"
        // One of its processes leaves its session, and its parent ends.
        let script = "\(note); (setsid sh -c '\(note); sleep 1000' &); sleep 1000"
        try #require(Repository.write(script, to: folder + "/hang.sh"))
        let daemon = try DaemonUnderTest(
            policy(
                "{ every: 300ms, within: 200ms, dependencies: { c: { command: [sh, "
                    + "\(folder)/hang.sh] } } }"), folder: folder)
        try daemon.waitForLog("(command sh) fails: no answer within 200 ms")
        func noted() -> [ProcessID] {
            (Repository.text(folder + "/pids") ?? "").split(separator: "\n").compactMap {
                ProcessID($0)
            }
        }
        try daemon.wait("it ran thrice") { noted().count >= 6 }
        // What runs at this moment is one run's at most.
        let early = noted().prefix(4)
        for pid in early {
            try daemon.wait("\(pid) is gone") { ProcessFiles.stat(of: pid) == nil }
        }
        #expect(try daemon.call(.featureStop, ["feature": "web"]).failure == nil)
        try daemon.waitForState("web", "stopped")
        for pid in noted() {
            try daemon.wait("\(pid) is gone") { ProcessFiles.stat(of: pid) == nil }
        }
        #expect(try daemon.state("calm") == "running")
    }

    @Test func `a command that ends leaves nothing behind`() throws {
        let folder = try DaemonUnderTest.makeFolder()
        let note = "echo $! >> \(folder)/pids"
        let script = "(setsid sleep 1000 & \(note)); sleep 1000 & \(note)"
        try #require(Repository.write(script, to: folder + "/leave.sh"))
        let daemon = try DaemonUnderTest(
            policy(
                "{ every: 200ms, within: 200ms, checks: { c: { command: [sh, "
                    + "\(folder)/leave.sh] } } }"), folder: folder)
        try wait(daemon, true)
        var pids: [ProcessID] = []
        try daemon.wait("it ran thrice") {
            pids = (Repository.text(folder + "/pids") ?? "").split(separator: "\n").compactMap {
                ProcessID($0)
            }
            return pids.count >= 6
        }
        for pid in pids.prefix(4) {
            try daemon.wait("\(pid) is gone") { ProcessFiles.stat(of: pid) == nil }
        }
        #expect(try daemon.stop() == .exited(code: 0))
    }
}

@Suite struct CheckScheduleTests {
    @Test func `the time between two checks is moved by a tenth at most, the same way each time`()
        throws
    {
        let every = Duration.seconds(5)
        var all: Set<Duration> = []
        for name in ["a", "b", "c"] {
            let feature = try #require(FeatureID(name))
            for count in 0..<200 {
                let pause = CheckSchedule.pause(every, CheckKey(feature, "x"), count: count)
                #expect(pause == CheckSchedule.pause(every, CheckKey(feature, "x"), count: count))
                #expect((every * 9 / 10...every * 11 / 10).contains(pause))
                all.insert(pause)
            }
        }
        // They spread over all of the 201 values there are.
        #expect(all.count > 150)
    }
}
