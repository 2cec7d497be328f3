import Glibc
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

/// Whether this is a machine that is there to be tried on: root, cgroup v2, nothing to lose.
private let isTestbed = getenv("POISE_TESTBED").map { String(cString: $0) } == "1"

/// The kernel's files, with refusals where a test wants them, and a look at all groups after every
/// write.
private final class WatchedFolder: ControlFiles {
    let folder: CgroupFolder
    var refused: Int?
    var onChange: (FeatureID) -> Void = { _ in }
    private(set) var operations = 0

    init(_ folder: CgroupFolder) { self.folder = folder }

    func begin(refused: Int?) {
        operations = 0
        self.refused = refused
    }

    private func count() throws(SystemError) {
        operations += 1
        if operations == refused { throw SystemError("write", on: "a test", Errno(16)) }
    }

    func make(_ feature: FeatureID) throws(SystemError) {
        try count()
        try folder.make(feature)
        onChange(feature)
    }

    func remove(_ feature: FeatureID) throws(SystemError) {
        try count()
        try folder.remove(feature)
        onChange(feature)
    }

    func write(
        _ feature: FeatureID, _ file: ControlFile, _ text: String
    ) throws(SystemError) {
        try count()
        try folder.write(feature, file, text)
        onChange(feature)
    }

    func read(_ feature: FeatureID, _ file: ControlFile) throws(SystemError) -> String {
        try folder.read(feature, file)
    }

    /// As `present`, but reads only what a change of one group can have changed: its settings, and
    /// the CPUs of all.
    func present(
        _ keys: [ControlKey], after: [FeatureID: TransitionRules.Present], changed: FeatureID
    ) -> [FeatureID: TransitionRules.Present] {
        var tree = present([])
        for feature in tree.keys where feature != changed {
            tree[feature]?.values = after[feature]?.values ?? [:]
        }
        for key in keys where tree[changed] != nil {
            guard let text = try? folder.read(changed, key.file) else { continue }
            tree[changed]?.values[key] = ControlText.value(of: key, in: text)
        }
        return tree
    }

    /// What the kernel really makes of all groups. A group without processes that nobody gave CPUs
    /// may use all of the root's; it counts as having none.
    func present(_ keys: [ControlKey]) -> [FeatureID: TransitionRules.Present] {
        var tree: [FeatureID: TransitionRules.Present] = [:]
        for feature in folder.groups() {
            var group = ControlGroup()
            if (try? folder.read(feature, .cpusetCPUs)) != "\n" {
                group.cpus = folder.effectiveCPUs(of: feature) ?? []
            }
            for key in keys {
                guard let text = try? folder.read(feature, key.file) else { continue }
                group.values[key] = ControlText.value(of: key, in: text)
            }
            tree[feature] = TransitionRules.Present(group)
        }
        return tree
    }
}

/// A new cgroup directly below the mount, which offers all controllers.
private func makeRoot(_ name: String) throws -> String {
    let control = "/sys/fs/cgroup/cgroup.subtree_control"
    for controller in CgroupFolder.used {
        let file = try FileDescriptor.open(control, O_WRONLY)
        // What this kernel lacks shows later.
        try? file.writeAll(Array("+\(controller)".utf8))
    }
    let root = "/sys/fs/cgroup/poise-\(name)-\(getpid())"
    try #require(mkdir(root, 0o755) == 0)
    return root
}

/// A cgroup of a test directly below the mount, with processes in the groups.
private final class KernelTree {
    static let names: [ControlFile] = [
        .cpuIdle, .cpuWeight, .cpuMax, .memoryMin, .memoryLow, .memoryHigh, .memoryMax, .pidsMax,
        .cpusetMems,
    ]
    let root: String
    let files: WatchedFolder
    var tree: ControlTree<WatchedFolder>
    private var processes: [FeatureID: ChildProcess] = [:]

    init(_ name: String) throws {
        root = try makeRoot(name)
        files = WatchedFolder(try CgroupFolder.open(root))
        tree = ControlTree(files)
    }

    deinit {
        for feature in files.folder.groups() { try? end(feature) }
        _ = files.folder.restore()
        rmdir(root)
    }

