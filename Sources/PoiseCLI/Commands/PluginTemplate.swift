import PoiseModel

/// The files of a new plugin, made from those that come with Poise.
struct PluginTemplate {
    struct File {
        var path: String
        var text: String
    }

    /// What each language's folder holds: the template's file and where it goes.
    private static let contents: [String: [(template: String, path: String)]] = [
        "c": [("Makefile", "Makefile"), ("README.md", "README.md"), ("plugin.c", "plugin.c")],
        "swift": [
            ("Package.swift", "Package.swift"), ("README.md", "README.md"),
            ("Plugin.swift", "Sources/Plugin.swift"),
        ],
    ]

    private let language: String
    /// The folder of Poise's sources that the templates refer to.
    private let sources: String

    /// Finds the sources above the program, or in `share/poise/sdk` of the installation.
    init(language: String) throws(CommandFailure) {
        self.language = language
        let folder = InputFile.programFolder ?? "/"
        var parts = folder.split(separator: "/")
        var places = ["\(folder)/../share/poise/sdk"]
        while !parts.isEmpty {
            places.append("/" + parts.joined(separator: "/"))
            parts.removeLast()
        }
        let found = places.first { InputFile.exists("\($0)/\(Self.templates)/\(language)") }
        guard let found else {
            throw CommandFailure(
                .no,
                "finding failed on the templates of \(language) plugins: there is no "
                    + "\(Self.templates) above \(folder) (run poise from its checkout)")
        }
        sources = try InputFile.absolute(found)
    }

    private static let templates = "Sources/PoisePlugin/Templates"

    /// The files of a plugin with this name.
    func files(name: String) throws(CommandFailure) -> [File] {
        var files: [File] = []
        for (template, path) in Self.contents[language] ?? [] {
            let text = try text("\(Self.templates)/\(language)/\(template).txt")
            let named = Self.replacing("@NAME@", by: name, in: text)
            files.append(File(path: path, text: Self.replacing("@SDK@", by: sources, in: named)))
        }
        if language == "c" {
            let header = try text("Sources/PluginABI/include/poise_plugin.h")
            files.append(File(path: "poise_plugin.h", text: header))
        }
        return files
    }

    private func text(_ path: String) throws(CommandFailure) -> String {
        String(decoding: try InputFile.read("\(sources)/\(path)"), as: UTF8.self)
    }

    static func replacing(_ mark: String, by value: String, in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let first = rest.firstRange(of: mark) {
            result += rest[..<first.lowerBound] + value
            rest = rest[first.upperBound...]
        }
        return result + rest
    }
}
