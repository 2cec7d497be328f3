import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct ProcessHandleTests {
    @Test("a process is held by its number, told its end, and never mistaken for a later one")
    func life() throws {
        let shell = try Running.shell("exec sleep 1000")
        let handle = try ProcessHandle(opening: shell.process.pid)
        #expect(handle.isAlive)
        #expect(handle.startTicks == shell.process.startTicks && handle.startTicks != nil)
        try handle.signal(SIGTERM)
        try waitFor(handle.descriptor)
        #expect(!handle.isAlive)
        #expect(try shell.end() == .signalled(signal: SIGTERM, coreDumped: false))
        #expect(!handle.isAlive)
        try handle.signal(SIGKILL)
        let error = #expect(throws: SystemError.self) { try ProcessHandle(opening: handle.pid) }
        #expect(error?.errno == .noSuchProcess)
    }

    @Test("a descriptor tells which process it is of, as long as that is there")
    func adoption() throws {
        let shell = try Running.shell("read line")
        let copy = { (descriptor: FileDescriptor) in
            FileDescriptor(adopting: dup(descriptor.number), name: "a copy")
        }
        let adopted = try #require(try ProcessHandle.adopt(copy(shell.process.descriptor)))
        #expect(adopted.pid == shell.process.pid && adopted.isAlive)
        #expect(adopted.startTicks == shell.process.startTicks)
        try adopted.signal(SIGKILL)
        // Ended and not waited for, it is still there to be told.
        try waitFor(adopted.descriptor)
        let ended = try #require(try ProcessHandle.adopt(copy(adopted.descriptor)))
        #expect(!ended.isAlive)
        _ = try shell.end()
        #expect(try ProcessHandle.adopt(copy(adopted.descriptor)) == nil)
    }

    @Test("a descriptor of anything else is refused")
    func others() throws {
        let others = [
            try FileDescriptor.open("/dev/null", O_RDONLY), try FileDescriptor.pipe().reading,
            try Doorbell().descriptor,
        ]
        for other in others {
            let error = #expect(throws: SystemError.self) { try ProcessHandle.adopt(other) }
            #expect(error?.errno == .invalid)
        }
    }

    @Test(
        "what the kernel tells of a descriptor is read, and nothing else is",
        arguments: [
            ("pos:\t0\nflags:\t02000002\nPid:\t123\nNSpid:\t123\n", 123), ("Pid:\t-1\n", -1),
            ("Pid:\t0\n", 0), ("NSpid:\t5\n", nil), ("", nil), ("Pid:\n", nil), ("Pid:\tx\n", nil),
            ("Pid:\t99999999999\n", nil), ("xPid:\t1\n", nil),
        ] as [(String, ProcessID?)])
    func format(text: String, pid: ProcessID?) { #expect(PidfdFormat.parse(text) == pid) }
}

@Suite struct UserDatabaseTests {
    @Test("root is known by name, and a name that nobody has is nobody")
    func names() throws {
        #expect(try UserDatabase.user(named: "root")?.user == 0)
        #expect(try UserDatabase.user(named: "root")?.group == 0)
        #expect(try UserDatabase.user(named: "root")?.groups.contains(0) == false)
        #expect(try UserDatabase.group(named: "root") == 0)
        for name in ["", "poise-nobody-has-this", "a:b", String(repeating: "x", count: 5000)] {
            #expect(try UserDatabase.user(named: name) == nil)
            #expect(try UserDatabase.group(named: name) == nil)
        }
    }
}
