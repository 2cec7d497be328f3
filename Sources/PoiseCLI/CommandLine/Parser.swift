import PoiseModel

/// Reads a command line by the table of commands.
struct Parser {
    /// What the words mean.
    enum Reading {
        case call(Invocation)
        /// Help on everything, on a group such as `policy`, or on one command.
        case help([String])
        case version
    }

    let commands: [Command]

    func read(_ words: some Sequence<String>) throws(CommandFailure) -> Reading {
        let line = Words(words, valued: optionsWithValue)
        let asked = line.options.first { $0.name == "help" || $0.name == "h" }
        if line.positionals.first == "help" { return .help(Array(line.positionals.dropFirst())) }
        guard let command = longestMatch(line.positionals) else {
            if asked != nil { return .help(line.positionals) }
            if line.options.contains(where: { $0.name == "version" }) { return .version }
            throw noCommand(line)
        }
        if asked != nil { return .help(command.path) }
        let rest = Array(line.positionals.dropFirst(command.path.count))
        let options = try options(line.options, of: command)
        try check(rest, of: command)
        return .call(Invocation(command: command, arguments: rest, options: options))
    }

    /// Names of options that take a value; a name means the same in every command.
    private var optionsWithValue: Set<String> {
        Set(commands.flatMap(\.options).filter { $0.valueName != nil }.map(\.name))
    }

    private func longestMatch(_ positionals: [String]) -> Command? {
        commands.filter { positionals.starts(with: $0.path) }
            .max { $0.path.count < $1.path.count }
    }

    private func noCommand(_ line: Words) -> CommandFailure {
        guard let first = line.positionals.first else {
            if let option = line.options.first {
                let known = ["help", "version", "json", "no-color", "machine"]
                let hint = Nearest.name(to: option.name, among: known)
                return .use("unknown option '\(option.written)'\(meant(hint, before: "--"))")
            }
            return .use("no command was given")
        }
        let group = commands.filter { $0.path.count > 1 && $0.path[0] == first }
        guard !group.isEmpty else {
            let known = Array(Set(commands.map { $0.path[0] })).sorted() + ["help"]
            return .use("unknown command '\(first)'\(meant(Nearest.name(to: first, among: known)))")
        }
        let known = group.map { $0.path[1] }
        let list = known.joined(separator: ", ")
        guard line.positionals.count > 1 else {
            return .use("'\(first)' needs one of \(list)", help: [first])
        }
        let second = line.positionals[1]
        guard let nearest = Nearest.name(to: second, among: known) else {
            return .use("'\(first)' knows \(list), not '\(second)'", help: [first])
        }
        return .use("unknown command '\(first) \(second)'\(meant(nearest))", help: [first])
    }

    private func options(
        _ given: [Words.Option], of command: Command
    ) throws(CommandFailure) -> [String: String] {
        var values: [String: String] = [:]
        for option in given {
            guard let known = command.allOptions.first(where: { $0.name == option.name }) else {
                let names = command.allOptions.map(\.name)
                let hint = meant(Nearest.name(to: option.name, among: names), before: "--")
                throw .use(
                    "unknown option '\(option.written)' of \(command.name)\(hint)",
                    help: command.path)
            }
            if known.valueName == nil, option.value != nil {
                throw .use("'--\(known.name)' takes no value", help: command.path)
            }
            if let name = known.valueName, option.value?.isEmpty ?? true {
                throw .use("'--\(known.name)' needs a value: \(name)", help: command.path)
            }
            if values.updateValue(option.value ?? "", forKey: known.name) != nil {
                throw .use("'--\(known.name)' is given twice", help: command.path)
            }
            if case .oneOf(let allowed) = known.value, let value = option.value,
                !allowed.contains(value)
            {
                let list = allowed.joined(separator: ", ")
                throw .use(
                    "'--\(known.name)' is one of \(list), not '\(value)'", help: command.path)
            }
        }
        return values
    }

    private func check(_ words: [String], of command: Command) throws(CommandFailure) {
        let needed = command.arguments.filter { $0.count != .optional }.count
        let isOpen = command.arguments.contains { $0.count == .atLeastOne }
        if words.count < needed {
            let missing = command.arguments[words.count]
            throw .use(
                "'\(command.name)' needs \(missing.name): \(missing.help)", help: command.path)
        }
        if words.count > command.arguments.count, !isOpen {
            let extra = words[command.arguments.count]
            throw .use("'\(command.name)' has no place for '\(extra)'", help: command.path)
        }
        for (argument, word) in zip(command.arguments, words) {
            guard case .oneOf(let allowed) = argument.value, !allowed.contains(word) else {
                continue
            }
            let list = allowed.joined(separator: ", ")
            throw .use("\(argument.name) is one of \(list), not '\(word)'", help: command.path)
        }
    }

    private func meant(_ name: String?, before prefix: String = "") -> String {
        name.map { "; did you mean '\(prefix)\($0)'?" } ?? ""
    }
}

/// A command line cut into words and options, before anybody knows which command it is.
struct Words {
    struct Option {
        var name: String
        var value: String?
        /// As it was written, for messages.
        var written: String
    }

    private(set) var positionals: [String] = []
    private(set) var options: [Option] = []

    init(_ words: some Sequence<String>, valued: Set<String>) {
        var rest = Array(words)[...]
        while let word = rest.popFirst() {
            if word == "--" {
                positionals += rest
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                positionals.append(word)
                continue
            }
            let body = word.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(String.init) ?? ""
            var value = parts.count > 1 ? String(parts[1]) : nil
            if value == nil, valued.contains(name), word.hasPrefix("--") { value = rest.popFirst() }
            options.append(Option(name: name, value: value, written: word))
        }
    }
}
