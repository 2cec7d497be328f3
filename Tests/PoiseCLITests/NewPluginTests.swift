import Glibc
import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

/// A new plugin, from nothing to a library that went through its life.
@Suite struct NewPluginTests {
    private struct Language: CustomTestStringConvertible {
        var name: String
        /// What builds in a folder, as words of `env(1)`.
        var build: @Sendable (String) -> [String]
        var library: String

        var testDescription: String { name }
    }

    private static let languages = [
        Language(name: "c", build: { ["make", "-C", $0] }, library: "tally.so"),
        Language(
            name: "swift", build: { ["swift", "build", "--package-path", $0] },
            library: ".build/debug/libtally.so"),
    ]

    @Test(arguments: languages)
    private func aNewPluginBuildsWithOneCommandAndIsGood(language: Language) throws {
        let folder = ScratchFolder()
        defer {
            do {
                _ = try ProgramRun("/bin/rm", ["-rf", "\(folder.path)/tally"])
                folder.remove()
            } catch {
                Issue.record("removing \(folder.path): \(error)")
            }
        }
        let place = "\(folder.path)/tally"
        let made = Capture()
        let code = made.run("plugin", "new", "tally", "--language", language.name, "--into", place)
        #expect(code == .done, "\(made.errors)")
        let again = Capture()
        #expect(again.run("plugin", "new", "tally", "--into", place) == .no)

        let build = try ProgramRun("/usr/bin/env", language.build(place))
        #expect(build.exitCode == 0, "\(String(decoding: build.output, as: UTF8.self))")

        let check = Capture()
        let library = "\(place)/\(language.library)"
        #expect(check.run("plugin", "check", library, "--json") == .done, "\(check.errors)")
        let steps = try JSON.parse(check.output)["steps"]?.array ?? []
        #expect(
            steps.compactMap { $0["step"]?.string } == [
                "open", "create", "start", "apply", "apply", "serviceLevel", "serviceLevel",
                "shrink", "healthy", "sample", "drain", "stop",
            ])
    }

    @Test func aFileThatIsNoPluginIsRefusedWithTheStep() {
        let folder = ScratchFolder()
        defer { folder.remove() }
        let file = folder.file("text.so", "no library")
        let capture = Capture()
        #expect(capture.run("plugin", "check", file) == .no)
        #expect(capture.output.contains("open"))
        #expect(capture.output.contains("is no good plugin"))
    }

    @Test(arguments: ["", "1x", "a b", "../x", "a/b", "é", "-x"])
    func aNameThatIsNoneIsRefused(name: String) {
        #expect(!PluginNewCommand.isName(name))
    }
}
