import Glibc
import PoiseModel

/// A program that runs beside this one until it is told to end (`posix_spawn(3)`).
struct BackgroundProgram: ~Copyable {
    private let child: pid_t

    /// - Parameter log: a file that takes what it prints.
    init(_ program: String, _ arguments: [String], log: String) throws(Errno) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        let words = CStrings([program] + arguments)
        let environment = CStrings(ProgramRun.environment)
        var child: pid_t = 0
        let result = posix_spawn(
            &child, program, &actions, nil, words.pointers, environment.pointers)
        guard result == 0 else { throw Errno(result) }
        self.child = child
    }

    /// Whether it still runs.
    var isRunning: Bool { waitpid(child, nil, WNOHANG) == 0 }

    deinit {
        kill(child, SIGTERM)
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
    }
}
