import PoiseTestSupport
import Testing

/// The man pages tell everything that the programs take. They are read as they are written (mdoc),
/// and so are the sources: these tests see no other room.
@Suite struct ManPageTests {
    private func page(_ name: String) throws -> ManPage {
        let path = "scripts/packaging/man/\(name)"
        return ManPage(try #require(Repository.text(path), "\(path) is not there"))
    }

    @Test("every command of the table has an entry in poise(1)")
    func commands() throws {
        let page = try page("poise.1")
        let table = try #require(Repository.text("Sources/PoiseCLI/CommandLine/CommandTable.swift"))
        let listed = table.split { !$0.isLetter && $0 != "." }
            .filter { $0.contains("Command.command") || $0.contains("Commands.") }
        let found = CommandSource.all()
        #expect(found.count == listed.count, "the sources declare commands in an unknown way")
        for command in found {
            #expect(page.entry("Ic", command.path) != nil, "poise.1 lacks \(command.path)")
        }
    }

    @Test("every option of a command is in the command's entry of poise(1)")
    func options() throws {
        let page = try page("poise.1")
        var count = 0
        for command in CommandSource.all() {
            let entry = page.entry("Ic", command.path) ?? ""
            for option in command.options {
                count += 1
                #expect(
                    ManPage.tells(entry, option: option),
                    "poise.1 lacks --\(option) of \(command.path)")
            }
        }
        #expect(count > 10)
    }

    @Test("options of all commands are in poise(1)")
    func commonOptions() throws {
        let page = try page("poise.1")
        let text = Repository.text("Sources/PoiseCLI/CommandLine/Command.swift") ?? ""
        let options = CommandSource.optionNames(in: text)
        #expect(options.contains("json"))
        for option in options {
            #expect(ManPage.tells(page.text, option: option), "poise.1 lacks --\(option)")
        }
    }

    @Test("every option of poised's help is in poised(8)")
    func daemonOptions() throws {
        let page = try page("poised.8")
        let source = try #require(Repository.text("Sources/PoiseDaemon/DaemonOptions.swift"))
        let parts = source.split(separator: "\"\"\"", omittingEmptySubsequences: false)
        let help = try #require(parts.count > 1 ? parts[1] : nil)
        let options = Set(
            help.split { !$0.isLetter && $0 != "-" }.filter { $0.hasPrefix("--") }
                .map { String($0.dropFirst(2)) })
        #expect(options.contains("policy") && options.contains("help"))
        for option in options.sorted() {
            #expect(ManPage.tells(page.text, option: option), "poised.8 lacks --\(option)")
        }
    }

    @Test("every key of Policies/README.md has an entry in poise-policy(5)")
    func policyKeys() throws {
        let page = try page("poise-policy.5")
        let readme = try #require(Repository.text("Policies/README.md"))
        let keys = KeyTables.keys(in: readme)
        #expect(keys.contains("version") && keys.contains("fallback"))
        for key in keys {
            #expect(page.entry("Cm", key) != nil, "poise-policy.5 lacks \(key)")
        }
    }

    @Test("the sources of commands, tables and pages are read as they are meant")
    func reading() {
        let found = CommandSource.read(
            """
            static let a = command("on", "x")
            path: ["lamp", verb], options: [.init(name: "dim-by", help: "y")] name: "FILE"
            """)
        #expect(found == [CommandSource(path: "lamp on", options: ["dim-by"])])
        #expect(
            KeyTables.keys(in: "| key | v |\n|--|--|\n| `a.b` `c` | 1 |\n\n| `d` | 2 |\n")
                == ["a.b", "c"])
        let page = ManPage(".It Ic on Ar X\nfirst\n.It Cm off\nsecond\n.Fl -dim-by .\n.El\n")
        #expect(page.entry("Ic", "on") == ".It Ic on Ar X\nfirst\n")
        #expect(page.entry("Ic", "o") == nil)
        #expect(ManPage.tells(page.text, option: "dim-by"))
        #expect(!ManPage.tells(page.text, option: "dim"))
    }
}

/// A page in mdoc, as it is written.
private struct ManPage {
    var text: String

    init(_ text: String) { self.text = text }

    /// The list entry whose head begins with `.It MACRO WORDS`, up to the next one.
    func entry(_ macro: String, _ words: String) -> String? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let head = ".It \(macro) \(words)"
        guard let start = lines.firstIndex(where: { $0 == head || $0.hasPrefix(head + " ") })
        else { return nil }
        let rest = lines[(start + 1)...].prefix {
            !$0.hasPrefix(".It \(macro) ") && !$0.hasPrefix(".It Cm ") && !$0.hasPrefix(".El")
        }
        return ([lines[start]] + rest).map { $0 + "\n" }.joined()
    }

    /// Whether a text has the macro of a long option: `Fl -NAME`.
    static func tells(_ text: String, option: String) -> Bool {
        let words = text.split { $0 == " " || $0 == "\n" }
        return zip(words, words.dropFirst()).contains {
            $0 == "Fl" || $0 == ".Fl" ? $1 == "-" + option : false
        }
    }
}

/// A command as its source declares it: `path: ["policy", "check"]` and its options' names.
private struct CommandSource: Equatable {
    var path: String
    var options: [String]

    static func all() -> [CommandSource] {
        Repository.files("Sources/PoiseCLI/Commands", ending: ".swift")
            .flatMap { read(Repository.text($0) ?? "") }
    }

    static func read(_ text: String) -> [CommandSource] {
        let parts = text.components(between: "path: [\"", and: "]")
        return parts.flatMap { part -> [CommandSource] in
            let words = ("\"" + part).split(separator: ",").map { $0.filter { $0 != " " } }
            let options = optionNames(in: text)
            var paths = [""]
            for word in words {
                // A word that is no text is filled in by the calls of `command("…"`.
                let choices =
                    word.hasPrefix("\"")
                    ? [word.filter { $0 != "\"" }]
                    : text.components(between: "= command(\"", and: "\"")
                paths = paths.flatMap { path in
                    choices.map { path.isEmpty ? $0 : "\(path) \($0)" }
                }
            }
            return paths.map { CommandSource(path: $0, options: options) }
        }
    }

    /// Options are named in small letters, arguments in capitals.
    static func optionNames(in text: String) -> [String] {
        text.components(between: "name: \"", and: "\"").filter { name in
            name.allSatisfy { $0.isLowercase || $0 == "-" }
        }
    }
}

/// The first columns of the tables that begin with `| key |`.
private enum KeyTables {
    static func keys(in text: String) -> [String] {
        var keys: [String] = []
        var inside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("| key |") { inside = true }
            if !line.hasPrefix("|") { inside = false }
            guard inside, let column = line.split(separator: "|").first else { continue }
            let quoted = column.split(separator: "`", omittingEmptySubsequences: false)
            keys += quoted.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
        return keys
    }
}

extension String {
    /// What stands between each `start` and the next `end` after it.
    fileprivate func components(between start: String, and end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let first = rest.firstRange(of: start) {
            rest = rest[first.upperBound...]
            guard let last = rest.firstRange(of: end) else { break }
            found.append(String(rest[..<last.lowerBound]))
        }
        return found
    }
}
