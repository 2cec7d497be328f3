import Glibc
import PoiseModel
import PoiseWire
import Testing

/// What the kernel of this machine can hold a plugin to.
private enum Kernel {
    /// The version of Landlock; 0 for none (`landlock_create_ruleset(2)`, asked through `syscall`,
    /// which Swift cannot call, so by the host's own words).
    static let landlock: Int = {
        do {
            let host = try HostProcess(
                plugin: try Programs.plugin("hostile"), keepsWarnings: true)
            host.tell(SandboxTests.order(["try": "live"]))
            let news = try host.news { $0 == .started }
            let warnings = news.compactMap { news -> String? in
                if case .log(.warning, let text, _) = news { text } else { nil }
            }
            guard let text = warnings.first else { return 6 }
            if text.contains("no Landlock") { return 0 }
            return (1...6).first { text.contains("Landlock \($0) ") } ?? 6
        } catch {
            return 0
        }
    }()
}

/// A folder where a sandbox lets nobody write, which those for temporary files are not.
private final class MadeFolder {
    let path: String

    init() throws {
        var template = Array("/var/tmp/poise-sandbox-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        do { _ = try Programs.run("/bin/rm", ["-rf", path]) } catch { Issue.record(error) }
    }
}

@Suite(.enabled(if: Programs.compiler != nil, "no C compiler `cc` on PATH"))
struct SandboxTests {
    private let made: MadeFolder
    private var folder: String { made.path }

    init() throws {
        made = try MadeFolder()
        let folder = made.path
        for name in ["state", "hidden", "hidden/deep", "other"] {
            try #require(mkdir("\(folder)/\(name)", 0o755) == 0)
        }
        for name in ["state/file", "hidden/file", "hidden/deep/file", "other/file"] {
            let file = try #require(fopen("\(folder)/\(name)", "w"))
            fclose(file)
        }
        try #require(symlink("hidden", "\(folder)/link") == 0)
    }

    static func order(_ config: JSON) -> HostOrder {
        .start(
            feature: "tried", plugin: (try? Programs.plugin("hostile")) ?? "", config: config,
            allocation: HostAllocation(generation: 1, exclusive: [0], baseline: [0]),
            stateFolder: "/state")
    }

    /// How an attempt ends: `done`, or the error's name.
    private func attempt(_ word: String, _ path: String = "", _ sandbox: [String] = []) throws
        -> String
    {
        let host = try HostProcess(plugin: try Programs.plugin("hostile"), sandbox: sandbox)
        host.tell(Self.order(["try": .string(path.isEmpty ? word : "\(word) \(path)")]))
        let news = try host.news { $0 == .started }
        host.tell(.stop)
        #expect(try host.end().exit == .code(0))
        for case .log(.info, let text, _) in news where text.hasPrefix("\(word): ") {
            return String(text.dropFirst(word.count + 2))
        }
        return "nothing: \(news)"
    }

    @Test(
        "what no plugin may do is refused, on every thread of it",
        arguments: [
            "ptrace", "traceme", "vm_read", "mount", "chroot", "unshare", "clone", "setuid",
            "setgroups", "bpf", "io_uring", "keyctl", "tiocsti", "tiocsti_high", "capabilities",
            "privileges", "dumpable",
        ])
    func calls(word: String) throws { #expect(try attempt(word) == "EPERM") }

    @Test(
        "a plugin cannot signal, slow down or move who started it, of the same user or not",
        arguments: [
            "kill", "parent_tgkill", "parent_tkill", "parent_queue", "parent_queue_thread",
            "parent_pidfd", "parent_nice", "parent_nice_all", "parent_affinity", "parent_limits",
            "parent_own", "parent_own_high",
        ])
    func parent(word: String) throws {
        #expect(try attempt(word) == "EPERM")
        // Without the sandbox the kernel has nothing against it.
        #expect(try attempt(word, "", ["--sandbox", "none"]) == "done")
    }

    @Test("what lies in /dev/shm stays, so it is not written", .enabled(if: Kernel.landlock > 0))
    func sharedMemory() throws {
        let place = "/dev/shm/poise-test-\(getpid())"
        defer { unlink(place) }
        #expect(try attempt("make", place) == "EACCES")
        #expect(try attempt("make", place, ["--write", "/dev/shm"]) == "done")
    }

    @Test("threads and programs work in the sandbox as outside of it")
    func living() throws {
        #expect(try attempt("live") == "done")
        #expect(
            try attempt("live", "", ["--read", "/nowhere", "--write", "\(folder)/state"]) == "done")
        #expect(try attempt("clone3") == "ENOSYS")
    }

    @Test("without a sandbox nothing but privileges is given up")
    func none() throws {
        let none = ["--sandbox", "none", "--hide", folder]
        #expect(try attempt("setuid", "", none) == "done")
        #expect(try attempt("read", "\(folder)/hidden/file", none) == "done")
        #expect(try attempt("privileges", "", none) == "EPERM")
    }

