import Glibc
package import PoiseModel

// What was in the root before, and how it comes back there.
extension CgroupFolder {
    /// How often processes that are started meanwhile are followed.
    private static let mostRounds = 100

    /// Moves the processes of the root to `.home`. The topmost cgroup is exempt from the rule.
    func moveHome() throws(SystemError) {
        let home = "\(root)/\(Self.home)"
        if !before.madeHome, access(home, F_OK) == 0 {
            // Of an earlier process that left no word: a cgroup that had processes had nothing
            // enabled for groups below it.
            before.madeHome = true
            before.texts["cgroup.subtree_control"] = before.texts["cgroup.subtree_control"] ?? ""
        }
        let isTop = nature == .kernel && access("\(root)/cgroup.type", F_OK) != 0
        if isTop || Self.processes(in: root).isEmpty { return }
        if mkdir(home, 0o755) == 0 {
            before.madeHome = true
        } else if errno != EEXIST {
            throw SystemError(
                "mkdir", on: home, Errno(errno),
                advice: "the cgroup is not delegated to poised: set Delegate=yes in its unit")
        }
        try move(from: root, to: home)
    }

    private func move(from: String, to: String) throws(SystemError) {
        for _ in 0..<Self.mostRounds {
            let processes = Self.processes(in: from)
            if processes.isEmpty { return }
            for process in processes {
                do throws(SystemError) {
                    try CgroupText.write("\(to)/cgroup.procs", "\(process)", nature)
                } catch {
                    // It has ended, or is about to.
                    if error.errno != .noSuchProcess { throw error }
                }
            }
            if nature == .imitation { try CgroupText.write("\(from)/cgroup.procs", "", nature) }
        }
        throw SystemError(
            "write", on: "\(to)/cgroup.procs", Errno(16),
            advice: "processes are started in \(from) faster than they can be moved")
    }

    /// Gives the root back as it was found: removes the groups that are empty, takes back the
    /// controllers and files that were set, and moves the processes of `.home` back. Gives what was
    /// refused.
    package func restore() -> [SystemError] {
        var refused: [SystemError] = []
        func attempt(_ work: () throws(SystemError) -> Void) {
            do throws(SystemError) { try work() } catch { refused.append(error) }
        }
        for feature in groups() where !isPopulated(feature) {
            attempt { () throws(SystemError) in try remove(feature) }
        }
        for file in [ControlFile.cpusetPartition, .cpusetCPUs] {
            guard let text = before.texts[file.rawValue] else { continue }
            attempt { () throws(SystemError) in try giveBack(file.rawValue, text) }
        }
        attempt { () throws(SystemError) in try restoreControllers() }
        if before.madeHome { attempt { () throws(SystemError) in try leaveHome() } }
        return refused
    }

    private func leaveHome() throws(SystemError) {
        let home = "\(root)/\(Self.home)"
        try move(from: home, to: root)
        if nature == .imitation { unlink("\(home)/cgroup.procs") }
        try CgroupText.removeFolder(home, nature)
        before.madeHome = false
    }

    private func giveBack(_ file: String, _ text: String) throws(SystemError) {
        let path = "\(root)/\(file)"
        let line = text.last == "\n" ? String(text.dropLast()) : text
        do throws(SystemError) {
            if try CgroupText.read(path, orEmptyIn: nature) != text {
                try CgroupText.write(path, line, nature)
            }
            before.texts[file] = nil
        } catch {
            guard file == ControlFile.cpusetCPUs.rawValue, error.errno == .noSpace else {
                throw error
            }
            // The kernel empties no set of CPUs under a process. All of the parent's are the same.
            let all = try CgroupText.read("\(root)/../cpuset.cpus.effective", orEmptyIn: nature)
            try CgroupText.write(path, String(all.prefix { $0 != "\n" }), nature)
            throw SystemError(
                "write", on: path, .noSpace,
                advice: "it has all CPUs now; it can be made empty as it was once no process is in "
                    + root)
        }
    }

    private func restoreControllers() throws(SystemError) {
        let file = "cgroup.subtree_control"
        guard let text = before.texts[file] else { return }
        let had = text.split { $0 == " " || $0 == "\n" }.map(String.init)
        for controller in Self.used.reversed()
        where controllers.contains(controller) && !had.contains(controller) {
            try setSubtreeControl("-\(controller)")
            controllers.remove(controller)
        }
        before.texts[file] = nil
    }
}

