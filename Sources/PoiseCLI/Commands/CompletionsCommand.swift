/// `poise completions`: what the shell needs to complete command lines.
enum CompletionsCommand {
    static let command = Command(
        path: ["completions"], summary: "write completions for a shell",
        arguments: [
            .init(
                name: "SHELL", help: "bash, zsh or fish", value: .oneOf(["bash", "zsh", "fish"]))
        ],
        options: [],
        examples: [
            .init("source <(poise completions bash)", "for this shell"),
            .init(
                "poise completions fish > ~/.config/fish/completions/poise.fish", "for all others"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let script = CompletionScript(commands: CommandTable.commands)
        switch invocation.arguments[0] {
        case "bash": console.print(script.bash)
        case "zsh": console.print(script.zsh)
        default: console.print(script.fish)
        }
        return .done
    }
}
