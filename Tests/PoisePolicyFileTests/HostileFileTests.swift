import Glibc
import PoiseModel
import PoisePolicyFile
import Testing

@Suite("Hostile files are refused, with a reason")
struct HostileFileTests {
    @Test(arguments: [
        ("", "1:1: error: the file holds no policy (a policy begins with 'version: 1')"),
        ("# nothing\n", "1:1: error: the file holds no policy (a policy begins with 'version: 1')"),
        ("---\n", "2:1: error: the policy is empty (leave the key out or give it a value)"),
        ("[1]", "1:1: error: the policy must be a mapping of keys to values, not a list"),
        (
            "version: 1\n---\nname: p",
            "2:1: error: a second document begins here (a policy is one document)"
        ),
        ("version: 1\n\tname: p", "2:1: error: a tab indents here (YAML takes only spaces)"),
        (
            "version: 1\nname: \"p",
            "2:9: error: this is not YAML: found unexpected end of stream "
                + "while scanning a quoted scalar (is a quote or a bracket not closed?)"
        ),
        (
            "version: 1\nname: \u{0}",
            "2:7: error: a NUL byte: this is not a text (a policy is a text in UTF-8)"
        ),
        (
            "version: 1\nname: é\u{7}",
            "2:8: error: the control character \\u{07} cannot be in a policy"
        ),
        ("name: &a [*a]", "1:11: error: the alias '*a' stands for a value that it is part of"),
        ("name: *a", "1:7: error: the alias '*a' has no '&a' before it"),
    ])
    func withAPlaceInTheFile(_ text: String, _ expected: String) {
        #expect(mistakes(in: text).contains("p.yaml:" + expected), "\(mistakes(in: text))")
    }

    @Test(arguments: [
        ([0x61, 0x3A, 0x20, 0xFF], "the byte 0xFF is not UTF-8"),
        ([0xC3, 0xA9, 0x0A, 0xED, 0xA0, 0x80], "the byte 0xED is not UTF-8"),
        ([0x7F, 0x45, 0x4C, 0x46, 0x02, 0x01], "the control character \\u{7F}"),
        ([0xFF, 0xFE, 0x76, 0x00], "the byte 0xFF is not UTF-8"),
        ([0x61, 0xC3], "the byte 0xC3 is not UTF-8"),
    ])
    func thatAreNoText(_ bytes: [UInt8], _ expected: String) {
        let texts = Policy.read(bytes, name: "p").mistakes.map(\.text)
        #expect(texts.count == 1 && texts[0].hasPrefix(expected), "\(texts)")
    }

