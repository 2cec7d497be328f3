import PoiseTestSupport
import Testing

/// The habits of the house, held by tests: sizes, names, words and who may import whom.
@Suite struct TidyTests {
    private static let sources =
        Repository.files("Sources", ending: ".swift")
        + Repository.files("Plugins", ending: ".swift")
    private static let all = sources + Repository.files("Tests", ending: ".swift")

    private func lines(_ path: String) -> [Substring] {
        (Repository.text(path) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    }

    @Test func theRepositoryIsFound() {
        #expect(Self.sources.count > 50)
        #expect(Self.all.count > Self.sources.count)
    }

    @Test func filesStayUnder600Lines() {
        for path in Self.sources {
            #expect(lines(path).count <= 600, "\(path)")
        }
    }

    @Test func linesStayWithin100Columns() {
        for path in Self.all {
            for (number, line) in lines(path).enumerated() where line.count > 100 {
                Issue.record("\(path):\(number + 1) has \(line.count) columns")
            }
        }
    }

    @Test func functionsFitAScreen() {
        for path in Self.all {
            for function in FunctionLengths.of(lines(path)) where function.lines > 70 {
                Issue.record("\(path):\(function.start) has a function of \(function.lines) lines")
            }
        }
    }

    @Test func bannedWordsAreAbsent() {
        for path in Self.sources {
            let lines = lines(path)
            for (number, line) in lines.enumerated() {
                // The reason stands on the line itself or on the one before.
                if number > 0, lines[number - 1].contains("// tidy: allow, ") { continue }
                for found in BannedWords.found(in: line) {
                    Issue.record("\(path):\(number + 1): \(found)")
                }
            }
        }
    }

    @Test func onlyTheTableSaysWhoImportsWhom() throws {
        let text = try #require(Repository.text("ARCHITECTURE.md"))
        let table = ImportTable(text)
        #expect(table.rows.count > 10)
        for path in Self.sources {
            let parts = path.split(separator: "/")
            let room = parts[0] == "Plugins" ? "Plugins/\(parts[1])" : String(parts[1])
            let allowed = try #require(table.rows[room], "\(room) has no row in the import table")
            for line in lines(path) {
                guard let module = ImportTable.module(importedBy: line) else { continue }
                #expect(allowed.contains(module), "\(path) imports \(module)")
            }
        }
    }

    @Test func everyPolicyAndProfileHasALineInItsREADME() throws {
        for (folder, ending) in [("Policies", ".yaml"), ("hwprofiles", ".xml")] {
            let readme = try #require(Repository.text("\(folder)/README.md"))
            let files = Repository.files(folder, ending: ending)
            #expect(!files.isEmpty)
            for file in files {
                let name = file.split(separator: "/").last?.dropLast(ending.count) ?? ""
                #expect(readme.contains(name), "\(file) is not in \(folder)/README.md")
            }
        }
    }

    @Test func theProjectNamesNoPlaceOfItsMakers() {
        let words = [
            "/wo" + "rk/", "/tmp" + "/w/", "help" + "er-", "cla" + "ude", "anth" + "ropic",
        ]
        let texts = [".swift", ".md", ".yaml", ".sh", ".c", ".h"].flatMap { ending in
            ["Sources", "Plugins", "Tests", "Policies", "hwprofiles", "scripts"].flatMap {
                Repository.files($0, ending: ending)
            }
        }
        for path in texts + ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"] {
            let text = (Repository.text(path) ?? "").lowercased()
            for word in words { #expect(!text.contains(word), "\(path) says \(word)") }
        }
    }
}

/// How long functions are, judged by the indentation of their first and last line.
enum FunctionLengths {
    struct Found: Equatable {
        var start: Int
        var lines: Int
    }

