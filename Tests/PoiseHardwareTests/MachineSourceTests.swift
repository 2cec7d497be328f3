import PoiseHardware
import PoiseModel
import Testing

@Suite struct MachineSourceTests {
    private let folder = Recordings.checkout + "/hwprofiles"

    @Test func aNameIsAFileOrAProfile() throws {
        #expect(try MachineSource(named: "gb10", profileFolders: [folder]) == .profile("gb10"))
        #expect(try MachineSource(named: "gb10.xml", profileFolders: [folder]) == .profile("gb10"))
        #expect(try MachineSource(named: "./no/such", profileFolders: []) == .file("./no/such"))
    }

    @Test(arguments: [
        ("core-i9-14900", "core-i9-14900k"), ("gb1O", "gb10"), ("epyc-7452", "epyc-7542"),
        ("cxl", "cxl-memory-node"),
    ])
    func anUnknownNameIsAnsweredWithTheNearest(_ name: String, _ nearest: String) throws {
        let error = #expect(throws: TopologyError.self) {
            try MachineSource(named: name, profileFolders: [folder])
        }
        guard case .unknownProfile(name, let found, [folder]) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(found.first == nearest)
    }

    @Test func withoutFoldersTheErrorNamesTheVariable() throws {
        let error = #expect(throws: TopologyError.self) {
            try MachineSource(named: "gb10", profileFolders: [])
        }
        #expect(try #require(error).description.contains("POISE_HWPROFILES"))
    }

    @Test func profilesAreLookedForFromTheExecutableUpwardsAndThenWhereTheyAreInstalled() {
        let tree = TemporaryFolder()
        let root = tree.path
        for place in ["checkout/hwprofiles", "usr/share/poise/hwprofiles", "own"] {
            tree.write("\(place)/m.xml", "")
        }
        func folders(_ named: String?, _ executable: String) -> [String] {
            MachineSource.profileFolders(named: named, executable: root + executable)
                .filter { $0.hasPrefix(root) }
                .map { String($0.dropFirst(root.count)) }
        }
        #expect(folders(nil, "/checkout/.build/debug/poise") == ["/checkout/hwprofiles"])
        #expect(folders(nil, "/usr/bin/poise") == ["/usr/share/poise/hwprofiles"])
        #expect(
            folders(root + "/own", "/usr/bin/poise") == ["/own", "/usr/share/poise/hwprofiles"])
    }
}
