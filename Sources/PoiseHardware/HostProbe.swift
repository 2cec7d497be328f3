import Glibc
package import PoiseModel

extension HostCapabilities {
    /// Reads what this host lets Poise do; writes nothing.
    ///
    /// `root` is read in place of `/`, so that a test can lay out a host in a folder.
    package static func probe(root: String = "/") -> HostCapabilities {
        let root = root.hasSuffix("/") ? String(root.dropLast()) : root
        var host = HostCapabilities()
        host.kernelRelease = Files.text("\(root)/proc/sys/kernel/osrelease")
        host.readCgroups(root)
        if let names = Files.names(in: "\(root)/proc/pressure") {
            host.pressure = ["cpu", "io", "memory"].filter { name in
                names.contains(name) && Files.text("\(root)/proc/pressure/\(name)") != nil
            }
        } else if Files.isFolder("\(root)/proc/self") {
            host.pressure = []
        }
        host.smt = Files.text("\(root)/sys/devices/system/cpu/smt/control").flatMap(SMT.init)
        host.readPermissions(root)
        if Files.isFolder("\(root)/proc") {
            host.hasSystemd = Files.isFolder("\(root)/run/systemd/system")
        }
        return host
    }

    private mutating func readCgroups(_ root: String) {
        guard let table = Files.text("\(root)/proc/self/mountinfo") else { return }
        let mounts = table.split(separator: "\n").compactMap(Mount.init)
        let hasOne = mounts.contains { $0.type == "cgroup" }
        guard let mount = mounts.first(where: { $0.type == "cgroup2" }) else {
            cgroups = hasOne ? .legacy : .absent
            return
        }
        cgroups = hasOne ? .hybrid : .unified
        cgroupMount = mount.folder
        guard let own = Files.text("\(root)/proc/self/cgroup"),
            let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return }
        let path = line.dropFirst(4)
        let folder = path.isEmpty ? mount.folder : "\(mount.folder)/\(path)"
        // In a container the path may be that of another namespace.
        guard Files.isFolder(root + folder) else { return }
        cgroupFolder = folder
        isDelegated = ["cgroup.procs", "cgroup.subtree_control"].allSatisfy {
            Files.isWritable("\(root)\(folder)/\($0)")
        }
        controllers = Files.text("\(root)\(folder)/cgroup.controllers").map { text in
            text.split(separator: " ").map(String.init).sorted()
        }
    }

    private mutating func readPermissions(_ root: String) {
        let status = Files.text("\(root)/proc/self/status") ?? ""
        for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
            let digits = line.dropFirst(7).filter { $0 != "\t" && $0 != " " }
            // CAP_SYS_NICE is 23 in linux/capability.h.
            hasSysNice = UInt64(digits, radix: 16).map { $0 & (1 << 23) != 0 }
        }
        let limits = Files.text("\(root)/proc/self/limits") ?? ""
        for line in limits.split(separator: "\n") {
            if let limit = HostCapabilities.softLimit("Max nice priority", in: line) {
                // The limit counts down from nice 20: up to 20 it allows no value below 0, 40 all.
                lowestNice = min(0, max(20 - limit, -20))
            }
            if let limit = HostCapabilities.softLimit("Max realtime priority", in: line) {
                highestRealtimePriority = min(limit, 99)
            }
        }
    }

    private static func softLimit(_ name: String, in line: Substring) -> Int? {
        guard line.hasPrefix(name),
            let soft = line.dropFirst(name.count).split(separator: " ").first
        else { return nil }
        return soft == "unlimited" ? 99 : Int(soft)
    }
}

/// A line of `/proc/self/mountinfo` (`proc(5)`).
private struct Mount {
    var folder: String
    var type: String

    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
        else { return nil }
        folder = Mount.unescaped(fields[4])
        type = String(fields[dash + 1])
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
