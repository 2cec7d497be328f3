import PoiseModel

/// `poise plugin new`: writes a plugin that builds.
enum PluginNewCommand {
    static let command = Command(
        path: ["plugin", "new"], summary: "write a plugin that builds, to begin with",
        arguments: [.init(name: "NAME", help: "the plugin's name")],
        options: [
            .init(
                name: "language", valueName: "swift|c", help: "what it is written in (swift)",
                value: .oneOf(["swift", "c"])),
            .init(
                name: "into", valueName: "FOLDER", help: "the folder to make (NAME)",
                value: .folder),
            .json,
        ],
        examples: [
            .init("poise plugin new counter", "a Swift package in the folder counter"),
            .init("poise plugin new counter --language c --into src/counter", "a C library"),
        ],
        perform: perform)

    private static func perform(
        _ invocation: Invocation, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let name = invocation.arguments[0]
        guard isName(name) else {
            throw .use(
                "'\(name)' names no plugin: 1 to 64 letters, digits, - and _, a letter first",
                help: ["plugin", "new"])
        }
        let language = invocation["language"] ?? "swift"
        let folder = invocation["into"] ?? name
        let template = try PluginTemplate(language: language)
        let files = try template.files(name: name)
        try OutputFolder.make(folder)
        for file in files { try OutputFolder.write(file.text, to: "\(folder)/\(file.path)") }
        let build = language == "c" ? "make" : "swift build -c release"
        let library = language == "c" ? "./\(name).so" : ".build/release/lib\(name).so"
        let check = "poise plugin check \(library)"
        if invocation.wantsJSON {
            console.print([
                "plugin": .string(name), "language": .string(language),
                "folder": .string(folder), "files": .array(files.map { .string($0.path) }),
                "build": .string(build), "check": .string(check),
            ])
        } else {
            for file in files { console.print("wrote \(folder)/\(file.path)") }
            console.print("\nNow:\n  cd \(folder)\n  \(build)\n  \(check)")
        }
        return .done
    }

    /// A name that is also one of a Swift target and of a file.
    static func isName(_ name: String) -> Bool {
        let letters = Array(name.utf8)
        guard let first = letters.first, letters.count <= 64 else { return false }
        let isLetter = { (byte: UInt8) in (65...90).contains(byte) || (97...122).contains(byte) }
        return isLetter(first)
            && letters.allSatisfy {
                isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95
            }
    }
}
