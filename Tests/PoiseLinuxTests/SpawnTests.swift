import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite struct SpawnTests {
    @Test(arguments: [
        ("/nowhere/program", "execve", Errno.noSuchFile),
        ("/etc/passwd", "execve", .accessDenied),
        ("no-such-program-anywhere", "execve", .noSuchFile),
        ("zero\0byte", "execve", .invalid),
    ])
    func errorsOfExecComeBack(program: String, call: String, errno: Errno) throws {
        for byFork in [false, true] {
            let error = #expect(throws: SystemError.self) {
                try Running(program) { $0.byFork = byFork }
            }
            #expect(error?.call == call)
            #expect(error?.errno == errno)
            #expect(error?.subject == program)
        }
    }

    @Test(arguments: [false, true])
    func theStepThatFailedIsNamed(byFork: Bool) {
        let folder = #expect(throws: SystemError.self) {
            try Running("/bin/true") {
                $0.folder = "/nowhere"
                $0.byFork = byFork
            }
        }
        #expect(folder?.call == "chdir")
        #expect(folder?.subject == "/nowhere")
        let cpus = #expect(throws: SystemError.self) {
            try Running("/bin/true") {
                $0.cpus = [8000]
                $0.byFork = byFork
            }
        }
        #expect(cpus?.call == "sched_setaffinity")
        #expect(cpus?.errno == .invalid)
    }

    @Test(.enabled(if: Probe.isThere, "needs a C compiler"), arguments: [false, true])
    func theChildHasWhatWasAskedAndNothingElse(byFork: Bool) throws {
        let cpu = try #require(Here.cpus.last)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        // Open here and not closed on exec: must not be there in the child.
        let stray = dup(null.number)
        defer { close(stray) }
        signal(SIGPIPE, SIG_IGN)
        let probe = try Probe.start(["facts"]) {
            $0.byFork = byFork
            $0.cpus = [cpu]
            $0.nice = 7
            $0.scheduling = .batch
            $0.folder = "/"
            $0.limits = [ResourceLimit(.openFiles, 77), ResourceLimit(.dataBytes, 64 << 20)]
            $0.parentDeathSignal = SIGTERM
            $0.descriptors[9] = null
            $0.descriptors[12] = $0.descriptors[1]
        }
        let facts = try probe.rest().split(separator: "\n").map(String.init)
        #expect(
            facts == [
                "death \(SIGTERM)", "nice 7", "policy 3", "leader 1",
                "data \(64 << 20) \(64 << 20)", "files 77", "blocked 0", "unusual 0",
                "open 0 1 2 9 12", "cpus \(cpu)", "folder /",
            ])
        #expect(probe.process.refused.isEmpty)
        #expect(try probe.end() == .exited(code: 0))
    }

    @Test(arguments: [false, true])
    func descriptorsMayChangePlaces(byFork: Bool) throws {
        let first = try FileDescriptor.pipe()
        let second = try FileDescriptor.pipe()
        let (one, two) = (first.writing, second.writing)
        let folder = "/proc/self/fd"
        let script = "echo one >\(folder)/\(two.number); echo two >\(folder)/\(one.number)"
        let shell = try Running.shell(script) {
            $0.byFork = byFork
            $0.descriptors[two.number] = one
            $0.descriptors[one.number] = two
        }
        #expect(try shell.end() == .exited(code: 0))
        #expect(try first.reading.read() == .bytes(Array("one\n".utf8)))
        #expect(try second.reading.read() == .bytes(Array("two\n".utf8)))
    }

    @Test(.enabled(if: !Here.canLowerNice, "needs to be without CAP_SYS_NICE"))
    func aRefusedNiceValueIsToldAndStopsNothing() throws {
        let shell = try Running("true") { $0.nice = -5 }
        #expect(shell.process.refused == [.nice])
        #expect(try shell.end() == .exited(code: 0))
    }

    @Test(arguments: [
        ("exit 0", ProcessEnd.exited(code: 0)), ("exit 42", .exited(code: 42)),
        ("ulimit -c 0; kill -SEGV $$", .signalled(signal: SIGSEGV, coreDumped: false)),
    ])
    func theEndIsToldOnce(script: String, status: ProcessEnd) throws {
        let shell = try Running.shell(script)
        try waitFor(shell.process.descriptor)
        #expect(try shell.end() == status)
        #expect(throws: SystemError.self) { try shell.process.reap() }
    }

    @Test func signalsGoThroughThePidfdAlsoAfterTheEnd() throws {
        let shell = try Running.shell("echo up; read line")
        #expect(try shell.line() == "up")
        #expect(try shell.process.reap() == nil)
        try shell.process.signal(SIGTERM)
        #expect(try shell.end() == .signalled(signal: SIGTERM, coreDumped: false))
        try shell.process.signal(SIGTERM)
    }

    @Test func theStartTimeIsTheIdentity() throws {
        let shell = try Running.shell("read line")
        let stat = try #require(ProcessFiles.stat(of: shell.process.pid))
        #expect(shell.process.startTicks == stat.startTicks)
        #expect(stat.session == shell.process.pid)
        #expect(stat.parent == getpid())
    }

    @Test func orphansComeToTheSubreaperAndKnownExitsAreNotTaken() throws {
        try Subreaper.become()
        let known = try Running.shell("exit 5")
        let shell = try Running.shell("sh -c 'read line; exit 7' <&3 & echo $!") {
            $0.descriptors[3] = $0.descriptors[0]
        }
        let orphan = try #require(ProcessID(try shell.line()))
        _ = try shell.end()
        #expect(try eventually { ProcessFiles.stat(of: orphan)?.parent == getpid() })
        #expect(Subreaper.orphans { $0 != orphan } == [orphan])
        #expect(try Subreaper.reapOrphans { $0 != orphan }.isEmpty)
        shell.closeInput()
        var reaped: [Subreaper.ReapedOrphan] = []
        _ = try eventually {
            reaped = try Subreaper.reapOrphans { $0 != orphan }
            return !reaped.isEmpty
        }
        #expect(reaped.map(\.pid) == [orphan])
        #expect(reaped.map(\.status) == [.exited(code: 7)])
        #expect(try known.end() == .exited(code: 5))
    }
}
