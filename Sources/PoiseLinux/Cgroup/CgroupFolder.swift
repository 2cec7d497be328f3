import Glibc
package import PoiseModel

/// The kernel's control tree below one cgroup that was delegated to us (cgroup v2), or for tests a
/// folder of plain files that looks like it.
///
/// Of the root itself only `cgroup.subtree_control` is written, what `setRoot` is asked for, and
/// its processes are moved to a group `.home` below it, because a cgroup that is divided may have
/// none. `restore` gives all of it back.
package final class CgroupFolder: ControlFiles {
    /// What the root was like before, so that also a later process can give it back.
    package struct Before: Equatable, Sendable {
        /// The whole texts of the root's files that were written.
        package var texts: [String: String]
        /// Whether `.home` was made by us.
        package var madeHome: Bool

        package init(texts: [String: String] = [:], madeHome: Bool = false) {
            self.texts = texts
            self.madeHome = madeHome
        }
    }

    /// Whose rules the files follow.
    package enum Nature: Sendable {
        case kernel
        /// Plain files, made when they are written.
        case imitation
    }

    package let root: String
    package let nature: Nature
    package internal(set) var before: Before
    /// Those of `used` that the groups have.
    package internal(set) var controllers: Set<String> = []
    /// Why the others are not there.
    package internal(set) var failures: [String: SystemError] = [:]
    /// So many writes that come next are refused with EIO, for tests.
    package var refusesNext = 0
    private var files: Set<ControlFile> = []
    private var opened: [FeatureID: [ControlFile: FileDescriptor]] = [:]

    /// The controllers that Poise divides by.
    package static let used = ["cpuset", "cpu", "io", "memory", "pids", "hugetlb"]
    static let home = ".home"
    private static let probe = ".probe"

    private init(_ root: String, _ nature: Nature, _ before: Before) {
        self.root = root
        self.nature = nature
        self.before = before
    }

    /// Prepares `root` to be divided: moves its processes to `.home` and enables the controllers,
    /// each by itself, so that one that is refused does not cost the others.
    ///
    /// `before` is what an earlier process remembered of the root; what it has in it is not taken
    /// from the root again.
    package static func open(
        _ root: String, nature: Nature = .kernel, before: Before = Before()
    ) throws(SystemError) -> CgroupFolder {
        let folder = CgroupFolder(root, nature, before)
        if nature == .kernel { try folder.checkKind() }
        try folder.moveHome()
        folder.enableControllers()
        folder.findFiles()
        return folder
    }

    /// Whether the groups have the file; a kernel without it, or a controller that is not there,
    /// does not.
    package func hasFile(_ file: ControlFile) -> Bool { files.contains(file) }

    /// The folder of a feature's group.
    package func path(of feature: FeatureID) -> String { "\(root)/\(feature.name)" }

    private func checkKind() throws(SystemError) {
        var facts = stat()
        _ = try systemCall("stat", on: root) { stat(root, &facts) }
        let mounts = ProcessFiles.text("/proc/self/mountinfo") ?? ""
        guard MountFormat.kind(ofDevice: UInt64(facts.st_dev), in: mounts) == "cgroup2" else {
            throw SystemError(
                "stat", on: root, .invalid,
                advice: "it is not in a file system of cgroup v2; boot with "
                    + "systemd.unified_cgroup_hierarchy=1, or use --backend affinity")
        }
    }

    private func enableControllers() {
        let offered = words("cgroup.controllers")
        let enabled = words("cgroup.subtree_control")
        for controller in Self.used {
            if enabled.contains(controller) {
                controllers.insert(controller)
            } else if nature == .imitation || offered.contains(controller) {
                do throws(SystemError) {
                    try setSubtreeControl("+\(controller)")
                    controllers.insert(controller)
                } catch {
                    failures[controller] = error
                }
            } else {
                failures[controller] = SystemError(
                    "open", on: "controller \(controller) of \(root)", Errno(95),
                    advice: "the kernel lacks it, or the parent does not delegate it: "
                        + "see cgroup.controllers there, and Delegate= of the unit")
            }
        }
    }

    /// Writes the root's `cgroup.subtree_control`; in an imitation, what the kernel would have in
    /// it.
    func setSubtreeControl(_ change: String) throws(SystemError) {
        let file = "cgroup.subtree_control"
        let text = try CgroupText.read("\(root)/\(file)", orEmptyIn: nature)
        if before.texts[file] == nil { before.texts[file] = text }
        guard nature == .imitation else {
            try CgroupText.write("\(root)/\(file)", change, nature)
            return
        }
        var all = text.split { $0 == " " || $0 == "\n" }.map(String.init)
        all.removeAll { $0 == change.dropFirst() }
        if change.hasPrefix("+") { all.append(String(change.dropFirst())) }
        let sorted = Self.used.filter(all.contains)
        try CgroupText.write("\(root)/\(file)", sorted.joined(separator: " "), nature)
    }

    private func words(_ file: String) -> [String] {
        (ProcessFiles.text("\(root)/\(file)") ?? "")
            .split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    /// Makes a group for a moment to see which files are in it.
    private func findFiles() {
        files = Set(ControlFile.allCases.filter { controllers.contains($0.controller) })
        if nature == .imitation { return }
        let path = "\(root)/\(Self.probe)"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { return }
        files = files.filter { access("\(path)/\($0.rawValue)", F_OK) == 0 }
        rmdir(path)
    }

    /// Gives a file of the root a value and reads it back: `cpuset.cpus` and
    /// `cpuset.cpus.partition`, where a feature is to be a partition. The first time, what was
    /// there is remembered.
    package func setRoot(_ file: ControlFile, _ value: String) throws(SystemError) -> String {
        let path = "\(root)/\(file.rawValue)"
        let text = try CgroupText.read(path, orEmptyIn: nature)
        if ControlText.value(of: ControlKey(file), in: text) != value {
            if before.texts[file.rawValue] == nil { before.texts[file.rawValue] = text }
            try CgroupText.write(path, value, nature)
        }
        return ControlText.value(
            of: ControlKey(file), in: try CgroupText.read(path, orEmptyIn: nature))
    }
}

// The groups of the features.
extension CgroupFolder {
    package func make(_ feature: FeatureID) throws(SystemError) {
        opened[feature] = nil
        _ = try systemCall("mkdir", on: path(of: feature)) { mkdir(path(of: feature), 0o755) }
        // For want of memory all of it ends or nothing: half a feature serves nobody.
        let whole = "\(path(of: feature))/memory.oom.group"
        guard nature == .kernel, access(whole, W_OK) == 0 else { return }
        try CgroupText.write(whole, "1", nature)
    }

    /// Has the kernel take so much memory back from a group before this returns
    /// (`memory.reclaim`); false when there was less to take. ENOENT before Linux 5.19.
    package func reclaim(_ bytes: Int, from feature: FeatureID) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try CgroupText.write("\(path(of: feature))/memory.reclaim", "\(bytes)", nature)
            return true
        } catch {
            guard error.errno == Errno(EAGAIN) else { throw error }
            return false
        }
    }

    package func remove(_ feature: FeatureID) throws(SystemError) {
        opened[feature] = nil
        try CgroupText.removeFolder(path(of: feature), nature)
    }

    package func write(
        _ feature: FeatureID, _ file: ControlFile, _ text: String
    ) throws(SystemError) {
        if refusesNext > 0 {
            refusesNext -= 1
            throw SystemError("write", on: "\(path(of: feature))/\(file.rawValue)", Errno(EIO))
        }
        guard nature == .kernel else {
            return try CgroupText.write("\(path(of: feature))/\(file.rawValue)", text, nature)
        }
        let bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
        try withFile(feature, file) { (descriptor) throws(SystemError) in
            try descriptor.writeWhole(bytes)
        }
    }

    package func read(_ feature: FeatureID, _ file: ControlFile) throws(SystemError) -> String {
        try withFile(feature, file) { (descriptor) throws(SystemError) in
            String(decoding: try descriptor.readWhole(), as: UTF8.self)
        }
    }

    /// Control files stay open: opening one costs as much as writing it.
    private func withFile<Value>(
        _ feature: FeatureID, _ file: ControlFile,
        _ body: (FileDescriptor) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        if let descriptor = opened[feature]?[file] {
            do throws(SystemError) {
                return try body(descriptor)
            } catch {
                // The group was removed; there may be another of its name.
                guard error.errno == Errno(ENODEV), file != .ioMax else { throw error }
                opened[feature] = nil
            }
        }
        let descriptor = try FileDescriptor.open(
            "\(path(of: feature))/\(file.rawValue)", nature == .kernel ? O_RDWR : O_RDONLY)
        if nature == .kernel { opened[feature, default: [:]][file] = descriptor }
        return try body(descriptor)
    }
}

