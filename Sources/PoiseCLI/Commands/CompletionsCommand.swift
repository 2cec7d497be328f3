import PoiseHardware
import PoiseModel
import PoiseWire

/// `poise completions`: what the shell needs to complete command lines.
enum CompletionsCommand {
    private static let shells = ["bash", "zsh", "fish"]
    private static let lists = ["features", "machines", "policies"]

    static let command = Command(
        path: ["completions"], summary: "write completions for a shell",
        arguments: [
            .init(
                name: "SHELL", help: "bash, zsh or fish", count: .optional, value: .oneOf(shells))
        ],
        options: [
            .init(
                name: "words", valueName: "KIND",
                help: "only what may stand for features, machines or policies here, a line each",
                value: .oneOf(lists)),
            .runtimeFolder,
        ],
        examples: [
            .init("source <(poise completions bash)", "for this shell"),
            .init(
                "poise completions fish > ~/.config/fish/completions/poise.fish", "for all others"),
            .init("poise completions --words features", "what the scripts ask for"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        if let kind = invocation["words"] {
            for word in words(kind, invocation) { console.print(word) }
            return .done
        }
        let script = CompletionScript(commands: CommandTable.commands)
        switch invocation.arguments.first {
        case nil:
            throw .use("'completions' needs SHELL: bash, zsh or fish", help: ["completions"])
        case "bash": console.print(script.bash)
        case "zsh": console.print(script.zsh)
        default: console.print(script.fish)
        }
        return .done
    }

    /// Where there is no daemon there are no features, and nothing is said about it.
    private static func words(_ kind: String, _ invocation: Invocation) -> [String] {
        switch kind {
        case "machines": return MachineSource.profiles()
        case "policies": return PolicyFolder.names
        default:
            do throws(CommandFailure) {
                let features = try DaemonCall(invocation).ask(.status)["features"]?.array ?? []
                return features.compactMap { $0["feature"]?.string }.sorted()
            } catch {
                return []
            }
        }
    }
}
