import CSystemd
import Glibc
import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseLinux

/// A socket that takes notices as process 1 does.
final class NoticeSocket {
    let folder: TemporaryFolder
    let path: String
    private let socket: FileDescriptor

    init() throws {
        folder = try TemporaryFolder()
        path = "\(folder.path)/notify"
        let number = Glibc.socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        socket = FileDescriptor(adopting: number, name: "the notice socket")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        try #require(code == 0)
    }

    /// The next message, and the descriptor that came with it (`recvmsg(2)`, `SCM_RIGHTS`).
    func receive() throws -> (text: String, descriptor: FileDescriptor?) {
        try waitFor(socket)
        var bytes = [UInt8](repeating: 0, count: 4096)
        var control = [UInt64](repeating: 0, count: 32)
        var count = 0
        bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    count = recvmsg(socket.number, &message, Int32(MSG_CMSG_CLOEXEC))
                }
            }
        }
        try #require(count >= 0)
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        // A cmsghdr: its length, SOL_SOCKET below SCM_RIGHTS, the descriptor.
        guard control[0] == 20, control[1] == 1 << 32 | UInt64(SOL_SOCKET) else {
            return (text, nil)
        }
        return (text, FileDescriptor(adopting: Int32(truncatingIfNeeded: control[2]), name: text))
    }
}

@Suite struct SystemdServiceTests {
    private func probe(
        _ words: [String], environment: [String: String], descriptors: [Int32: FileDescriptor] = [:]
    ) throws -> Running {
        let script = "LISTEN_PID=$$ WATCHDOG_PID=$$ exec \"$0\" \"$@\""
        return try Running(
            "/bin/sh", ["-c", script, Repository.programs + "/service-probe"] + words
        ) {
            $0.environment = environment
            for (number, descriptor) in descriptors { $0.descriptors[number] = descriptor }
        }
    }

    @Test("without systemd every notice says that nobody is told")
    func nobody() throws {
        let run = try probe(
            ["facts", "ready", "up", "stopping", "store", "a", "b", "forget", "a"], environment: [:]
        )
        #expect(
            try run.rest() == """
                there false
                watchdog -1
                again 0
                journal false
                inherited []
                false
                false
                false
                false

                """)
    }

    @Test("notices are what systemd reads, and a status cannot smuggle a second line")
    func notices() throws {
        let socket = try NoticeSocket()
        let run = try probe(
            ["ready", "two features\nFDSTORE=1", "reloading", "watchdog", "stopping"],
            environment: ["NOTIFY_SOCKET": socket.path])
        let messages = try (0..<4).map { _ in try socket.receive().text }
        #expect(
            messages == [
                "READY=1\nSTATUS=two features FDSTORE=1", "RELOADING=1\nMONOTONIC_USEC=5",
                "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=2000000", "STOPPING=1",
            ])
        #expect(try run.rest() == "true\ntrue\ntrue\ntrue\n")
    }

    @Test("a stored descriptor arrives with its name, and is not watched for its end")
    func storing() throws {
        let socket = try NoticeSocket()
        let run = try probe(
            [
                "store", "channel-a", "words", "forget", "channel-a", "store", "a:b", "", "forget",
                "",
            ],
            environment: ["NOTIFY_SOCKET": socket.path])
        let stored = try socket.receive()
        #expect(stored.text == "FDSTORE=1\nFDNAME=channel-a\nFDPOLL=0")
        #expect(try stored.descriptor?.read() == .bytes(Array("words".utf8)))
        #expect(try socket.receive().text == "FDSTOREREMOVE=1\nFDNAME=channel-a")
        let lines = try run.rest().split(separator: "\n")
        #expect(lines.prefix(2) == ["true", "true"])
        #expect(lines.dropFirst(2).count == 2)
        #expect(lines.dropFirst(2).allSatisfy { $0.contains("EINVAL") })
    }

    @Test("descriptors come once and by name, and no variable of the service reaches a child")
    func descriptors() throws {
        let socket = try NoticeSocket()
        let (reading, writing) = try FileDescriptor.pipe()
        try writing.writeAll(Array("kept".utf8))
        let environment = [
            "NOTIFY_SOCKET": socket.path, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "control:channel-a",
            "WATCHDOG_USEC": "3000000", "JOURNAL_STREAM": "1:2",
        ]
        let run = try probe(
            ["facts", "read", "channel-a"], environment: environment,
            descriptors: [3: try FileDescriptor.open("/dev/null", O_RDONLY), 4: reading])
        #expect(
            try run.rest() == """
                there true
                watchdog 3000
                given control 1
                given channel-a 1
                again 0
                journal false
                inherited []
                channel-a holds kept

                """)
    }
}

@Suite struct JournalTests {
    @Test(
        "a file is the journal's stream only by both of its numbers",
        arguments: [
            ("12:34", true), ("12:35", false), ("13:34", false), ("12", false), ("12:34:5", false),
            ("", false), (":", false), ("12:34 ", false), ("-12:34", false),
        ])
    func stream(text: String, expected: Bool) {
        #expect(Journal.isStream(text, device: 12, inode: 34) == expected)
    }

    @Test("fields are assignments, whatever their values hold")
    func fields() {
        let lines = Journal.assignments(
            priority: .warning, message: "a\nb=c", fields: [("POISE_FEATURE", "x\0y"), ("A", "")])
        #expect(
            lines
                == ["MESSAGE=a\nb=c", "PRIORITY=4", "POISE_FEATURE=x\0y", "A="].map {
                    Array($0.utf8)
                })
    }

    @Test(
        "only names that the journal takes from a program are names",
        arguments: [
            ("POISE_EVENT", true), ("A1_", true), ("_PID", false), ("1A", false), ("poise", false),
            ("", false), ("A=B", false), ("Ä", false), (String(repeating: "A", count: 65), false),
        ])
    func names(name: String, expected: Bool) { #expect(Journal.isFieldName(name) == expected) }

    @Test("a line can be sent wherever this runs")
    func sending() throws {
        // Where no journal runs it is lost without an error; where one does it cannot be led
        // elsewhere, so what arrives is looked at in the guest only.
        try Journal.send(
            priority: .debug, message: "a line of a test", fields: [("POISE_EVENT", "test")])
    }
}