    @Test(
        "another process's memory and environment are closed", .enabled(if: Kernel.landlock > 0),
        arguments: ["memory", "environment"])
    func others(word: String) throws { #expect(try attempt(word) == "EACCES") }

    @Test("a hidden folder cannot be read, whatever leads there", .enabled(if: Kernel.landlock > 0))
    func hiding() throws {
        let hide = ["--hide", "\(folder)/link", "--write", "\(folder)/state"]
        #expect(try attempt("read", "\(folder)/other/file", hide) == "done")
        #expect(try attempt("list", "\(folder)/other", hide) == "done")
        #expect(try attempt("read", "/etc/passwd", hide) == "done")
        for path in ["hidden/file", "hidden/deep/file", "link/file", "other/../hidden/file"] {
            #expect(try attempt("read", "\(folder)/\(path)", hide) == "EACCES", "\(path)")
        }
        #expect(try attempt("read", "/proc/self/root\(folder)/hidden/file", hide) == "EACCES")
        for path in ["hidden", "hidden/deep", "link"] {
            #expect(try attempt("list", "\(folder)/\(path)", hide) == "EACCES", "\(path)")
        }
        // Not even where something is allowed that has it in it, or is in it.
        let both = hide + ["--write", folder, "--read", "/", "--read", "\(folder)/hidden/deep"]
        #expect(try attempt("read", "\(folder)/hidden/file", both) == "EACCES")
        #expect(try attempt("read", "\(folder)/hidden/deep/file", both) == "EACCES")
        #expect(try attempt("make", "\(folder)/hidden/new", both) == "EACCES")
    }

    @Test(
        "a folder that is hidden before it is there stays hidden", .enabled(if: Kernel.landlock > 0)
    )
    func hidingWhatIsNotThere() throws {
        let hide = ["--hide", "\(folder)/later/place"]
        let host = try HostProcess(plugin: try Programs.plugin("hostile"), sandbox: hide)
        host.tell([0x7B])
        let (_, exit) = try host.end()
        #expect(exit == .code(100))
        #expect(try attempt("read", "\(folder)/other/file", hide) == "done")
        #expect(try attempt("list", folder, hide) == "EACCES")
    }

    @Test("only what may be written is written", .enabled(if: Kernel.landlock > 0))
    func writing() throws {
        let state = ["--write", "\(folder)/state", "--hide", "\(folder)/hidden"]
        #expect(try attempt("write", "\(folder)/state/file", state) == "done")
        #expect(try attempt("make", "\(folder)/state/new", state) == "done")
        #expect(try attempt("remove", "\(folder)/state/new", state) == "done")
        #expect(try attempt("write", "/dev/null", state) == "done")
        for word in ["write", "remove"] {
            #expect(try attempt(word, "\(folder)/other/file", state) == "EACCES", "\(word)")
        }
        #expect(try attempt("make", "\(folder)/other/new", state) == "EACCES")
        #expect(try attempt("make", "/usr/poise-new", state) == "EACCES")
        #expect(try attempt("write", "/proc/sys/kernel/hostname", state) == "EACCES")
    }

    @Test(
        "a folder that is named for reading is all that is read beside the usual ones",
        .enabled(if: Kernel.landlock > 0))
    func reading() throws {
        let some = ["--read", "\(folder)/other", "--write", "\(folder)/state"]
        #expect(try attempt("read", "\(folder)/other/file", some) == "done")
        #expect(try attempt("read", "\(folder)/state/file", some) == "done")
        #expect(try attempt("read", "/etc/passwd", some) == "done")
        #expect(try attempt("write", "\(folder)/other/file", some) == "EACCES")
        #expect(try attempt("list", "/root", some) == "EACCES")
        #expect(try attempt("list", "/", some) == "EACCES")
    }

    @Test("a file that may only be read is not cut short", .enabled(if: Kernel.landlock > 0))
    func cutting() throws {
        let state = ["--write", "\(folder)/state", "--hide", "\(folder)/hidden"]
        // Where Landlock does not watch it, it is refused everywhere.
        let own = Kernel.landlock < 3 ? "EPERM" : "done"
        let others = Kernel.landlock < 3 ? "EPERM" : "EACCES"
        for word in ["cut", "cut_open"] {
            #expect(try attempt(word, "\(folder)/state/file", state) == own, "\(word)")
            #expect(try attempt(word, "\(folder)/other/file", state) == others, "\(word)")
        }
    }

    @Test("signals and abstract sockets stay inside", .enabled(if: Kernel.landlock >= 6))
    func scopes() throws {
        let name = "poise-test-\(getpid())"
        let listener = try listen(on: "\0" + name)
        defer { close(listener) }
        #expect(try attempt("abstract", name, ["--sandbox", "none"]) == "done")
        #expect(try attempt("abstract", name) == "EPERM")
        #expect(try attempt("kill", "", ["--sandbox", "none"]) == "done")
        #expect(try attempt("kill") == "EPERM")
    }

    @Test("a socket in a hidden folder can be connected to: its owner must look at who calls")
    func sockets() throws {
        let place = "\(folder)/hidden/socket"
        let listener = try listen(on: place)
        defer { close(listener) }
        // Landlock 9 has a right for it, which this does not ask for yet.
        #expect(try attempt("connect", place, ["--hide", "\(folder)/hidden"]) == "done")
    }

    private func listen(on name: String) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        try #require(code == 0 && Glibc.listen(number, 8) == 0)
        return number
    }

    @Test("a check is made in the sandbox too", .enabled(if: Kernel.landlock > 0))
    func checking() throws {
        let config = "\(folder)/config.json"
        let file = try #require(fopen(config, "w"))
        fputs("{\"try\": \"write \(folder)/other/file\"}", file)
        fclose(file)
        let plugin = try Programs.plugin("hostile")
        for (sandbox, ending) in [([], "EACCES"), (["--sandbox", "none"], "done")] {
            let output = "\(folder)/check"
            let words = ["--check", plugin, "--config", config] + sandbox
            #expect(
                try Programs.run(Programs.host(), words, output: output, errors: true) == .code(0))
            #expect(try Programs.text(of: output).contains("write: \(ending)"))
        }
    }

    @Test(
        "a place that is not whole is wrong use",
        arguments: [
            ["--read", "a"], ["--write", ""], ["--hide", "../x"], ["--sandbox", "half"], ["--hide"],
            ["--sandbox", "full", "--sandbox", "none"],
        ])
    func wrongUse(words: [String]) throws {
        #expect(try Programs.run(Programs.host(), ["--check", "/x.so"] + words) == .code(100))
    }
}
