import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
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

    /// What `/proc/self/status` says to a child.
    private func status(
        byFork: Bool, _ adjust: (inout SpawnRequest) -> Void
    ) throws -> [String: String] {
        let cat = try Running("cat", ["/proc/self/status", "/proc/self/oom_score_adj"]) {
            $0.byFork = byFork
            adjust(&$0)
        }
        var result: [String: String] = [:]
        let text = try cat.rest()
        #expect(cat.process.refused.isEmpty)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count == 2 ? parts[1].drop { $0 == "\t" || $0 == " " } : ""
            result[String(parts[0])] = String(value.map { $0 == "\t" ? " " : $0 })
        }
        result["oom"] = text.split(separator: "\n").last.map(String.init)
        return result
    }

    @Test(
        "a child of another user has its groups, no capability, and no way to get one",
        .enabled(if: Here.canBecomeAnyone, "needs CAP_SETUID, CAP_SETGID and CAP_SETPCAP"),
        arguments: [false, true])
    func otherUser(byFork: Bool) throws {
        let facts = try status(byFork: byFork) {
            $0.user = Credentials(user: 4321, group: 4322, groups: [7, 8])
            $0.noNewPrivileges = true
            $0.noCapabilities = true
            $0.oomScoreAdjust = 987
        }
        #expect(facts["Uid"] == "4321 4321 4321 4321")
        #expect(facts["Gid"] == "4322 4322 4322 4322")
        #expect(facts["Groups"]?.trimmingSpaces == "7 8")
        #expect(facts["NoNewPrivs"] == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(facts[set] == "0000000000000000", "\(set)")
        }
        #expect(facts["oom"] == "987")
        // The child had our memory while it changed its user; what that took from us is back.
        #expect(facts["Uid"] != nil && Probe.isDumpable)
    }

    @Test(
        "root without a bounding set starts programs that have no capability",
        .enabled(if: Here.canBecomeAnyone && geteuid() == 0), arguments: [false, true])
    func rootWithoutCapabilities(byFork: Bool) throws {
        let facts = try status(byFork: byFork) { $0.noCapabilities = true }
        #expect(facts["Uid"] == "0 0 0 0")
        for set in ["CapPrm", "CapEff", "CapBnd"] { #expect(facts[set] == "0000000000000000") }
    }

    @Test(
        "a change of the user keeps the signal at the parent's end, and the folder is its own",
        .enabled(if: Here.canBecomeAnyone && Probe.isThere), arguments: [false, true])
    func parentDeath(byFork: Bool) throws {
        let probe = try Probe.start(["facts"]) {
            $0.byFork = byFork
            $0.user = Credentials(user: 4321, group: 4322)
            $0.parentDeathSignal = SIGUSR1
            $0.folder = "/"
        }
        let facts = try probe.rest().split(separator: "\n")
        #expect(facts.contains("death \(SIGUSR1)"))
        #expect(facts.contains("folder /"))
        let folder = try TemporaryFolder()
        let error = #expect(throws: SystemError.self) {
            try Running("true") {
                $0.byFork = byFork
                $0.user = Credentials(user: 4321, group: 4322)
                $0.folder = folder.path
            }
        }
        #expect(error?.call == "chdir" && error?.errno == .accessDenied)
    }

    @Test(
        "whoever may not change the user is told the step", .enabled(if: !Here.can(6)),
        arguments: [false, true])
    func refusedUser(byFork: Bool) {
        let error = #expect(throws: SystemError.self) {
            try Running("true") {
                $0.byFork = byFork
                $0.user = Credentials(user: 4321, group: 4322)
            }
        }
        #expect(error?.call == "setgroups" && error?.errno == .notPermitted)
    }

    @Test(
        "an OOM score that may not be had is told and stops nothing; one that is none is an error")
    func oomScore() throws {
        let error = #expect(throws: SystemError.self) {
            try Running("true") { $0.oomScoreAdjust = 1001 }
        }
        #expect(error?.call == "write(oom_score_adj)" && error?.errno == .invalid)
        let run = try Running.shell("cat /proc/self/oom_score_adj") { $0.oomScoreAdjust = -1000 }
        let score = try run.line()
        #expect((score == "-1000") == run.process.refused.isEmpty)
        #expect(run.process.refused.allSatisfy { $0 == .oomScore })
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

extension String {
    fileprivate var trimmingSpaces: String { split(separator: " ").joined(separator: " ") }
}
