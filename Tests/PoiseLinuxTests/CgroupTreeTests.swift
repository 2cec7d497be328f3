import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct CgroupTreeTests {
    private let a: FeatureID
    private let model: ModelControlFiles

    init() throws {
        a = try #require(FeatureID("a"))
        model = ModelControlFiles(possible: CPUSet(0..<8))
        model.begin([a: ControlGroup(cpus: [0, 1])])
    }

    private func tree() -> ControlTree<ModelControlFiles> {
        ControlTree(model, known: [a: ControlGroup(cpus: [0, 1])])
    }

    private func write(_ file: ControlFile, _ value: String, _ was: String) -> ControlStep {
        .write(a, ControlKey(file), value: value, was: was)
    }

    @Test("a refused write leaves the old values in force, and says what can be done")
    func refused() {
        for errno in [1, 2, 13, 16, 19, 22, 28, 30, 34, 95].map({ Errno($0) }) {
            for place in 1...3 {
                model.begin([a: ControlGroup(cpus: [0, 1])])
                model.faults = [place: errno]
                var tree = tree()
                let outcomes = tree.perform([
                    write(.memoryMax, "8192", "max"), write(.cpusetCPUs, "0", "0-1"),
                    write(.pidsMax, "5", "max"),
                ])
                #expect(outcomes.count == place)
                #expect(outcomes.last?.result == .refused(errno))
                #expect(outcomes.last?.remedy.isEmpty == false)
                #expect(outcomes.dropLast().allSatisfy { $0.result == .rolledBack })
                #expect(model.state.groups == [a: [.cpusetCPUs: "0-1"]])
                #expect(tree.groups[a]?.cpus == [0, 1])
            }
        }
    }

    @Test("a step back that is refused is told, and the tree is known as it is")
    func refusedTwice() {
        model.faults = [2: .invalid, 3: Errno(16)]
        var tree = tree()
        let outcomes = tree.perform([
            write(.cpusetCPUs, "0", "0-1"), write(.pidsMax, "5", "max"),
        ])
        #expect(outcomes.map(\.result) == [.done, .refused(.invalid), .refused(Errno(16))])
        #expect(outcomes.last?.remedy.contains("could not be undone") == true)
        #expect(tree.groups[a]?.cpus == [0])
        #expect(model.value(a, .cpusetCPUs) == "0")
    }

    @Test("an invalid partition is given back, told with the kernel's reason, and not asked again")
    func invalidPartition() {
        model.isPartitionRoot = false
        var tree = tree()
        let outcomes = tree.perform([write(.cpusetPartition, "isolated", "member")])
        #expect(
            outcomes.map(\.result) == [
                .different("isolated invalid (Parent is not a partition root)")
            ])
        #expect(outcomes[0].remedy.contains("Parent is not a partition root"))
        #expect(model.value(a, .cpusetPartition) == "member")
        #expect(tree.groups[a]?.values[ControlKey(.cpusetPartition)] == "isolated")
        #expect(tree.drift(expected: tree.groups) == [])
    }

    @Test("memory is rounded to pages and lists are put in order without being a difference")
    func rounding() {
        var tree = tree()
        let device = ControlKey(.ioMax, device: "8:0")
        let limit = "rbps=max wbps=1048576 riops=max wiops=max"
        let steps = [
            write(.memoryMax, "10000", "max"), write(.cpusetMems, "1,0", ""),
            write(.cpuMax, "max", "max 100000"),
            .write(a, device, value: limit, was: device.file.standard),
        ]
        #expect(tree.perform(steps).map(\.result) == [.done, .done, .done, .done])
        #expect(tree.drift(expected: tree.groups) == [])
        #expect(ControlText.normal("10000", of: .memoryMax) == "8192")
        #expect(tree.writes == 4)
        let text = "8:16 rbps=1 wbps=max riops=max wiops=max\n8:0 \(limit)\n"
        #expect(ControlText.value(of: device, in: text) == limit)
        #expect(ControlText.value(of: device, in: "") == ControlFile.ioMax.standard)
        #expect(
            ControlText.value(of: ControlKey(.ioWeight), in: "default 200\n8:0 50\n")
                == "default 200")
    }

    @Test("what somebody else wrote is found, and known from then on")
    func drift() throws {
        var tree = tree()
        let expected = tree.groups
        #expect(tree.drift(expected: expected) == [])
        try model.write(a, .cpusetCPUs, "0-3")
        #expect(
            tree.drift(expected: expected) == [
                ControlDrift(feature: a, key: ControlKey(.cpusetCPUs), has: "0-3")
            ])
        #expect(tree.groups[a]?.cpus == [0, 1, 2, 3])
    }

    @Test("a weight comes back when a group is taken out of idleness again")
    func weightAfterIdle() {
        let group = ControlGroup(
            cpus: [0], values: [ControlKey(.cpuWeight): "300", ControlKey(.cpuIdle): "0"])
        model.begin([a: group])
        model.faults = [2: .invalid]
        var tree = ControlTree(model, known: [a: group])
        _ = tree.perform([write(.cpuIdle, "1", "0"), write(.pidsMax, "5", "max")])
        #expect(model.value(a, .cpuWeight) == "300")
        #expect(tree.groups[a]?.values[ControlKey(.cpuWeight)] == "300")
    }
}

