/// What the command line tells its caller (`exit(3)`).
package enum ExitCode: Int32, Sendable {
    case done = 0
    /// The answer is no: a check failed, a wish is unmet, the daemon refused.
    case no = 1
    case wrongUse = 2
    /// The daemon cannot be reached.
    case unreachable = 3
    case notAllowed = 4
    /// `poise run` found the command, and could not start it; as shells have it.
    case commandNotRunnable = 126
    case commandNotFound = 127
}

/// Why a command ended early: what to print on standard error, and the exit code.
package struct CommandFailure: Error, Equatable {
    package var code: ExitCode
    /// Lines for standard error.
    package var text: String

    /// A failure whose first line gets `poise: ` before it, unless it begins with a file's place.
    package init(_ code: ExitCode, _ text: String, prefixed: Bool = true) {
        self.code = code
        self.text = prefixed ? "poise: \(text)" : text
    }

    /// Wrong use, with where to read on.
    static func use(_ text: String, help path: [String] = []) -> CommandFailure {
        let help = (["poise"] + path + ["--help"]).joined(separator: " ")
        return CommandFailure(.wrongUse, "\(text) ('\(help)' tells more)")
    }
}
