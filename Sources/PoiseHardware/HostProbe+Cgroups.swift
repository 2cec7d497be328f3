import CXattr
import Glibc
import PoiseModel

// The control groups of this host.
extension HostCapabilities {
    mutating func readCgroups(_ root: String, _ choice: SubtreeChoice) {
        guard let table = Files.text("\(root)/proc/self/mountinfo") else { return }
        let mounts = table.split(separator: "\n").compactMap(Mount.init)
        let first = mounts.filter { $0.type == "cgroup" }
        let hierarchies = HostCapabilities.legacyControllerNames
        legacyControllers = Array(
            Set(first.flatMap(\.options).filter(hierarchies.contains))
        ).sorted()
        guard let mount = mounts.first(where: { $0.type == "cgroup2" }) else {
            cgroups = first.isEmpty ? .absent : .legacy
            return
        }
        cgroups = first.isEmpty ? .unified : .hybrid
        cgroupMount = mount.folder
        kernelControllers = words("\(root)\(mount.folder)/cgroup.controllers")
        cgroupFolder = ownFolder(root, mount.folder)
        subtree = chosen(choice, root, mount.folder)
        readSubtree(root, mount.folder)
        readHeldCPUs(root, mount.folder)
    }

    /// Words among the mount options of version 1 that are controllers.
    private static let legacyControllerNames: Set = [
        "cpuset", "cpu", "cpuacct", "blkio", "memory", "devices", "freezer", "net_cls",
        "perf_event", "net_prio", "hugetlb", "pids", "rdma", "misc",
    ]

    private func ownFolder(_ root: String, _ mount: String) -> String? {
        guard let own = Files.text("\(root)/proc/self/cgroup"),
            let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return nil }
        let path = line.dropFirst(4)
        let folder = path.isEmpty ? mount : "\(mount)/\(path)"
        // In a container the path may be that of another namespace.
        return Files.isFolder(root + folder) ? folder : nil
    }

    private func chosen(
        _ choice: SubtreeChoice, _ root: String, _ mount: String
    ) -> ControlSubtree? {
        let own = cgroupFolder.map { ControlSubtree(folder: $0, origin: .own) }
        switch choice {
        case .own: return own
        case .folder(let path): return ControlSubtree(folder: path, origin: .named)
        case .unitOrOwn:
            let folder = "\(mount)/poise.slice/poise-features.service"
            return Files.isFolder(root + folder)
                ? ControlSubtree(folder: folder, origin: .unit) : own
        }
    }

    private mutating func readSubtree(_ root: String, _ mount: String) {
        guard var found = subtree else { return }
        let folder = root + found.folder
        found.files = Files.names(in: folder).map(Set.init)
        guard let files = found.files else {
            isDelegated = false
            subtree = found
            return
        }
        controllers = words("\(folder)/cgroup.controllers")?.sorted()
        for place in HostCapabilities.folders(above: found.folder, from: mount) {
            guard let handed = words("\(root)\(place)/cgroup.subtree_control") else { continue }
            for name in kernelControllers ?? [] where !handed.contains(name) {
                found.gaps[name, default: []].append(place)
            }
        }
        if let text = Files.text("\(folder)/cgroup.pressure") {
            found.measuresPressure = text == "1"
        } else if found.folder != mount, files.contains("cgroup.events") {
            found.measuresPressure = files.contains("cpu.pressure")
        }
        isDelegated = delegated(found, root, mount)
        subtree = found
    }

    /// The folders on the way from the mount to the parent of `folder`.
    private static func folders(above folder: String, from mount: String) -> [String] {
        guard folder.hasPrefix(mount + "/") else { return [] }
        var place = mount
        var places: [String] = []
        for part in folder.dropFirst(mount.count).split(separator: "/") {
            places.append(place)
            place += "/\(part)"
        }
        return places
    }

    /// Root may write everywhere, also where systemd will undo it: there the mark counts that
    /// systemd gives to what it leaves alone, and to all below.
    private func delegated(_ found: ControlSubtree, _ root: String, _ mount: String) -> Bool {
        let mayWrite = ["cgroup.procs", "cgroup.subtree_control"].allSatisfy {
            Files.isWritable("\(root)\(found.folder)/\($0)")
        }
        guard hasSystemd == true else { return mayWrite }
        if found.origin != .unit {
            guard mayWrite else { return false }
            // Systemd does not touch folders that it has no unit for.
            if isRoot != true || (found.unit == nil && found.folder != mount) { return true }
        }
        let above = HostCapabilities.folders(above: found.folder, from: mount).dropFirst()
        return (above + [found.folder]).contains { isMarked(root + $0) }
    }

    /// Whether systemd calls a cgroup delegated (`getxattr(2)`; the first since 251, the second is
    /// shown to CAP_SYS_ADMIN only).
    private func isMarked(_ folder: String) -> Bool {
        ["user.delegate", "trusted.delegate"].contains { name in
            var value: UInt8 = 0
            return getxattr(folder, name, &value, 1) == 1 && value == UInt8(ascii: "1")
        }
    }

    private mutating func readHeldCPUs(_ root: String, _ mount: String) {
        for name in Files.names(in: root + mount) ?? [] where name != "poise.slice" {
            let folder = "\(mount)/\(name)"
            let isOurs = subtree.map { ($0.folder + "/").hasPrefix(folder + "/") } ?? false
            guard !isOurs, let text = Files.text("\(root)\(folder)/cpuset.cpus"),
                let cpus = CPUSet(text), !cpus.isEmpty
            else { continue }
            heldCPUs[folder] = cpus
        }
    }

    private func words(_ path: String) -> [String]? {
        Files.text(path).map { $0.split(separator: " ").map(String.init) }
    }
}

/// A line of `/proc/self/mountinfo` (`proc(5)`).
private struct Mount {
    var folder: String
    var type: String
    /// Of the whole file system: for version 1 the controllers are among them.
    var options: [String]

    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
        else { return nil }
        folder = Mount.unescaped(fields[4])
        type = String(fields[dash + 1])
        options = fields.last.map { $0.split(separator: ",").map(String.init) } ?? []
    }

    /// Blanks and backslashes are written as `\040` and the like.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