// Who is in a group.
extension CgroupFolder {
    /// The features that have a group, in order.
    package func groups() -> [FeatureID] {
        CgroupText.folders(in: root).compactMap(FeatureID.init).sorted()
    }

    /// Moves a process with all of its threads into a feature's group (`cgroup.procs`).
    package func move(_ process: ProcessID, to feature: FeatureID) throws(SystemError) {
        try CgroupText.write("\(path(of: feature))/cgroup.procs", "\(process)", nature)
    }

    /// The feature in whose group, or below it, a process is; nil when it is in none
    /// (`/proc/PID/cgroup`).
    package func feature(of process: ProcessID) -> FeatureID? {
        let lines = (ProcessFiles.text("/proc/\(process)/cgroup") ?? "").split(separator: "\n")
        guard let own = lines.first(where: { $0.hasPrefix("0::/") })?.dropFirst(3) else {
            return nil
        }
        // The path counts from the mount, which `root` begins with.
        let parts = own.split(separator: "/").map(String.init)
        for count in parts.indices.dropFirst().reversed() {
            let above = "/" + parts[..<count].joined(separator: "/")
            guard root.hasSuffix(above), let feature = FeatureID(parts[count]) else { continue }
            return feature
        }
        return nil
    }

    /// The processes in a feature's group and in the groups below it, in order
    /// (`cgroup.procs`); processes that this reader cannot see are left out.
    package func processes(of feature: FeatureID) -> [ProcessID] {
        var found: [ProcessID] = []
        var folders = [path(of: feature)]
        while let next = folders.popLast() {
            found += Self.processes(in: next)
            folders += CgroupText.folders(in: next).map { "\(next)/\($0)" }
        }
        return found.sorted()
    }

    /// The processes in one group, by its folder.
    package static func processes(in folder: String) -> [ProcessID] {
        (ProcessFiles.text("\(folder)/cgroup.procs") ?? "").split(separator: "\n")
            .compactMap { ProcessID($0) }.filter { $0 > 0 }
    }

    /// Whether a process is in the group or below (`cgroup.events`); false when it is gone.
    package func isPopulated(_ feature: FeatureID) -> Bool {
        guard let text = ProcessFiles.text("\(path(of: feature))/cgroup.events") else {
            return !processes(of: feature).isEmpty
        }
        return CounterFormat.parse(text)["populated"] != 0
    }

    /// Kills all processes of the group at once (`cgroup.kill`); before Linux 5.14, one after the
    /// other until none is left.
    package func kill(_ feature: FeatureID) throws(SystemError) {
        do throws(SystemError) {
            try CgroupText.write("\(path(of: feature))/cgroup.kill", "1", .kernel)
        } catch {
            guard error.errno == .noSuchFile else { throw error }
            for _ in 0..<Self.mostRounds {
                let processes = processes(of: feature)
                if processes.isEmpty { return }
                for process in processes { _ = Glibc.kill(process, SIGKILL) }
            }
        }
    }

    /// Stops or continues all processes of the group (`cgroup.freeze`).
    package func freeze(_ feature: FeatureID, _ isFrozen: Bool) throws(SystemError) {
        try CgroupText.write(
            "\(path(of: feature))/cgroup.freeze", isFrozen ? "1" : "0", nature)
    }

    /// The group's number, which no later group of its name has (the inode number).
    package func identity(of feature: FeatureID) throws(SystemError) -> UInt64 {
        var facts = stat()
        _ = try systemCall("stat", on: path(of: feature)) { stat(path(of: feature), &facts) }
        return UInt64(facts.st_ino)
    }

    /// A descriptor of the group's folder, for a process to be born in it (`SpawnRequest.cgroup`).
    package func descriptor(of feature: FeatureID) throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open(path(of: feature), O_RDONLY | O_DIRECTORY)
    }

    /// The CPUs that the group's threads really may use: of those asked for, the ones that are
    /// online and that the root has (`cpuset.cpus.effective`); nil when it cannot be read.
    package func effectiveCPUs(of feature: FeatureID) -> CPUSet? {
        ProcessFiles.text("\(path(of: feature))/cpuset.cpus.effective").flatMap { CPUSet($0) }
    }
}
