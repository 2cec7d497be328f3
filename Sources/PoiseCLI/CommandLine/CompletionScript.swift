/// Completion scripts from the table of commands.
struct CompletionScript {
    let commands: [Command]

    private var firstWords: [(word: String, help: String)] {
        var words: [(word: String, help: String)] = []
        for command in commands where !words.contains(where: { $0.word == command.path[0] }) {
            let group = commands.filter { $0.path.count > 1 && $0.path[0] == command.path[0] }
            let seconds = group.map { $0.path[1] }.joined(separator: ", ")
            words.append((command.path[0], group.isEmpty ? command.summary : "one of \(seconds)"))
        }
        return words + [("help", "tell how a command is used")]
    }

    private var groups: [String] {
        firstWords.map(\.word).filter { word in
            commands.contains { $0.path.count > 1 && $0.path[0] == word }
        }
    }

    private func seconds(of group: String) -> [Command] {
        commands.filter { $0.path.count > 1 && $0.path[0] == group }
    }

    /// What may stand for the arguments of a command: that of its first argument, since only the
    /// last of them repeats.
    private func argumentKind(of command: Command) -> Command.ValueKind {
        command.arguments.first?.value ?? .text
    }

    /// Options with a value, each once, with the kind of the value.
    private var valuedOptions: [(name: String, kind: Command.ValueKind)] {
        var found: [(name: String, kind: Command.ValueKind)] = []
        for option in commands.flatMap(\.options)
        where option.valueName != nil && !found.contains(where: { $0.name == option.name }) {
            found.append((option.name, option.value))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Which list `poise completions --words` gives for it, and whether a file may be meant too.
    private func source(of kind: Command.ValueKind) -> (list: String?, files: Bool) {
        switch kind {
        case .feature: ("features", false)
        case .machine: ("machines", true)
        case .policy: ("policies", true)
        case .file, .folder, .program: (nil, true)
        case .text, .oneOf: (nil, false)
        }
    }

    private func bashValues(_ kind: Command.ValueKind) -> String {
        if case .oneOf(let words) = kind { return "words='\(words.joined(separator: " "))'" }
        let (list, files) = source(of: kind)
        let parts = [
            list.map { "words=$(poise completions --words \($0) 2>/dev/null)" },
            files ? "files=yes" : nil,
        ]
        let text = parts.compactMap(\.self).joined(separator: " ")
        return text.isEmpty ? ":" : text
    }

    var bash: String {
        let groupCases = groups.map { group in
            let words = seconds(of: group).map { $0.path[1] }.joined(separator: " ")
            return "            \(group)) words='\(words)' ;;"
        }
        let commandCases = commands.map { command in
            let options = command.allOptions.map { "--\($0.name)" }.joined(separator: " ")
            let values = bashValues(argumentKind(of: command))
            return "            '\(command.name)') options='\(options)' \(values) ;;"
                .replacing(" : ;;", with: " ;;")
        }
        let valueCases = valuedOptions.map { "        --\($0.name)) \(bashValues($0.kind)) ;;" }
        return """
            # bash completion for poise
            _poise() {
                local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
                local words='' options='' files='' path="${COMP_WORDS[1]}" place
                COMPREPLY=()
                for ((place = 1; place < COMP_CWORD; place++)); do
                    # Behind -- stands another program.
                    [ "${COMP_WORDS[place]}" = -- ] || continue
                    if [ "$before" = -- ]; then COMPREPLY=($(compgen -c -- "$current"))
                    else COMPREPLY=($(compgen -f -- "$current")); fi
                    return
                done
                case "$before" in
            \(valueCases.joined(separator: "\n"))
                *)
                    case "$path" in
                        \(groups.joined(separator: "|")))
                            [ "$COMP_CWORD" -gt 2 ] && path="$path ${COMP_WORDS[2]}" ;;
                    esac
                    if [ "$COMP_CWORD" -eq 1 ]; then
                        words='\(firstWords.map(\.word).joined(separator: " "))'
                        options='--help --version'
                    else case "$path" in
            \(groupCases.joined(separator: "\n"))
            \(commandCases.joined(separator: "\n"))
                    esac; fi ;;
                esac
                if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))
                else
                    COMPREPLY=($(compgen -W "$words" -- "$current"))
                    if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
                    if [ -z "$words$files" ]; then
                        COMPREPLY=($(compgen -W "$options" -- "$current"))
                    fi
                fi
            }
            complete -o filenames -F _poise poise
            """
    }

    private func zshValues(_ kind: Command.ValueKind) -> String {
        if case .oneOf(let words) = kind { return "compadd -- \(words.joined(separator: " "))" }
        if kind == .program { return "_normal" }
        let (list, files) = source(of: kind)
        let parts = [
            list.map { "compadd -- ${(f)\"$(poise completions --words \($0) 2>/dev/null)\"}" },
            files ? "_files" : nil,
        ]
        let text = parts.compactMap(\.self).joined(separator: "; ")
        return text.isEmpty ? ":" : text
    }

    var zsh: String {
        let first = firstWords.map { "'\($0.word):\(quoted($0.help))'" }.joined(separator: " ")
        let groupCases = groups.map { group in
            let words = seconds(of: group).map { "'\($0.path[1]):\(quoted($0.summary))'" }
            return "        \(group)) list=(\(words.joined(separator: " "))) ;;"
        }
        let commandCases = commands.map { command in
            let options = command.allOptions.map { "'--\($0.name):\(quoted($0.help))'" }
            let list = options.joined(separator: " ")
            let values = zshValues(argumentKind(of: command))
            return "        '\(command.name)') list=(\(list)); \(values) ;;"
        }
        let valueCases = valuedOptions.map {
            "        --\($0.name)) \(zshValues($0.kind)); return ;;"
        }
        return """
            #compdef poise
            _poise() {
                local -a list
                local key="${words[2]}"
                if (( CURRENT == 2 )); then
                    list=(\(first))
                    _describe 'command' list
                    return
                fi
                # Behind -- stands another program.
                if (( ${words[(I)--]} && ${words[(I)--]} < CURRENT )); then
                    (( CURRENT -= ${words[(I)--]} ))
                    shift "${words[(I)--]}" words
                    _normal
                    return
                fi
                case "${words[CURRENT-1]}" in
            \(valueCases.joined(separator: "\n"))
                esac
                case "$key" in
                    \(groups.joined(separator: "|"))) (( CURRENT > 3 )) && key="$key ${words[3]}" ;;
                esac
                case "$key" in
            \(groupCases.joined(separator: "\n"))
            \(commandCases.joined(separator: "\n"))
                esac
                _describe 'poise' list
            }
            compdef _poise poise
            """
    }

    private func fishValues(_ kind: Command.ValueKind) -> String {
        if case .oneOf(let words) = kind { return " -f -a '\(words.joined(separator: " "))'" }
        if kind == .program { return " -f -a '(__fish_complete_subcommand)'" }
        let (list, files) = source(of: kind)
        let words = list.map { " -a '(poise completions --words \($0) 2>/dev/null)'" } ?? ""
        return (files ? " -F" : " -f") + words
    }

    var fish: String {
        var lines = ["# fish completion for poise", "complete -c poise -f"]
        for (word, help) in firstWords {
            lines.append(
                "complete -c poise -n __fish_use_subcommand -a \(word) -d '\(quoted(help))'")
        }
        for command in commands {
            let seen = command.path.map { "__fish_seen_subcommand_from \($0)" }
            let condition = seen.joined(separator: "; and ")
            if command.path.count > 1 {
                let others = seconds(of: command.path[0]).map { $0.path[1] }
                let isOpen =
                    "\(seen[0]); and not __fish_seen_subcommand_from "
                    + others.joined(separator: " ")
                lines.append(
                    "complete -c poise -n '\(isOpen)' -a \(command.path[1])"
                        + " -d '\(quoted(command.summary))'")
            }
            if !command.arguments.isEmpty {
                let values = fishValues(argumentKind(of: command))
                lines.append("complete -c poise -n '\(condition)'\(values)")
            }
            for option in command.allOptions {
                let value = option.valueName == nil ? "" : " -r\(fishValues(option.value))"
                lines.append(
                    "complete -c poise -n '\(condition)' -l \(option.name)\(value)"
                        + " -d '\(quoted(option.help))'")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Text that may stand between single quotes, and in zsh after a colon.
    private func quoted(_ text: String) -> String {
        String(text.map { $0 == "'" ? "\u{2019}" : $0 == ":" ? ";" : $0 })
    }
}