@Suite struct CgroupFolderTests {
    private func listing(_ path: String) -> [String] {
        Repository.files(path, ending: "").map { file in
            "\(file.dropFirst(path.count)): \(ProcessFiles.text(file) ?? "a folder")"
        }
    }

    @Test("a root is given back byte for byte")
    func restores() throws {
        let root = try TemporaryFolder()
        let write = { (file: String, text: String) in
            #expect(Repository.write(text, to: "\(root.path)/\(file)"))
        }
        write("cgroup.controllers", "cpuset cpu io memory pids\n")
        write("cgroup.subtree_control", "memory pids\n")
        write("cpuset.cpus", "\n")
        write("cpuset.cpus.partition", "member\n")
        let before = listing(root.path)
        let folder = try CgroupFolder.open(root.path, nature: .imitation)
        let a = try #require(FeatureID("a"))
        try folder.make(a)
        try folder.write(a, .cpusetCPUs, "0-1")
        #expect(try folder.read(a, .cpusetCPUs) == "0-1\n")
        #expect(folder.groups() == [a])
        #expect(try folder.setRoot(.cpusetCPUs, "0-3") == "0-3")
        #expect(try folder.setRoot(.cpusetPartition, "root") == "root")
        #expect(listing(root.path) != before)
        let later = try CgroupFolder.open(
            root.path, nature: .imitation, before: folder.before)
        #expect(later.restore() == [])
        #expect(listing(root.path) == before)
    }

    @Test("the root's processes go to a group of their own and come back")
    func processes() throws {
        let root = try TemporaryFolder()
        #expect(Repository.write("7\n", to: root.path + "/cgroup.procs"))
        let folder = try CgroupFolder.open(root.path, nature: .imitation)
        #expect(CgroupFolder.processes(in: root.path + "/.home") == [7])
        #expect(CgroupFolder.processes(in: root.path) == [])
        #expect(folder.before.madeHome)
        // One that knows nothing finds out.
        let later = try CgroupFolder.open(root.path, nature: .imitation)
        #expect(later.before.madeHome)
        #expect(later.restore() == [])
        #expect(CgroupFolder.processes(in: root.path) == [7])
        #expect(access(root.path + "/.home", F_OK) != 0)
    }

    @Test("a folder of another file system is refused")
    func otherFileSystem() throws {
        let root = try TemporaryFolder()
        let error = #expect(throws: SystemError.self) { try CgroupFolder.open(root.path) }
        #expect(error?.advice?.contains("cgroup v2") == true)
        #expect(throws: SystemError.self) { try CgroupFolder.open("/nowhere/at/all") }
    }

    @Test("a file that is not there is told and not made up")
    func missing() throws {
        let root = try TemporaryFolder()
        let folder = try CgroupFolder.open(root.path, nature: .imitation)
        let a = try #require(FeatureID("a"))
        #expect(throws: SystemError.self) { try folder.read(a, .cpuMax) }
        #expect(folder.reading(of: a) == CgroupReading())
        #expect(!folder.isPopulated(a))
        try folder.make(a)
        var tree = ControlTree(folder)
        #expect(try tree.adopt(a, [ControlKey(.cpuMax)]) == ControlGroup())
    }
}

@Suite struct CgroupFormatTests {
    @Test func countersAreRead() {
        let text =
            "usage_usec 1500\nuser_usec 1000\nnr_throttled 3\nthrottled_usec 70\nodd line x\n"
        let time = CgroupReading.CPUTime(text)
        #expect(time?.used == .microseconds(1500))
        #expect(time?.throttledPeriods == 3)
        #expect(time?.throttled == .microseconds(70))
        #expect(CgroupReading.CPUTime("user_usec 1\n") == nil)
        #expect(CgroupReading.CPUTime("usage_usec 1\n")?.throttled == nil)
        let events = CgroupReading.MemoryEvents("low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n")
        #expect(events?.killed == 5 && events?.high == 2)
        #expect(CgroupReading.MemoryEvents("low 1\n") == nil)
    }

    @Test func trafficIsReadByDevice() {
        let text = "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 \n"
        #expect(
            DeviceTrafficFormat.parse(text) == [
                "8:0": DeviceTraffic(readBytes: 1, writtenBytes: 2, reads: 3, writes: 4)
            ])
        #expect(DeviceTrafficFormat.parse("") == [:])
        #expect(DeviceTrafficFormat.parse("nonsense\n") == nil)
    }

    @Test func theKindOfAMountIsFoundByItsDevice() {
        let text = """
            24 1 259:1 / / rw shared:1 - ext4 /dev/root rw
            35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw
            """
        #expect(MountFormat.kind(ofDevice: 30, in: text) == "cgroup2")
        #expect(MountFormat.kind(ofDevice: 259 << 8 | 1, in: text) == "ext4")
        #expect(MountFormat.kind(ofDevice: 31, in: text) == nil)
    }
}
