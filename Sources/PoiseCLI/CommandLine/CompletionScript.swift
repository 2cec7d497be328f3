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

    private func fixedWords(of command: Command) -> [String] {
        command.arguments.flatMap { argument in
            if case .oneOf(let words) = argument.value { words } else { [String]() }
        }
    }

    var bash: String {
        let groupCases = groups.map { group in
            let words = seconds(of: group).map { $0.path[1] }.joined(separator: " ")
            return "        \(group)) words='\(words)' ;;"
        }
        let commandCases = commands.map { command in
            let words = command.allOptions.map { "--\($0.name)" } + fixedWords(of: command)
            return "        '\(command.name)') words='\(words.joined(separator: " "))' ;;"
        }
        let values = commands.flatMap(\.options).filter { $0.valueName != nil }
        let files = Set(values.map { "--\($0.name)" }).sorted().joined(separator: "|")
        return """
            # bash completion for poise
            _poise() {
                local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
                local words='' path="${COMP_WORDS[1]}"
                COMPREPLY=()
                case "$before" in
                    \(files)) COMPREPLY=($(compgen -f -- "$current")); return ;;
                esac
                if [ "$COMP_CWORD" -eq 1 ]; then
                    words='\(firstWords.map(\.word).joined(separator: " ")) --help --version'
                else
                    case "$path" in
                        \(groups.joined(separator: "|")))
                            [ "$COMP_CWORD" -gt 2 ] && path="$path ${COMP_WORDS[2]}" ;;
                    esac
                    case "$path" in
            \(groupCases.joined(separator: "\n"))
            \(commandCases.joined(separator: "\n"))
                    esac
                fi
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                [ "$COMP_CWORD" -gt 1 ] && COMPREPLY+=($(compgen -f -- "$current"))
            }
            complete -o filenames -F _poise poise
            """
    }

    var zsh: String {
        let first = firstWords.map { "'\($0.word):\(quoted($0.help))'" }.joined(separator: " ")
        let groupCases = groups.map { group in
            let words = seconds(of: group).map { "'\($0.path[1]):\(quoted($0.summary))'" }
            return "        \(group)) list=(\(words.joined(separator: " "))) ;;"
        }
        let commandCases = commands.map { command in
            let options = command.allOptions.map { "'--\($0.name):\(quoted($0.help))'" }
            let words = fixedWords(of: command).map { "'\($0)'" }
            let list = (options + words).joined(separator: " ")
            return "        '\(command.name)') list=(\(list)) ;;"
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
                case "$key" in
                    \(groups.joined(separator: "|"))) (( CURRENT > 3 )) && key="$key ${words[3]}" ;;
                esac
                case "$key" in
            \(groupCases.joined(separator: "\n"))
            \(commandCases.joined(separator: "\n"))
                esac
                _describe 'poise' list
                _files
            }
            compdef _poise poise
            """
    }

    var fish: String {
        var lines = ["# fish completion for poise"]
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
            for word in fixedWords(of: command) {
                lines.append("complete -c poise -n '\(condition)' -a \(word)")
            }
            for option in command.allOptions {
                let needs = option.valueName == nil ? "" : " -r"
                lines.append(
                    "complete -c poise -n '\(condition)' -l \(option.name)\(needs)"
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
