import PoiseHardware
import PoiseModel
import Testing

/// What a machine must come out as.
struct Shape: Sendable, CustomTestStringConvertible {
    var name: String
    /// Cores of class performance, efficiency, lowPower.
    var cores: [Int]
    var pus: Int
    var packages: Int
    var nodes: Int
    var clusters: Int
    /// `gpu0@1` is local to node 1, `gpu0@?` nobody knows where.
    var accelerators = ""

    var testDescription: String { name }

    init(
        _ name: String, cores: [Int], pus: Int, _ packages: Int, _ nodes: Int, _ clusters: Int,
        accelerators: String = ""
    ) {
        self.name = name
        self.cores = cores
        self.pus = pus
        self.packages = packages
        self.nodes = nodes
        self.clusters = clusters
        self.accelerators = accelerators
    }

    init(of machine: Machine, name: String) {
        self.init(
            name,
            cores: CoreClass.allCases.map { wanted in
                machine.cores.filter { $0.class == wanted }.count
            },
            pus: machine.pus.count, machine.packages.count, machine.nodes.count,
            machine.clusters.count,
            accelerators: machine.accelerators.map { one in
                "\(one.id)@\(one.node.map(String.init) ?? "?")"
            }.joined(separator: " "))
    }

    var text: String {
        "\(cores) \(pus) PUs, \(packages) packages, \(nodes) nodes, \(clusters) clusters, "
            + accelerators
    }
}

/// Packages, nodes, clusters in this order after the PUs.
private let profileShapes = [
    Shape("vm-2-core", cores: [2, 0, 0], pus: 2, 1, 1, 1),
    Shape("xeon-gold-6248", cores: [20, 0, 0], pus: 40, 1, 1, 1),
    Shape("epyc-7542", cores: [32, 0, 0], pus: 64, 1, 1, 8),
    Shape(
        "2x-xeon-platinum-8380", cores: [80, 0, 0], pus: 160, 2, 4, 2,
        accelerators: "gpu0@0 npu0@0 npu1@1 gpu1@2 npu2@2 npu3@3"),
    Shape("2x-epyc-9654", cores: [192, 0, 0], pus: 384, 2, 2, 24),
    Shape("core-i9-14900k", cores: [8, 16, 0], pus: 32, 1, 1, 5, accelerators: "gpu0@0"),
    Shape("core-ultra-7-165h", cores: [6, 8, 2], pus: 22, 1, 1, 4, accelerators: "gpu0@0 npu0@0"),
    Shape("core-ultra-9-285k", cores: [8, 16, 0], pus: 24, 1, 1, 5, accelerators: "gpu0@0 npu0@0"),
    Shape("ryzen-ai-9-hx-370", cores: [4, 8, 0], pus: 24, 1, 1, 2, accelerators: "gpu0@0 npu0@0"),
    Shape("gb10", cores: [10, 10, 0], pus: 20, 1, 1, 2, accelerators: "gpu0@0"),
    Shape("cxl-memory-node", cores: [64, 0, 0], pus: 128, 2, 3, 2),
    Shape(
        "2x-grace-4x-gb200", cores: [144, 0, 0], pus: 144, 2, 34, 2,
        accelerators: "gpu0@0 gpu1@0 gpu2@1 gpu3@1"),
]

private let recordingShapes = [
    Shape("amd-2x-epyc-7763", cores: [128, 0, 0], pus: 128, 2, 1, 16),
    Shape("amd-8-nodes-cpuset-restricted", cores: [10, 0, 0], pus: 10, 6, 5, 0),
    Shape("arm-128-kunpeng-2s4n", cores: [128, 0, 0], pus: 128, 2, 4, 4),
    Shape("intel-16-some-offline", cores: [6, 0, 0], pus: 7, 4, 1, 2),
    Shape("intel-2x-xeon-6230", cores: [40, 0, 0], pus: 80, 2, 1, 2),
    // The management controller's Matrox adapter is no GPU.
    Shape("intel-40-pci-locality", cores: [40, 0, 0], pus: 40, 4, 4, 4),
    // No core level, no package: each PU is a core, and there is one package.
    Shape("intel-8-memory-attributes", cores: [8, 0, 0], pus: 8, 1, 4, 0),
    Shape("intel-alderlake-6p8e", cores: [6, 8, 0], pus: 20, 1, 1, 3),
    Shape("intel-arrowlake-coreultra5-225u", cores: [2, 8, 2], pus: 14, 1, 1, 4),
    Shape(
        "nvidia-dgx2", cores: [4, 0, 0], pus: 4, 2, 2, 2,
        accelerators: ((0..<8).map { "gpu\($0)@0" } + (8..<16).map { "gpu\($0)@1" })
            .joined(separator: " ")),
]

