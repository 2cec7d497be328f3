import Glibc

/// How this process ends; whatever else it ends with is a crash.
enum HostExit: Int32 {
    case done = 0
    /// Wrong use, ABI or configuration: do not start again.
    case wrong = 100
    /// Something outside failed: start again, within the budget.
    case outside = 111
    /// The plugin took away what the host needs to go on.
    case lost = 121
    /// The plugin did not return in time when it was to end.
    case hung = 124

    /// Ends the process without running what the plugin left for the exit: its threads may still be
    /// at work. `_exit(2)`.
    static func end(_ code: HostExit, _ text: String? = nil) -> Never {
        if let text { complain(text) }
        // A hung plugin may hold the lock of a stream, and flushing would wait for it.
        if code != .hung { fflush(nil) }
        _exit(code.rawValue)
    }

    /// Writes a line to standard error, past the streams of the C library. `write(2)`.
    static func complain(_ text: String) {
        let line = Array("poise-host: \(text)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// A step of the plugin's life that did not work.
struct HostFailure: Error {
    var stage: String
    var text: String
    var permanent: Bool
}