    /// Starts a process in a group, unless it has one.
    func start(_ feature: FeatureID) throws {
        if processes[feature] != nil { return }
        var request = SpawnRequest(program: "/bin/sleep", arguments: ["1000"])
        request.cgroup = try files.folder.descriptor(of: feature)
        processes[feature] = try ChildProcess.spawn(request)
    }

    /// Ends a group's process and waits until it is gone.
    func end(_ feature: FeatureID) throws {
        guard let process = processes.removeValue(forKey: feature) else { return }
        try files.folder.kill(feature)
        while try process.reap() == nil { usleep(1000) }
        while files.folder.isPopulated(feature) { usleep(1000) }
    }

    func make(_ name: String, _ cpus: CPUSet) throws -> FeatureID {
        let feature = try #require(FeatureID(name))
        let group = ControlGroup(
            cpus: cpus, exclusive: cpus, values: [ControlKey(.cpusetMems): "0"])
        let steps = Transition.steps(from: [:], to: [feature: group], usable: []).steps
        let outcomes = tree.perform(steps)
        try #require(outcomes.allSatisfy { $0.result == .done }, "\(outcomes)")
        return feature
    }

    func write(_ feature: FeatureID, _ key: ControlKey, _ value: String) -> [ControlOutcome] {
        tree.perform([.write(feature, key, value: value, was: tree.groups[feature]?[key] ?? "")])
    }
}

@Suite(.enabled(if: isTestbed, "needs a machine to try on"), .serialized)
struct KernelTransitionTests {
    @Test("the kernel's groups are valid after every write, with refusals and without")
    func kernelTransitions() throws {
        let kernel = try KernelTree("random")
        let keys = KernelTree.names.map { ControlKey($0) }
        var random = SeededGenerator(seed: 1)
        var from: [FeatureID: ControlGroup] = [:]
        var (steps, stuck, refused) = (0, 0, 0)
        for number in 0..<200 {
            let machine = RandomControlGroups(using: &random, pus: 8)
            let to = machine.groups(using: &random)
            for feature in from.keys where to[feature] == nil { try kernel.end(feature) }
            let transition = Transition.steps(
                from: from, to: to, usable: machine.usable, cores: machine.cores)
            let rules = TransitionRules(
                from: from, to: to, stuck: transition.stuck, cores: machine.cores)
            var breach: String?
            var present = kernel.files.present(keys)
            kernel.files.onChange = { changed in
                present = kernel.files.present(keys, after: present, changed: changed)
                breach =
                    breach ?? rules.breachOfCPUs(present, changed: changed)
                    ?? rules.breachOfSettings(present, changed: changed)
            }
            let before = present
            if number % 2 == 0, !transition.steps.isEmpty {
                let place = Int.random(in: 1...transition.steps.count, using: &random)
                kernel.files.begin(refused: place)
                let outcomes = kernel.tree.perform(transition.steps)
                try #require(breach == nil, "change \(number), refused at \(place): \(outcomes)")
                let after = kernel.files.present(keys)
                for (feature, group) in before {
                    try #require(after[feature]?.cpus == group.cpus, "change \(number)")
                    try #require(after[feature]?.values == group.values, "change \(number)")
                }
                refused += 1
            }
            kernel.files.begin(refused: nil)
            let outcomes = kernel.tree.perform(transition.steps)
            try #require(outcomes.allSatisfy { $0.result == .done }, "change \(number) \(outcomes)")
            try #require(breach == nil, "change \(number): \(transition)")
            steps += transition.steps.count
            stuck += transition.stuck.isEmpty ? 0 : 1
            from = to
            for name in transition.stuck { from[name] = kernel.tree.groups[name] }
            for name in from.keys { try kernel.start(name) }
            for (name, group) in from {
                #expect(kernel.files.folder.effectiveCPUs(of: name) == group.cpus)
            }
            let owned = from.mapValues { $0 }
            #expect(kernel.tree.drift(expected: owned) == [], "change \(number)")
        }
        print("kernel: 200 changes, \(steps) steps, \(refused) refused, \(stuck) stuck")
    }

