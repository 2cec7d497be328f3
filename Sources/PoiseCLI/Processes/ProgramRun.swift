import Glibc
import PoiseModel

/// Runs a program to its end and gives what it printed (`posix_spawn(3)`).
struct ProgramRun {
    var output: [UInt8]
    /// As `waitpid(2)` has it: 0 is a good end.
    var status: Int32

    var exitCode: Int32? { status & 0x7F == 0 ? (status >> 8) & 0xFF : nil }

    /// How it ended, for people.
    var end: String {
        let signal = status & 0x7F
        if signal != 0 { return "it crashed (signal \(signal))" }
        return status == 0 ? "done" : "exit code \((status >> 8) & 0xFF)"
    }

    /// - Parameter extra: variables to set beside the environment, such as `LD_PRELOAD=x`.
    init(_ program: String, _ arguments: [String], extra: [String] = []) throws(Errno) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Errno(errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        let words = CStrings([program] + arguments)
        let environment = CStrings(ProgramRun.environment + extra)
        var child: pid_t = 0
        let result = posix_spawn(
            &child, program, &actions, nil, words.pointers, environment.pointers)
        close(ends[1])
        defer { close(ends[0]) }
        guard result == 0 else { throw Errno(result) }
        output = ProgramRun.readAll(ends[0])
        status = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
    }

    /// This process's variables (`/proc/self/environ`).
    static var environment: [String] {
        let descriptor = open("/proc/self/environ", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return readAll(descriptor).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}
