/// One command of the table: parsing, help and completions come from it.
struct Command: Sendable {
    /// The words that call it, such as `policy check`.
    var path: [String]
    /// What it does, in one line.
    var summary: String
    var arguments: [Argument] = []
    var options: [Option] = []
    /// What help says beside: exit codes of its own and the like.
    var notes: [String] = []
    var examples: [Example] = []
    var perform: @Sendable (Invocation, Console) throws(CommandFailure) -> ExitCode

    var name: String { path.joined(separator: " ") }

    /// The options of this command and those of every command.
    var allOptions: [Option] { options + [.noColour, .help] }
}

extension Command {
    /// A word that is no option.
    struct Argument: Sendable {
        enum Count: Sendable { case one, optional, atLeastOne }

        var name: String
        var help: String
        var count: Count = .one
        var value: ValueKind = .text

        /// `FILE`, `[FEATURE]`, `FILE…`.
        var usage: String {
            switch count {
            case .one: name
            case .optional: "[\(name)]"
            case .atLeastOne: "\(name)…"
            }
        }
    }

    /// `--name` or `--name VALUE`.
    struct Option: Sendable {
        var name: String
        /// Nil for an option without a value.
        var valueName: String?
        var help: String
        var value: ValueKind = .text

        var usage: String { "--\(name)" + (valueName.map { " \($0)" } ?? "") }
    }

    struct Example: Sendable {
        var line: String
        var does: String

        init(_ line: String, _ does: String) {
            self.line = line
            self.does = does
        }
    }

    /// What a value is, for completion and for checks.
    enum ValueKind: Sendable, Equatable {
        case text, file, folder, machine, policy, feature
        /// A program and its arguments.
        case program
        case oneOf([String])
    }
}

extension Command.Option {
    static let help = Command.Option(name: "help", help: "tell how this command is used")
    static let noColour = Command.Option(
        name: "no-color", help: "no colours (also by NO_COLOR in the environment)")
    static let json = Command.Option(name: "json", help: "one JSON document instead of a table")
    static let runtimeFolder = Command.Option(
        name: "runtime-dir", valueName: "DIR",
        help: "where the daemon's socket is (also by POISE_RUNTIME_DIR)", value: .folder)
    static let machine = Command.Option(
        name: "machine", valueName: "FILE|NAME",
        help: "another machine: an hwloc XML file, or a name in hwprofiles", value: .machine)
    static let cgroup = Command.Option(
        name: "cgroup", valueName: "DIR",
        help: "the cgroup below which features get theirs, as poised takes it", value: .folder)
    static let policy = Command.Option(
        name: "policy", valueName: "FILE|NAME",
        help: "a policy file, or a name in Policies (default: default)", value: .policy)
}

/// A command as somebody called it.
struct Invocation {
    var command: Command
    var arguments: [String]
    /// Values by the option's name; an option without a value has an empty one.
    var options: [String: String]

    func has(_ option: Command.Option) -> Bool { options[option.name] != nil }
    func has(_ name: String) -> Bool { options[name] != nil }
    subscript(option: Command.Option) -> String? { options[option.name] }
    subscript(name: String) -> String? { options[name] }
    var wantsJSON: Bool { has(.json) }
}