    @Test("each kind of refusal is told with a remedy, and what came before it is undone")
    func kernelRefusals() throws {
        let kernel = try KernelTree("refusals")
        let a = try kernel.make("a", [0, 1])
        try kernel.start(a)
        let cases: [(ControlKey, String, [Int32])] = [
            (ControlKey(.cpusetCPUs), "0,7000", [22, 34]),
            (ControlKey(.cpusetCPUs), "", [28]),
            (ControlKey(.cpusetMems), "63", [22, 34]),
            (ControlKey(.ioMax, device: "250:99"), "rbps=max wbps=1 riops=max wiops=max", [19]),
            (ControlKey(.cpuWeight), "0", [22, 34]),
        ]
        for (key, value, errnos) in cases {
            let first = ControlStep.write(a, ControlKey(.pidsMax), value: "77", was: "max")
            let second = ControlStep.write(
                a, key, value: value, was: key.file == .cpusetCPUs ? "0-1" : key.file.standard)
            let outcomes = kernel.tree.perform([first, second])
            print("kernel: \(key) = \(value): \(outcomes[1].result) (\(outcomes[1].remedy))")
            #expect(outcomes[0].result == .rolledBack)
            guard case .refused(let errno) = outcomes[1].result else {
                Issue.record("\(key) = \(value) gave \(outcomes[1].result)")
                continue
            }
            #expect(errnos.contains(errno.code), "\(key) = \(value): \(errno)")
            #expect(!outcomes[1].remedy.isEmpty)
            #expect(try kernel.files.read(a, .pidsMax) == "max\n")
            #expect(kernel.files.folder.effectiveCPUs(of: a) == [0, 1])
        }
        #expect(kernel.tree.perform([.remove(a)]).map(\.result) == [.refused(Errno(16))])
        #expect(kernel.tree.perform([.make(a)]).map(\.result) == [.refused(.exists)])
        _ = kernel.write(a, ControlKey(.cpuIdle), "1")
        #expect(
            kernel.write(a, ControlKey(.cpuWeight), "50").map(\.result) == [.refused(.invalid)])
        try #require(seteuid(65534) == 0)
        let denied = kernel.write(a, ControlKey(.pidsMax), "5")
        try #require(seteuid(0) == 0)
        #expect(denied.map(\.result) == [.refused(.accessDenied)])
    }

    @Test("a partition is set once and resized, and an invalid one is given back")
    func kernelPartitions() throws {
        let kernel = try KernelTree("partition")
        let partition = ControlKey(.cpusetPartition)
        let a = try kernel.make("a", [2, 3])
        try kernel.start(a)
        let invalid = kernel.write(a, partition, "isolated")
        print("kernel: partition in a member: \(invalid)")
        guard case .different(let text)? = invalid.first?.result else {
            Issue.record("\(invalid)")
            return
        }
        #expect(text.contains("invalid"))
        #expect(try kernel.files.read(a, .cpusetPartition) == "member\n")
        #expect(try kernel.files.folder.setRoot(.cpusetCPUs, "0-6") == "0-6")
        let rootKind = try kernel.files.folder.setRoot(.cpusetPartition, "root")
        print("kernel: the root's partition: \(rootKind)")
        #expect(rootKind == "root")
        #expect(kernel.write(a, partition, "member").map(\.result) == [.done])
        #expect(kernel.write(a, partition, "isolated").map(\.result) == [.done])
        #expect(kernel.write(a, ControlKey(.cpusetCPUs), "2-4").map(\.result) == [.done])
        #expect(try kernel.files.read(a, .cpusetPartition) == "isolated\n")
        #expect(kernel.files.folder.effectiveCPUs(of: a) == [2, 3, 4])
        #expect(kernel.write(a, ControlKey(.cpusetCPUs), "2").map(\.result) == [.done])
        #expect(try kernel.files.read(a, .cpusetPartition) == "isolated\n")
        try kernel.end(a)
        #expect(kernel.files.folder.restore() == [])
    }

    @Test("the root is given back byte for byte, its processes too")
    func kernelRoot() throws {
        let root = try makeRoot("root")
        defer { rmdir(root) }
        let files = [
            "cgroup.subtree_control", "cpuset.cpus", "cpuset.cpus.partition", "cpu.weight",
        ]
        let texts = { files.map { ProcessFiles.text("\(root)/\($0)") } }
        let before = texts()
        var request = SpawnRequest(program: "/bin/sleep", arguments: ["1000"])
        request.cgroup = try FileDescriptor.open(root, O_RDONLY | O_DIRECTORY)
        let sleeper = try ChildProcess.spawn(request)
        let folder = try CgroupFolder.open(root)
        print("kernel: controllers \(folder.controllers.sorted()), failures \(folder.failures)")
        print("kernel: missing files \(ControlFile.allCases.filter { !folder.hasFile($0) })")
        #expect(ProcessFiles.text("\(root)/.home/cgroup.procs") == "\(sleeper.pid)\n")
        #expect(folder.controllers.isSuperset(of: ["cpuset", "cpu", "io", "memory", "pids"]))
        let a = try #require(FeatureID("a"))
        try folder.make(a)
        #expect(mkdir("\(folder.path(of: a))/own", 0o755) == 0)
        #expect(try folder.identity(of: a) > 1)
        #expect(!folder.isPopulated(a))
        _ = try folder.setRoot(.cpusetCPUs, "0-3")
        // A later process knows what this one remembered.
        let later = try CgroupFolder.open(root, before: folder.before)
        #expect(later.groups() == [a])
        // A set of CPUs cannot be made empty under a process: it gets all for the time being.
        let refused = later.restore()
        #expect(refused.map(\.errno) == [.noSpace])
        #expect(ProcessFiles.text("\(root)/cpuset.cpus") == "0-7\n")
        #expect(ProcessFiles.text("\(root)/cgroup.subtree_control") == "")
        #expect(ProcessFiles.text("\(root)/cgroup.procs") == "\(sleeper.pid)\n")
        #expect(CgroupFolder.processes(in: root) == [sleeper.pid])
        try sleeper.signal(SIGKILL)
        while try sleeper.reap() == nil { usleep(1000) }
        while ProcessFiles.text("\(root)/cgroup.events")?.contains("populated 1") == true {
            usleep(1000)
        }
        #expect(later.restore() == [])
        #expect(texts() == before)
    }

    @Test("a group is frozen, counted, watched for others' writes and killed")
    func kernelGroup() throws {
        let kernel = try KernelTree("group")
        let a = try kernel.make("a", [1])
        try kernel.start(a)
        let folder = kernel.files.folder
        #expect(folder.isPopulated(a))
        #expect(folder.processes(of: a).count == 1)
        try folder.freeze(a, true)
        try folder.freeze(a, false)
        let reading = folder.reading(of: a)
        print("kernel: \(reading)")
        #expect(reading.tasks == 1)
        #expect(reading.memoryBytes ?? 0 > 0)
        #expect(reading.cpu != nil && reading.memoryEvents != nil && reading.traffic != nil)
        #expect(reading.pressure.count == 3)
        var expected = kernel.tree.groups
        #expect(kernel.tree.drift(expected: expected) == [])
        try folder.write(a, .cpusetCPUs, "1-2")
        let drift = kernel.tree.drift(expected: expected)
        #expect(drift == [ControlDrift(feature: a, key: ControlKey(.cpusetCPUs), has: "1-2")])
        let mend = Transition.steps(from: kernel.tree.groups, to: expected, usable: [])
        #expect(kernel.tree.perform(mend.steps).map(\.result) == [.done])
        #expect(folder.effectiveCPUs(of: a) == [1])
        expected[a]?.values[ControlKey(.memoryMax)] = "\(64 << 20)"
        let mends = Transition.steps(from: kernel.tree.groups, to: expected, usable: [])
        #expect(kernel.tree.perform(mends.steps).map(\.result) == [.done])
        let adopted = try kernel.tree.adopt(
            a, [ControlKey(.cpusetCPUs), ControlKey(.memoryMax), ControlKey(.cpusetMems)])
        #expect(adopted.cpus == [1])
        #expect(Transition.steps(from: [a: adopted], to: expected, usable: []).steps.isEmpty)
        try kernel.end(a)
        #expect(!folder.isPopulated(a))
    }
}