private let profiles = Recordings.checkout + "/hwprofiles"

@Suite struct MachineTests {
    @Test(arguments: profileShapes)
    func everyProfileIsTheMachineItIsNamedFor(_ expected: Shape) throws {
        let machine = try Machine.discover(
            from: .profile(expected.name), profileFolders: [profiles])
        #expect(Shape(of: machine, name: expected.name).text == expected.text)
        #expect(machine.name == expected.name)
        #expect(!machine.isThisSystem)
        checkWhole(machine)
    }

    @Test func everyProfileIsInTheTable() {
        let files = MachineSource.profiles(in: [profiles])
        #expect(files == profileShapes.map(\.name).sorted())
        let readme = String(decoding: contents(of: profiles + "/README.md"), as: UTF8.self)
        for name in files { #expect(readme.contains("| \(name) |"), "no line in README.md") }
    }

    // The recordings are not part of this repository.
    @Test(
        .enabled(if: Recordings.areHere, "no folder shared/topologies"), arguments: recordingShapes)
    func everyRecordingComesOutAsTheMachineItWas(_ expected: Shape) throws {
        let folder = try #require(Recordings.folder)
        let machine = try Machine.discover(from: .file("\(folder)/\(expected.name).xml"))
        #expect(Shape(of: machine, name: expected.name).text == expected.text)
        checkWhole(machine)
    }

    @Test func thisSystemIsWholeAndSurvivesItsExport() throws {
        let here = try LocalMachine.discover().machine
        #expect(here.isThisSystem)
        checkWhole(here)
        let folder = TemporaryFolder()
        try Topology.export(to: "\(folder.path)/here.xml")
        var again = try Machine.discover(from: .file("\(folder.path)/here.xml"))
        #expect(!again.isThisSystem)
        // What is found beside hwloc, and what may change between two looks.
        again.isThisSystem = true
        again.name = here.name
        again.accelerators = here.accelerators
        again.nodes = here.nodes
        #expect(again == here)
    }

    /// What every machine holds, whatever it is.
    private func checkWhole(_ machine: Machine) {
        var seen = CPUSet()
        for (id, core) in machine.cores.enumerated() {
            #expect(core.id == id && !core.pus.isEmpty && core.pus.isDisjoint(with: seen))
            seen.formUnion(core.pus)
            #expect(machine.nodes.indices.contains(core.node))
            #expect(core.pus.isSubset(of: machine.packages[core.package].pus))
            if let cluster = core.cluster {
                #expect(core.pus.isSubset(of: machine.clusters[cluster].pus))
            }
        }
        let sets = [
            machine.packages.map(\.pus), machine.clusters.map(\.pus), machine.nodes.map(\.pus),
        ]
        for parts in sets {
            #expect(parts.reduce(0) { $0 + $1.count } <= seen.count)
            #expect(parts.allSatisfy { $0.isSubset(of: seen) })
        }
        #expect(machine.packages.map(\.id) == Array(machine.packages.indices))
        #expect(machine.nodes.map(\.id) == Array(machine.nodes.indices))
        #expect(machine.clusters.map(\.id) == Array(machine.clusters.indices))
        #expect(Set(machine.accelerators.map(\.id)).count == machine.accelerators.count)
        for from in machine.nodes {
            for to in machine.nodes { #expect(machine.distance(from: from.id, to: to.id) >= 0) }
        }
    }
}

@Suite struct NodeTests {
    private func profile(_ name: String) throws -> Machine {
        try Machine.discover(from: .profile(name), profileFolders: [profiles])
    }

    @Test func aMemoryOnlyNodeHasNoPUsAndNoCoreCallsItItsOwn() throws {
        let machine = try profile("cxl-memory-node")
        let card = machine.nodes[2]
        #expect(card.kind == .cxl && card.pus.isEmpty && card.bytes == 256 << 30)
        #expect(machine.cores.allSatisfy { $0.node != 2 })
        #expect(machine.distances == [[10, 21, 14], [21, 10, 24], [14, 24, 10]])
    }

    @Test func emptyNodesOfGPUsAreKnownToBeEmpty() throws {
        let machine = try profile("2x-grace-4x-gb200")
        #expect(machine.nodes[2].kind == .gpu && machine.nodes[2].bytes == 189471 << 20)
        #expect(machine.nodes[3].bytes == 0)
        #expect(machine.nodes[0].pus.count == 72 && machine.distances == nil)
    }

    @Test func aCoreWhoseNodeIsNotAllowedGetsTheNearestThatIs() throws {
        let folder = TemporaryFolder()
        let file = folder.write("m.xml", twoPackages)
        let machine = try Machine.discover(from: .file(file))
        #expect(machine.nodes.map(\.osIndex) == [1])
        #expect(machine.cores.map(\.node) == [0, 0])
        #expect(machine.nodes[0].pus == [1])
        #expect(machine.nodes[0].bytes == 4096)
    }

    @Test func disallowedPUsAreLeftOut() throws {
        let folder = TemporaryFolder()
        let allowed = twoPackages.replacing(
            "allowed_cpuset=\"0x3\"", with: "allowed_cpuset=\"0x2\"")
        let machine = try Machine.discover(from: .file(folder.write("m.xml", allowed)))
        #expect(machine.pus == [1])
        #expect(machine.cores.map(\.id) == [0])
        #expect(machine.packages.count == 1)
    }

    @Test(
        arguments: [
            ("HBM", nil, nil, NUMANode.Kind.hbm), ("MCDRAM", nil, nil, .hbm),
            ("GPUMemory", nil, nil, .gpu), ("CXL-DRAM", nil, nil, .cxl), (nil, "NVM", nil, .nvm),
            (nil, "SPM", nil, .cxl), (nil, nil, "HBM0", .hbm), (nil, nil, nil, .dram),
            ("DRAM", nil, nil, .dram),
        ] as [(String?, String?, String?, NUMANode.Kind)])
    func memoryIsOfTheKindThatHwlocSays(
        _ subtype: String?, _ daxType: String?, _ name: String?, _ kind: NUMANode.Kind
    ) {
        #expect(NUMANode.Kind(subtype: subtype, daxType: daxType, name: name) == kind)
    }
}

/// Two packages of one PU each; only the second package's node is allowed.
private let twoPackages = """
    <?xml version="1.0" encoding="UTF-8"?>
    <!DOCTYPE topology SYSTEM "hwloc2.dtd">
    <!-- a comment, which hwloc's small parser does not know -->
    <topology version='2.0'>
      <object type="Machine" os_index="0" cpuset="0x3" complete_cpuset="0x3"
          allowed_cpuset="0x3" nodeset="0x2" complete_nodeset="0x3" allowed_nodeset="0x2"
          gp_index="1">
        <object type="Package" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x0" \
    complete_nodeset="0x1" gp_index="2">
          <object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x0" \
    complete_nodeset="0x1" gp_index="3"/>
        </object>
        <object type="Package" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" \
    complete_nodeset="0x2" gp_index="4">
          <object type="NUMANode" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" \
    complete_nodeset="0x2" gp_index="5" local_memory="4096"/>
          <object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" \
    complete_nodeset="0x2" gp_index="6"/>
        </object>
      </object>
    </topology>
    """
