import Glibc
import PoiseHardware
import PoiseModel
import Testing

struct BadFile: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    /// What the error must say.
    var says: String

    init(_ name: String, _ bytes: [UInt8], says: String) {
        testDescription = name
        self.bytes = bytes
        self.says = says
    }

    init(_ name: String, _ text: String, says: String) {
        self.init(name, Array(text.utf8), says: says)
    }
}

private let head = "<?xml version=\"1.0\"?>\n<topology version=\"2.0\">\n"
private let nothing = machine("0x0")

/// The tag of a machine with these PUs and one node.
private func machine(_ pus: String, close: Bool = true) -> String {
    "<object type=\"Machine\" gp_index=\"1\" cpuset=\"\(pus)\" complete_cpuset=\"\(pus)\" "
        + "allowed_cpuset=\"\(pus)\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
        + "allowed_nodeset=\"0x1\"" + (close ? "/>" : ">")
}

/// The tag of a PU within that machine.
private func pu(_ attributes: String, id: Int = 2) -> String {
    "<object type=\"PU\" gp_index=\"\(id)\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
        + attributes + "/>"
}

/// A machine of two PUs around `inside`.
private func around(_ inside: String) -> String {
    head + machine("0x3", close: false) + inside + "</object></topology>"
}

private let pu0 = pu("os_index=\"0\" cpuset=\"0x1\" complete_cpuset=\"0x1\"")

private let badFiles = [
    BadFile("empty", [], says: "it is empty"),
    BadFile("blank", "\n\n", says: "it has no <topology>"),
    BadFile("a program", [0x7F, 0x45, 0x4C, 0x46, 0, 0, 1, 2], says: "line 1: it is no XML"),
    BadFile("text", "cores: 4\n", says: "it is no XML"),
    BadFile("other XML", "<html><body/></html>", says: "its first tag is <html>"),
    BadFile("cut in a tag", head + "<object type=\"Mach", says: "truncated in a value"),
    BadFile(
        "cut between tags", head + "<a>", says: "it ends inside <a>"),
    BadFile(
        "crossed tags", head + "<a><b></a></b></topology>", says: "line 3: </a> closes nothing"),
    BadFile(
        "bare attribute", head + "<object type=Machine/></topology>", says: "has no quotes"),
    BadFile(
        "entity bomb",
        "<!DOCTYPE topology [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><topology>&b;</topology>",
        says: "declares entities"),
    BadFile(
        "unknown entity", head + "<info name=\"&lol;\" value=\"\"/></topology>", says: "&lol;"),
    BadFile("CDATA", head + "<![CDATA[x]]></topology>", says: "CDATA"),
    BadFile(
        "deep", head + String(repeating: "<a>", count: 100_000), says: "nested deeper than 256"
    ),
    BadFile(
        "wide", head + String(repeating: "<info/>", count: 300_000) + "</topology>",
        says: "too many elements"),
    BadFile(
        "zero byte", Array(head.utf8) + [0x3C, 0x61, 0x20, 0x62, 0x3D, 0x22, 0, 0x22, 0x2F, 0x3E],
        says: "a character that no value may have"),
    BadFile(
        "far index", around(pu("os_index=\"4294967294\"")),
        says: "os_index=\"4294967294\" is beyond any machine"),
    BadFile("hwloc 3", "<topology version=\"3.0\"></topology>", says: "--export-xml-flags v2"),
    BadFile("hwloc 1", "<topology></topology>", says: "it is not of version 2"),
    BadFile("two roots", head + "</topology><topology/>", says: "something follows"),
    BadFile("two machines", head + nothing + nothing + "</topology>", says: "gp_index of its own"),
    BadFile(
        "no number", around(pu("cpuset=\"0x1\" complete_cpuset=\"0x1\"")),
        says: "PU has no os_index"),
    BadFile(
        "no complete set", around(pu("os_index=\"0\" cpuset=\"0x1\"")),
        says: "PU lacks one of its four sets"),
    BadFile(
        "endless set", around(pu("os_index=\"0\" cpuset=\"0xf...f\" complete_cpuset=\"0xf...f\"")),
        says: "PU lacks one of its four sets"),
    BadFile(
        "outside its parent",
        around(pu("os_index=\"2\" cpuset=\"0x4\" complete_cpuset=\"0x4\"")),
        says: "PU has PUs that Machine around it does not have"),
    BadFile(
        "twice the same", around(pu0 + pu0.replacing("gp_index=\"2\"", with: "gp_index=\"3\"")),
        says: "PU has PUs that another object beside it has"),
    BadFile(
        "a machine in a machine",
        around(machine("0x3").replacing("gp_index=\"1\"", with: "gp_index=\"9\"")),
        says: "Machine cannot be in Machine"),
    BadFile(
        "too many beside each other",
        around(
            (9..<9000).map { "<object type=\"Misc\" gp_index=\"\($0)\" name=\"\"/>" }.joined()),
        says: "Machine has more than 8192 objects in it"),
    BadFile("an unknown type", around("<object type=\"Board\"/>"), says: "no type that hwloc has"),
    BadFile("nothing inside", head + "</topology>", says: "cannot make a machine of"),
    BadFile("no PU", head + nothing + "</topology>", says: "cannot make a machine of"),
]

