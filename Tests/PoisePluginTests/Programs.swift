import Glibc
import PoiseModel
import Synchronization

/// Programs that the tests run: the host of this build, and the machine's C compiler.
enum Programs {
    /// Where the sources of the test plugins are.
    static let folder = "\(#filePath)".split(separator: "/").dropLast()
        .map { "/" + $0 }.joined()

    /// Nil where there is no C compiler to build the test plugins with.
    static let compiler: String? = {
        let places = getenv("PATH").map { String(cString: $0) } ?? ""
        return places.split(separator: ":").map { "\($0)/cc" }.first { access($0, X_OK) == 0 }
    }()

    private static let built = Mutex<[String: String]>([:])

    /// The host of this build, which lies beside the test bundle.
    static func host() throws -> String { try buildFolder() + "/poise-host" }

    /// A folder for what the tests make, inside the build folder.
    static func scratchFolder() throws -> String {
        let folder = try buildFolder() + "/plugin-tests"
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Errno(errno) }
        return folder
    }

    /// A plugin of this build in Swift.
    static func library(_ name: String) throws -> String {
        let place = try buildFolder() + "/lib\(name).so"
        guard access(place, R_OK) == 0 else { throw Errno(errno) }
        return place
    }

    /// The folder of the test bundle, which is mapped into this process.
    private static func buildFolder() throws -> String {
        for line in try text(of: "/proc/self/maps").split(separator: "\n") {
            guard line.hasSuffix(".xctest"), let start = line.firstIndex(of: "/"),
                let end = line.lastIndex(of: "/")
            else { continue }
            return String(line[start..<end])
        }
        throw Errno.noSuchFile
    }

    /// Builds a test plugin, once a run, and gives its place.
    static func plugin(_ name: String) throws -> String {
        try built.withLock { built in
            if let place = built[name] { return place }
            let place = try scratchFolder() + "/\(name).so"
            let header = folder + "/../../Sources/PluginABI/include"
            let words = [
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", header, "-o",
                place, "\(folder)/Plugins/\(name).c",
            ]
            guard try run(compiler ?? "cc", words) == .code(0) else { throw Errno.invalid }
            built[name] = place
            return place
        }
    }

    /// Runs a program to its end, its standard output into a file when there is one, and its errors
    /// too when they are wanted.
    static func run(
        _ program: String, _ words: [String], output: String? = nil, errors: Bool = false
    ) throws -> HostProcessExit {
        try reap(try spawn(program, words, output: output, errors: errors))
    }

    static func spawn(
        _ program: String, _ words: [String], channel: Int32? = nil, output: String? = nil,
        errors: Bool = false
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let channel { posix_spawn_file_actions_adddup2(&actions, channel, 3) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        if let output { posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o600) }
        if errors {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        } else {
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        var arguments = ([program] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // A crash is what some of these are for: no backtrace is wanted.
        var environment = [strdup("SWIFT_BACKTRACE=enable=no"), strdup("PATH=/usr/bin:/bin"), nil]
        defer { for variable in environment { free(variable) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, program, &actions, nil, &arguments, &environment)
        guard failure == 0 else { throw Errno(failure) }
        return process
    }

    /// Waits for a process, and kills it when it lasts too long. `waitpid(2)`.
    static func reap(_ process: pid_t) throws -> HostProcessExit {
        let clock = ContinuousClock()
        let deadline = clock.now + HostProcess.patience
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) == 0 {
            if clock.now > deadline { kill(process, SIGKILL) }
            usleep(2000)
        }
        return status & 0x7F == 0 ? .code(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }

    static func text(of path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw Errno(errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&part, 1, part.count, file), count > 0 {
            bytes += part.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
