import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct FileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aFileThatIsReplacedByRenameIsSeen() throws {
        let path = "\(folder.path)/policy.yaml"
        try AtomicFile.write(path, Array("old".utf8))
        let watch = try FolderWatch(folder.path)
        #expect(try watch.changes() == .init())
        try AtomicFile.write(path, Array("new".utf8))
        let changes = try watch.changes()
        #expect(changes.names.contains("policy.yaml"))
        #expect(!changes.missedSome && !changes.folderIsGone)
        unlink(path)
        #expect(try watch.changes().names == ["policy.yaml"])
        #expect(try watch.changes() == .init())
    }

    @Test func aFolderThatIsGoneIsTold() throws {
        let inner = "\(folder.path)/inner"
        mkdir(inner, 0o700)
        let watch = try FolderWatch(inner)
        rmdir(inner)
        #expect(try watch.changes().folderIsGone)
        let error = #expect(throws: SystemError.self) { try FolderWatch(inner) }
        #expect(error?.subject == inner)
    }

    @Test func aSecondLockNamesTheFirst() throws {
        var first: FolderLock? = try FolderLock(folder.path)
        let error = #expect(throws: SystemError.self) { try FolderLock(folder.path) }
        #expect(error?.advice?.contains("process number \(getpid()) ") == true)
        #expect(error?.subject == "\(folder.path)/lock")
        withExtendedLifetime(first) {}
        first = nil
        _ = try onceCopiesAreGone { () throws(SystemError) in try FolderLock(folder.path) }
    }

    @Test func anAtomicWriteReplacesAllAndLeavesNothingElse() throws {
        let path = "\(folder.path)/state"
        try AtomicFile.write(path, [UInt8](repeating: 65, count: 100_000))
        try AtomicFile.write(path, Array("short".utf8))
        #expect(ProcessFiles.text(path) == "short")
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write("\(folder.path)/no/state", [])
        }
        #expect(error?.errno == .noSuchFile)
        let watch = try FolderWatch(folder.path)
        mkdir("\(folder.path)/taken", 0o700)
        #expect(throws: SystemError.self) { try AtomicFile.write("\(folder.path)/taken", [1]) }
        #expect(try watch.changes().names.contains("taken"))
        #expect(access("\(folder.path)/.taken.\(getpid()).new", F_OK) != 0)
    }

    @Test(.enabled(if: Here.canMount, "needs CAP_SYS_ADMIN to mount a small file system"))
    func aFullDiskLeavesTheOldFile() throws {
        let small = "\(folder.path)/small"
        mkdir(small, 0o700)
        let mount = try Running("mount", ["-t", "tmpfs", "-o", "size=64k", "none", small])
        try #require(try mount.end() == .exited(code: 0))
        defer {
            do {
                let unmount = try Running("umount", [small])
                _ = try unmount.end()
            } catch {
                Issue.record(error)
            }
        }
        let path = "\(small)/state"
        try AtomicFile.write(path, Array("old".utf8))
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write(path, [UInt8](repeating: 65, count: 200_000))
        }
        #expect(error?.errno == .noSpace)
        #expect(ProcessFiles.text(path) == "old")
        try AtomicFile.write(path, Array("new".utf8))
        #expect(ProcessFiles.text(path) == "new")
    }

    @Test func aLogStaysWithinItsBound() throws {
        let path = "\(folder.path)/log"
        var log = RotatingLog(path, limitBytes: 100)
        for number in 0..<100 { log.append("line \(number)") }
        log.append(String(repeating: "x", count: 1000))
        let (lost, failure) = (log.lostLines, log.takeFailure())
        #expect(lost == 0)
        #expect(failure == nil)
        let now = try #require(ProcessFiles.text(path))
        let before = try #require(ProcessFiles.text(path + ".1"))
        #expect(now == String(repeating: "x", count: 99) + "\n")
        #expect(before.utf8.count <= 100)
        #expect(before.hasSuffix("line 99\n"))
    }

    @Test func aLogGoesOnWhereItWas() throws {
        let path = "\(folder.path)/log"
        for number in 0..<3 {
            var log = RotatingLog(path, limitBytes: 1000)
            log.append("start \(number)")
        }
        #expect(ProcessFiles.text(path) == "start 0\nstart 1\nstart 2\n")
    }

    @Test(arguments: ["/dev/full", "/nowhere/log"])
    func linesThatCannotBeWrittenAreCountedAndToldOnce(path: String) {
        var log = RotatingLog(path, limitBytes: 20)
        for _ in 0..<5 { log.append("a line of some length") }
        let (lost, first, second) = (log.lostLines, log.takeFailure(), log.takeFailure())
        #expect(lost == 5)
        #expect(first?.subject == path)
        #expect(second == nil)
        log.append("still failing")
        let third = log.takeFailure()
        #expect(third == nil)
    }
}
