import PoiseModel
import PoisePolicyFile
import PoiseTestSupport
import Testing

@Suite("Limits that the kernel is handed as they stand")
struct LimitTests {
    private func reading(_ lines: String) -> PolicyReading {
        Policy.read(
            Array(
                """
                version: 1
                name: limits
                reserve: { cores: 1 }
                features:
                  a:
                    command: ["sleep", "1"]
                \(lines)
                """.utf8), name: "limits.yaml")
    }

    @Test("every limit of a feature is read in the kernel's units")
    func readsAll() throws {
        let reading = reading(
            """
                cores: { performance: 1, partition: isolated }
                memory: { min: 1MiB, swap: 0, migrate: true }
                io: { weight: 5, max: { /dev/vdb: { write: 2MiB }, /dev/vda: { readOps: 7 } } }
                pids: { max: 9 }
                hugetlb: { 2MiB: 4MiB }
                sandbox: none
                files: { read: [/srv], write: [/srv/out] }
            """)
        let feature = try #require(reading.policy?.features.first, "\(reading.mistakes)")
        #expect(feature.partition == .isolated)
        #expect(feature.memory.swap == 0 && feature.memory.migrate)
        #expect(feature.ioWeight == 5 && feature.mostProcesses == 9)
        #expect(
            feature.ioLimits == [
                IOLimit(device: "/dev/vda", readOperations: 7),
                IOLimit(device: "/dev/vdb", writeBytes: 2 << 20),
            ])
        #expect(feature.hugePages == [.twoMiB: 4 << 20])
        #expect(feature.sandbox == .none)
        #expect(feature.files == FileAccess(read: ["/srv"], write: ["/srv/out"]))
    }

    @Test(
        "a limit that cannot be meant is refused with its place",
        arguments: [
            ("    cores: { performance: 0.5, partition: root }", 7, "of the feature's own"),
            ("    cores: { performance: 1, sharing: shared, partition: root }", 7, "own"),
            ("    cores: { performance: 1 }\n    io: { max: { vda: { read: 1 } } }", 8, "/dev/vda"),
            ("    cores: { performance: 1 }\n    pids: { max: 0 }", 8, "1 to 4194304"),
            ("    cores: { performance: 1 }\n    files: { read: [srv] }", 8, "absolute"),
            ("    cores: { performance: 1 }\n    hugetlb: { 4MiB: 1MiB }", 8, "2MiB"),
        ])
    func refuses(lines: String, line: Int, text: String) {
        let mistakes = reading(lines).mistakes
        #expect(
            mistakes.contains { $0.description.contains(text) && $0.line == line },
            "\(mistakes)")
    }
}