@Suite struct BadFileTests {
    @Test(arguments: badFiles)
    func aBadFileIsRefusedWithItsNameTheReasonAndTheRemedy(_ bad: BadFile) throws {
        let folder = TemporaryFolder()
        let file = folder.write("bad.xml", bad.bytes)
        let error = #expect(throws: TopologyError.self) {
            try Machine.discover(from: .file(file))
        }
        let text = try #require(error).description
        #expect(text.contains(bad.says) && text.contains(file) && text.contains("("))
    }

    @Test func missingFilesAndFoldersAndPipesAreNamed() throws {
        let folder = TemporaryFolder()
        let pipe = "\(folder.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for (path, code) in [
            ("\(folder.path)/none.xml", ENOENT), (folder.path, EISDIR), (pipe, EINVAL),
        ] {
            #expect(throws: TopologyError.unreadable(file: path, Errno(code))) {
                try Machine.discover(from: .file(path))
            }
        }
    }

    @Test func aFileLargerThanAnyMachineIsNotReadToItsEnd() throws {
        let folder = TemporaryFolder()
        let file = folder.write("large.xml", "<topology>")
        #expect(truncate(file, 65 << 20) == 0)
        #expect(throws: TopologyError.tooLarge(file: file, limitBytes: 64 << 20)) {
            try Machine.discover(from: .file(file))
        }
    }

    @Test func aFullDiskIsSaid() {
        #expect(throws: TopologyError.unwritable(file: "/dev/full", Errno.noSpace)) {
            try Topology.export(to: "/dev/full")
        }
    }

    /// A small machine with damage at a chosen place never takes the process down.
    @Test(arguments: ["vm-2-core", "core-ultra-7-165h"])
    func noDamageTakesTheProcessDown(_ profile: String) throws {
        let whole = contents(of: "\(Recordings.checkout)/hwprofiles/\(profile).xml")
        let folder = TemporaryFolder()
        var random = Seeded(state: 20_240_229)
        for round in 0..<150 {
            let file = folder.write("m.xml", damaged(whole, round, &random))
            _ = try? Machine.discover(from: .file(file))
        }
    }

    private func damaged(_ whole: [UInt8], _ round: Int, _ random: inout Seeded) -> [UInt8] {
        var bytes = whole
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch round % 4 {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes[place] = UInt8.random(in: 32...126, using: &random)
        case 2:
            // Another digit in a set, an index or a size.
            let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) }
            if let digit = digits.randomElement(using: &random) {
                bytes[digit] = UInt8.random(in: 48...57, using: &random)
            }
        default:
            // A line twice, or not at all.
            let lines = bytes.split(separator: 10)
            let line = Int.random(in: 3..<lines.count - 1, using: &random)
            let kept = lines.enumerated().flatMap { index, text in
                index == line ? (round % 8 == 3 ? [text, text] : []) : [text]
            }
            bytes = Array(kept.joined(separator: [10]))
        }
        return bytes
    }
}

/// SplitMix64: the same damage in every run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