/// Files and folders of a control tree by their paths.
enum CgroupText {
    /// The whole text; of a missing file in an imitation, the empty one.
    static func read(
        _ path: String, orEmptyIn nature: CgroupFolder.Nature
    ) throws(SystemError) -> String {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY)
            var all: [UInt8] = []
            while case .bytes(let bytes) = try file.read(atMost: 16384) { all += bytes }
            return String(decoding: all, as: UTF8.self)
        } catch {
            if nature == .imitation, error.errno == .noSuchFile { return "" }
            throw error
        }
    }

    /// Writes the text with a newline in one call: an empty one must reach the kernel too.
    static func write(
        _ path: String, _ text: String, _ nature: CgroupFolder.Nature
    ) throws(SystemError) {
        let flags = nature == .kernel ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC
        let file = try FileDescriptor.open(path, flags, mode: 0o644)
        try file.writeAll(Array(text.utf8) + [UInt8(ascii: "\n")])
    }

    /// The names of the groups in a group, in order.
    static func folders(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let isFolder = entry.pointee.d_type == UInt8(DT_DIR)
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isFolder, name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a group and the groups below it, the lowest first.
    static func removeFolder(
        _ path: String, _ nature: CgroupFolder.Nature
    ) throws(SystemError) {
        for name in folders(in: path) { try removeFolder("\(path)/\(name)", nature) }
        if nature == .imitation {
            for file in ControlFile.allCases { unlink("\(path)/\(file.rawValue)") }
        }
        _ = try systemCall("rmdir", on: path) { rmdir(path) }
    }
}
