import PoiseModel
import PoiseWire

/// `poise plugin list`: the plugins that the daemon found, in all their versions.
enum PluginListCommand {
    static let command = Command(
        path: ["plugin", "list"], summary: "list the plugins that the daemon found",
        options: [.json, .runtimeFolder],
        examples: [.init("poise plugin list", "versions, users and path of each")]
    ) { (invocation, console) throws(CommandFailure) in
        let answer = try DaemonCall(invocation).ask(.plugins)
        if invocation.wantsJSON {
            console.print(answer)
            return .done
        }
        var table = Table([
            .init("PLUGIN"), .init("VERSION"), .init("SAYS"), .init("USED BY", wraps: true),
            .init("PATH"),
        ])
        let unknown = console.glyphs.unknown
        for plugin in answer["plugins"]?.array ?? [] {
            let users = (plugin["usedBy"]?.array ?? []).compactMap(\.string)
            table.add([
                .init(plugin["name"]?.string ?? unknown, .bold),
                .init(version(of: plugin) ?? unknown),
                .init(plugin["version"]?.string ?? unknown),
                .init(users.isEmpty ? "nobody" : users.joined(separator: ", ")),
                .init(plugin["path"]?.string ?? unknown),
            ])
        }
        let lines =
            table.isEmpty
            ? ["no plugins"] : table.lines(width: console.width, paint: console.paint)
        for line in lines { console.print(line) }
        return .done
    }

    /// The version in the file's name, and whether it is the one in force.
    private static func version(of plugin: JSON) -> String? {
        plugin["fileVersion"]?.string.map { version in
            version + (plugin["inForce"]?.bool ?? false ? ", in force" : "")
        }
    }
}
