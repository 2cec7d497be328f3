import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct SocketTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = "\(folder.path)/socket"
    }

    @Test func bytesAndCredentialsGoThrough() throws {
        let listener = try LocalSocket.listen(path)
        #expect(try LocalSocket.accept(listener) == nil)
        let client = try LocalSocket.connect(path)
        let server = try #require(try LocalSocket.accept(listener))
        #expect(try LocalSocket.peer(of: server).process == getpid())
        #expect(try LocalSocket.peer(of: server).user == geteuid())
        #expect(try LocalSocket.peer(of: server).group == getegid())
        var own = [gid_t](repeating: 0, count: 1 << 16)
        let count = getgroups(Int32(own.count), &own)
        #expect(
            try LocalSocket.peer(of: server).groups == Set(own.prefix(Int(count)) + [getegid()]))
        #expect(try server.read() == .nothing)
        #expect(try LocalSocket.send(Array("hello".utf8)[...], to: client) == 5)
        #expect(try server.read() == .bytes(Array("hello".utf8)))
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    }

    @Test(
        "a caller is known by all of its groups, however many",
        .enabled(if: Here.canBecomeAnyone && Probe.isThere, "needs CAP_SETUID and a C compiler"))
    func allGroups() throws {
        for count: UInt32 in [0, 3, 300] {
            let listener = try LocalSocket.listen(path, mode: 0o666)
            chmod(folder.path, 0o755)
            let groups = (0..<count).map { 5000 + $0 }
            let client = try Running(
                try #require(Probe.path), ["connect", path]
            ) {
                $0.user = Credentials(user: 4321, group: 4322, groups: groups)
            }
            var server: FileDescriptor?
            #expect(
                try eventually {
                    server = try LocalSocket.accept(listener); return server != nil
                })
            let peer = try LocalSocket.peer(of: try #require(server))
            #expect(
                peer
                    == LocalSocket.Peer(
                        process: client.process.pid, user: 4321, group: 4322,
                        groups: Set(groups + [4322])))
            unlink(path)
        }
    }

    @Test func aFullSocketSaysSoAndAClosedOneIsAnErrorWithoutASignal() throws {
        let (one, other) = try LocalSocket.messagePair()
        let message = [UInt8](repeating: 1, count: 1000)
        var sent = 0
        while try LocalSocket.send(message[...], to: one) != nil { sent += 1 }
        #expect(sent > 1)
        #expect(try other.read() == .bytes(message))
        let listener = try LocalSocket.listen(path)
        let client = try LocalSocket.connect(path)
        _ = shutdown(try #require(try LocalSocket.accept(listener)).number, Int32(SHUT_RDWR))
        let error = #expect(throws: SystemError.self) { try LocalSocket.send([1], to: client) }
        #expect(error?.errno == .brokenPipe)
    }

    @Test func aStaleSocketIsTakenOverAndALiveOneIsNot() throws {
        var stale: FileDescriptor? = try LocalSocket.listen(path)
        let error = #expect(throws: SystemError.self) { try LocalSocket.listen(path) }
        #expect(error?.errno == .addressInUse)
        #expect(error?.subject == path)
        withExtendedLifetime(stale) {}
        stale = nil
        let listener = try onceCopiesAreGone { () throws(SystemError) in
            try LocalSocket.listen(path)
        }
        _ = try LocalSocket.connect(path)
        #expect(try LocalSocket.accept(listener) != nil)
    }

    @Test func aFileThatIsNoSocketIsNeverTakenAway() throws {
        try AtomicFile.write(path, Array("precious".utf8))
        let error = #expect(throws: SystemError.self) { try LocalSocket.listen(path) }
        #expect(error?.errno == .exists)
        #expect(ProcessFiles.text(path) == "precious")
    }

    @Test(arguments: [107, 108, 500])
    func aPathThatIsTooLongIsToldWithTheBound(length: Int) throws {
        let filler = String(repeating: "s", count: length - folder.path.utf8.count - 1)
        let path = "\(folder.path)/\(filler)"
        if length <= LocalSocket.mostPathBytes {
            _ = try LocalSocket.listen(path)
            return
        }
        let error = #expect(throws: SystemError.self) { try LocalSocket.listen(path) }
        #expect(error?.advice?.contains("107") == true)
        #expect(throws: SystemError.self) { try LocalSocket.connect(path) }
    }
}