    static func of(_ lines: [Substring]) -> [Found] {
        var found: [Found] = []
        for (index, line) in lines.enumerated() {
            let code = line.drop { $0 == " " }
            let isFunction =
                code.contains("func ") || code.hasPrefix("init(") || code.contains(" init(")
            guard isFunction, !code.hasPrefix("//") else { continue }
            let close = String(repeating: " ", count: line.count - code.count) + "}"
            guard let end = lines[index...].firstIndex(where: { $0 == close }) else { continue }
            found.append(Found(start: index + 1, lines: end - index + 1))
        }
        return found
    }
}

/// Words that the house does not use, each with what to do instead.
enum BannedWords {
    private static let words: [(word: String, instead: String)] = [
        ("try" + "!", "throw, or handle the error"),
        ("try" + "?", "catch the error and say what it means"),
        ("fatal" + "Error(", "precondition with the state, or throw"),
        (" as" + "! ", "as? with a way out"),
        ("@unchecked" + " Sendable", "a value, or a lock"),
        ("nonisolated" + "(unsafe)", "a value, or a lock"),
        ("import " + "Foundation", "Glibc or the standard library"),
        ("import " + "Dispatch", "the loop"),
        ("TO" + "DO", "do it, or open an issue"),
        ("FIX" + "ME", "fix it, or open an issue"),
    ]
    private static let endings = [
        "Manager", "Helper", "Util", "Utils", "Extras", "Handler", "Info", "Impl",
    ]

    static func found(in line: Substring) -> [String] {
        if line.contains("// tidy: allow, ") { return [] }
        var found = words.filter { line.contains($0.word) }.map { "\($0.word): \($0.instead)" }
        let parts = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        for (keyword, name) in zip(parts, parts.dropFirst())
        where ["struct", "class", "enum", "protocol", "actor", "typealias"].contains(keyword) {
            if let ending = endings.first(where: { name.hasSuffix($0) }) {
                found.append("\(name): a type is named after what it is, not \(ending)")
            }
        }
        return found
    }
}

/// The import table of ARCHITECTURE.md: `| room | … | may import |`, the last column in backticks.
struct ImportTable {
    var rows: [String: Set<String>] = [:]

    init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = lines.firstIndex { $0.hasPrefix("| room |") } ?? lines.endIndex
        for line in lines[start...].dropFirst(2).prefix(while: { $0.hasPrefix("|") }) {
            let columns = line.split(separator: "|").map(String.init)
            guard columns.count >= 3 else { continue }
            let allowed = Set(ImportTable.quoted(columns[2]))
            for room in ImportTable.quoted(columns[0]) { rows[room] = allowed }
        }
    }

    private static func quoted(_ text: String) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }
            .flatMap { $0.element.split(separator: " ").map(String.init) }
    }

    /// The module that a line imports, or nil.
    static func module(importedBy line: Substring) -> String? {
        let words = line.split(separator: " ")
        guard let position = words.firstIndex(of: "import"), position <= 2,
            words.count == position + 2, !line.hasPrefix(" "), !line.hasPrefix("/")
        else { return nil }
        return words[position + 1].split(separator: ".").first.map(String.init)
    }
}

@Suite struct TidyChecksTests {
    @Test func aLongFunctionIsSeen() {
        let body = (0..<80).map { "        line\($0)" }
        let text: [String] = ["    func long() {"] + body + ["    }"]
        #expect(FunctionLengths.of(text.map { $0[...] }) == [.init(start: 1, lines: 82)])
    }

    @Test func bannedWordsAreSeen() {
        #expect(BannedWords.found(in: "let a = try" + "? b()").count == 1)
        #expect(BannedWords.found(in: "struct CPUManager {").count == 1)
        #expect(BannedWords.found(in: "struct Informed {").isEmpty)
    }

    @Test func theImportTableIsRead() {
        let table = ImportTable("| room | what | may import |\n|-|-|-|\n| `A` `B` | x | `C D` |\n")
        #expect(table.rows == ["A": ["C", "D"], "B": ["C", "D"]])
        #expect(ImportTable.module(importedBy: "package import Glibc") == "Glibc")
        #expect(ImportTable.module(importedBy: "// import Glibc") == nil)
    }
}
