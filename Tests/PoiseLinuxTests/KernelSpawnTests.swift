import Glibc
import PoiseLinux
import PoiseModel
import Testing

@Suite(.enabled(if: Testbed.isHere, "needs the testbed: POISE_TESTBED=1"), .serialized)
struct KernelSpawnTests {
    /// A cgroup below the one that this process may use; removed with the object.
    private final class Group {
        let path: String

        init(_ name: String, controllers: String = "") throws {
            path = "/sys/fs/cgroup/poise-try-\(name)"
            rmdir(path)
            try #require(mkdir(path, 0o755) == 0)
            if !controllers.isEmpty {
                try write("/sys/fs/cgroup/cgroup.subtree_control", controllers)
            }
        }

        deinit { rmdir(path) }

        func write(_ file: String, _ text: String) throws {
            let whole = file.hasPrefix("/") ? file : "\(path)/\(file)"
            try FileDescriptor.open(whole, O_WRONLY).writeAll(Array(text.utf8))
        }
    }

    private func open(_ path: String) throws -> FileDescriptor {
        try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    @Test("a child is born in its cgroup, and no instant of it is anywhere else")
    func bornInside() throws {
        let group = try Group("born", controllers: "+cpuset +memory +pids")
        try group.write("cpuset.cpus", "5")
        // One process only: a child that came here later could not have been counted before.
        try group.write("pids.max", "1")
        let child = try Running("cat", ["/proc/self/cgroup", "/proc/self/status"]) {
            $0.cgroup = try? open(group.path)
            $0.user = Credentials(user: 4321, group: 4322)
            $0.noNewPrivileges = true
            $0.noCapabilities = true
        }
        let lines = try child.rest().split(separator: "\n")
        #expect(lines.first == "0::/poise-try-born")
        #expect(lines.contains("Cpus_allowed_list:\t5"))
        #expect(lines.contains("Uid:\t4321\t4321\t4321\t4321"))
        #expect(try child.end() == .exited(code: 0))
    }

    @Test("a cgroup that takes no process is an error that says why")
    func refusedByTheCgroup() throws {
        let group = try Group("inner", controllers: "+memory")
        try group.write("cgroup.subtree_control", "+memory")
        let error = #expect(throws: SystemError.self) {
            try Running("true") { $0.cgroup = try? open(group.path) }
        }
        #expect(error?.call == "clone3" && error?.errno == Errno(EBUSY))
        #expect(error?.advice?.contains("takes no process") == true)
        let full = try Group("full", controllers: "+pids")
        try full.write("pids.max", "0")
        let second = #expect(throws: SystemError.self) {
            try Running("true") { $0.cgroup = try? open(full.path) }
        }
        #expect(second?.errno == .tryAgain)
    }

    @Test("a process that was found by its cgroup can be held and ended")
    func strangers() throws {
        let group = try Group("stranger")
        let child = try Running.shell("sleep 1000 & echo $!; wait") {
            $0.cgroup = try? open(group.path)
        }
        let stranger = try #require(ProcessID(try child.line()))
        let handle = try ProcessHandle(opening: stranger)
        #expect(handle.isAlive)
        try handle.signal(SIGKILL)
        try waitFor(handle.descriptor)
        _ = try child.end()
        #expect(try ProcessHandle.adopt(handle.descriptor) == nil)
    }
}
