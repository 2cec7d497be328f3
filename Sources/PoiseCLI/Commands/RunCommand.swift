import PoiseModel
import PoiseWire

/// `poise run`: a command inside a feature's budget.
///
/// The daemon takes this process, which it knows by the socket, and this process then becomes the
/// command: terminal, environment, folder and exit code are the command's own.
enum RunCommand {
    static let command = Command(
        path: ["run"], summary: "run a command inside the budget of a feature",
        arguments: [
            .init(
                name: "COMMAND", help: "a program and its arguments, after --",
                count: .atLeastOne, value: .program)
        ],
        options: [
            .init(
                name: "policy-feature", valueName: "NAME",
                help: "the feature in whose budget it runs; it must be running", value: .feature),
            .runtimeFolder,
        ],
        notes: [
            "The exit code is that of the command; 127 when there is no such program, 126 when it",
            "cannot be started, and those of every command before it is.",
        ],
        examples: [
            .init("poise run --policy-feature batch -- make -j8", "a build on the CPUs of batch"),
            .init("poise run --policy-feature batch -- sh", "a shell, and all that it starts"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        guard let feature = invocation["policy-feature"] else {
            throw .use("'run' needs --policy-feature NAME: whose budget it is", help: ["run"])
        }
        let words = invocation.arguments
        // The connection is closed when the answer is here: the command does not inherit it.
        _ = try DaemonCall(invocation).ask(.run, ["feature": .string(feature)])
        try console.flush()
        let error = ProcessReplacement.become(words)
        let isAbsent = error == .noSuchFile || error == .notADirectory
        throw CommandFailure(
            isAbsent ? .commandNotFound : .commandNotRunnable,
            "starting failed on \(words[0]): \(error) (name a program that you may run)")
    }
}
