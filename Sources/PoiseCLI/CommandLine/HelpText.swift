import PoiseModel

/// Help in words, from the table of commands.
struct HelpText {
    let commands: [Command]

    /// Help on everything (empty path), on a group, or on one command.
    func text(of path: [String]) throws(CommandFailure) -> String {
        if path.isEmpty { return overview }
        if let command = commands.first(where: { $0.path == path }) { return text(of: command) }
        let group = commands.filter { $0.path.starts(with: path) }
        guard !group.isEmpty else {
            let name = path.joined(separator: " ")
            let nearest = Nearest.name(to: name, among: commands.map(\.name))
            throw .use(
                "no help on '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        return """
            \(path.joined(separator: " ")): one of

            \(list(group))

            'poise help \(path.joined(separator: " ")) …' tells more about one of them.
            """
    }

    private var overview: String {
        let daemonless = commands.filter { !asksDaemon($0) }
        let asking = commands.filter(asksDaemon)
        return """
            poise \(Program.version): which feature runs on which cores of this machine, and why

            Usage: poise COMMAND [OPTION…] [ARGUMENT…]

            Without a daemon:
            \(list(daemonless))

            Asking the daemon:
            \(list(asking))

            'poise help COMMAND' or 'poise COMMAND --help' tells more, with examples.
            --version tells the version. Exit codes: 0 done, 1 the answer is no, 2 wrong use,
            3 the daemon cannot be reached, 4 not allowed.
            """
    }

    private func asksDaemon(_ command: Command) -> Bool {
        command.options.contains { $0.name == Command.Option.runtimeFolder.name }
            && !CommandTable.worksAlone.contains(command.name)
    }

    private func list(_ commands: [Command]) -> String {
        rows(commands.map { ($0.name, $0.summary) })
    }

    private func text(of command: Command) -> String {
        let usage = (["poise"] + command.path + command.arguments.map(\.usage) + ["[OPTION…]"])
            .joined(separator: " ")
        var parts = ["\(command.name): \(command.summary)", "Usage: \(usage)"]
        if !command.arguments.isEmpty {
            parts.append(rows(command.arguments.map { ($0.name, $0.help) }))
        }
        parts.append("Options:\n" + rows(command.allOptions.map { ($0.usage, $0.help) }))
        if !command.notes.isEmpty { parts.append(command.notes.joined(separator: "\n")) }
        if !command.examples.isEmpty {
            let lines = command.examples.map { "  \($0.line)\n      \($0.does)" }
            parts.append("Examples:\n" + lines.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    private func rows(_ pairs: [(String, String)]) -> String {
        let width = pairs.map(\.0.count).max() ?? 0
        return pairs.map { name, help in
            "  " + name + String(repeating: " ", count: width - name.count + 2) + help
        }.joined(separator: "\n")
    }
}