    @Test func aFileThatBreaksOffTellsTheMistakesBefore() {
        let text = policy(feature: "    priority: high\n    cores: { performance: { min: ")
        let list = mistakes(in: text)
        #expect(list.count == 2)
        #expect(list.first?.hasPrefix("p.yaml:7:15: error: features.a.priority must be") == true)
        #expect(list.last?.contains("this is not YAML") == true)
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "&a ["])
    func nestingOfTenThousandIsRefused(_ opening: String) {
        let list = mistakes(in: String(repeating: opening, count: 10000))
        #expect(list.contains { $0.contains("nested deeper than 64 levels") })
    }

    @Test func nestingByIndentationIsRefused() {
        let lines = (0..<1000).map { String(repeating: " ", count: $0) + "a:\n" }
        let list = mistakes(in: lines.joined())
        #expect(list.contains("p.yaml:64:64: error: nested deeper than 64 levels"), "\(list)")
    }

    @Test func nestingThroughAliasesIsRefused() {
        let links = (1...100).map { "l\($0): &l\($0) [*l\($0 - 1)]" }.joined(separator: "\n")
        #expect(
            mistakes(in: "l0: &l0 x\n" + links).contains { $0.contains("nested deeper than 64") })
    }

    @Test func anAliasBombIsRefusedBeforeItGrows() {
        let tens = (1...20).map { level in
            let aliases = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            return "l\(level): &l\(level) [\(aliases)]"
        }
        let list = mistakes(in: "l0: &l0 x\n" + tens.joined(separator: "\n"))
        #expect(list.contains { $0.contains("more than 100000 values") })
    }

    @Test func whatATerminalWouldObeyIsShownAsText() {
        let long = String(repeating: "k", count: 500)
        let list = mistakes(in: "{ \"\\e[2J\\n\\u202E\": 1, \(long): 2, name: [\"\\x9b\"] }")
        #expect(
            list.allSatisfy {
                !$0.unicodeScalars.contains { $0.properties.generalCategory == .control }
            })
        #expect(list.contains { $0.contains("unknown key '\\u{1B}[2J\\n\\u{202E}'") })
        #expect(list.allSatisfy { $0.count < 200 })
    }

    @Test func manyMistakesAreCutShort() {
        let keys = (0..<5000).map { "k\($0): 1" }.joined(separator: "\n")
        let list = mistakes(in: keys)
        #expect(list.count == 1001)
        #expect(list.last?.hasSuffix("more mistakes are not listed") == true)
    }

    @Test func aFileOfAHundredMegabytesIsRefusedUnread() throws {
        try withFolder { folder in
            let path = "\(folder)/file"
            try write(Array("version: 1\n".utf8), size: 100 << 20, to: path)
            let before = try residentBytes()
            let list = Policy.read(path: path).mistakes.map(\.description)
            let after = try residentBytes()
            #expect(after - before < 50 << 20)
            #expect(
                list == [
                    "\(path):1:1: error: the file has 104857600 bytes; a policy has at most "
                        + "1048576 (1 MiB)"
                ])
        }
    }

    @Test func bytesBeyondTheLimitAreRefusedToo() {
        let list = mistakes(in: String(repeating: "#", count: (1 << 20) + 1))
        #expect(
            list == [
                "p.yaml:1:1: error: the file has 1048577 bytes; "
                    + "a policy has at most 1048576 (1 MiB)"
            ])
    }

    @Test func whatIsNoFileIsRefused() throws {
        try withFolder { folder in
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            let refusals = [
                ("", "this is a folder (name the policy file in it)"),
                ("/pipe", "this is no regular file (name a policy file)"),
                ("/none", "the file cannot be opened: ENOENT (no such file or folder)"),
            ]
            for (name, text) in refusals {
                let expected = ["\(folder)\(name):1:1: error: \(text)"]
                #expect(Policy.read(path: folder + name).mistakes.map(\.description) == expected)
            }
        }
    }

    /// Memory in use by this process (`/proc/self/statm`).
    private func residentBytes() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        try #require(fgets(&line, 256, file) != nil)
        let text = String(
            decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }

    @Test(arguments: 0..<8)
    func mutilatedPoliciesNeverDoHarm(_ seed: Int) throws {
        var numbers = SeededNumbers(state: UInt64(seed))
        let whole = try shippedPolicies()
        for _ in 0..<60 {
            var bytes = try #require(whole.randomElement(using: &numbers)).bytes
            for _ in 0..<Int.random(in: 1...8, using: &numbers) {
                mutate(&bytes, &numbers)
            }
            let reading = Policy.read(bytes, name: "p")
            #expect((reading.policy == nil) == !reading.errors.isEmpty)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ numbers: inout SeededNumbers) {
        guard let place = bytes.indices.randomElement(using: &numbers) else { return }
        let interesting = Array("[]{}:,&*!|>'\"%@`#-? \n\t\0\u{FE}<~0".utf8)
        switch Int.random(in: 0..<5, using: &numbers) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
        case 1: bytes[place] = interesting.randomElement(using: &numbers) ?? 0
        case 2: bytes.insert(interesting.randomElement(using: &numbers) ?? 0, at: place)
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 5))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
        }
    }
}
