import PoiseWire

/// `poise status`: what runs, and how it is.
enum StatusCommand {
    static let command = Command(
        path: ["status"], summary: "show the daemon and the state of every feature",
        options: [.json, .runtimeFolder],
        examples: [
            .init("poise status", "a line for each feature"),
            .init("poise status --runtime-dir /tmp/poise --json", "of another daemon"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let status = try DaemonCall(invocation).ask(.status)
        if invocation.wantsJSON {
            console.print(status)
        } else {
            for line in StatusView(status, console: console).lines { console.print(line) }
        }
        return .done
    }
}
