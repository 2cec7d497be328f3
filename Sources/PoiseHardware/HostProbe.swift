import Glibc
package import PoiseModel

/// Which cgroup is looked at as the one below which features get theirs.
package enum SubtreeChoice: Sendable, Equatable {
    /// That of the process that looks: what a poised without `--cgroup` has.
    case own
    /// The folder that `--cgroup` names.
    case folder(String)
    /// That of the unit `poise-features.service` where it is at work, else the process's own: what
    /// the poised of this machine has.
    case unitOrOwn
}

extension HostCapabilities {
    /// Reads what this host lets Poise do; writes nothing.
    ///
    /// `root` is read in place of `/`, so that a test can lay out a host in a folder.
    package static func probe(
        root: String = "/", subtree: SubtreeChoice = .own
    ) -> HostCapabilities {
        let root = root.hasSuffix("/") ? String(root.dropLast()) : root
        var host = HostCapabilities()
        host.kernelRelease = Files.text("\(root)/proc/sys/kernel/osrelease")
        host.readPermissions(root)
        host.readKernel(root)
        if Files.isFolder("\(root)/proc") {
            host.hasSystemd = Files.isFolder("\(root)/run/systemd/system")
        }
        host.readCgroups(root, subtree)
        host.readPressure(root)
        host.readSystemd(root)
        host.readProcessors(root)
        host.readAccounts(root)
        host.readConfinement(root)
        host.readMemory(root)
        host.readBlockDevices(root)
        host.readNeighbours(root)
        return host
    }

    private mutating func readPressure(_ root: String) {
        if let names = Files.names(in: "\(root)/proc/pressure") {
            pressure = ["cpu", "io", "memory"].filter { name in
                names.contains(name) && Files.text("\(root)/proc/pressure/\(name)") != nil
            }
        } else if Files.isFolder("\(root)/proc/self") {
            pressure = []
        }
        let options = Files.text("\(root)/boot/config-\(kernelRelease ?? "")") ?? ""
        let lines = options.split(separator: "\n")
        if lines.contains("CONFIG_PSI=y") { isPressureBuilt = true }
        if lines.contains("# CONFIG_PSI is not set") { isPressureBuilt = false }
    }

    private mutating func readPermissions(_ root: String) {
        let status = Files.text("\(root)/proc/self/status") ?? ""
        for line in status.split(separator: "\n") {
            let words = line.split { $0 == "\t" || $0 == " " }
            switch words.first {
            // CAP_SYS_NICE is 23 in linux/capability.h.
            case "CapEff:" where words.count == 2:
                hasSysNice = UInt64(words[1], radix: 16).map { $0 & (1 << 23) != 0 }
            // Real, effective, saved, of the file system.
            case "Uid:" where words.count == 5: isRoot = words[2] == "0"
            default: break
            }
        }
        let limits = Files.text("\(root)/proc/self/limits") ?? ""
        for line in limits.split(separator: "\n") {
            if let limit = HostCapabilities.softLimit("Max nice priority", in: line) {
                // The limit counts down from nice 20: up to 20 it allows no value below 0, 40 all.
                lowestNice = min(0, 20 - min(limit, 40))
            }
            if let limit = HostCapabilities.softLimit("Max realtime priority", in: line) {
                highestRealtimePriority = min(limit, 99)
            }
            openFiles = HostCapabilities.softLimit("Max open files", in: line) ?? openFiles
            lockedBytes = HostCapabilities.softLimit("Max locked memory", in: line) ?? lockedBytes
        }
    }

    private static func softLimit(_ name: String, in line: Substring) -> Int? {
        guard line.hasPrefix(name),
            let soft = line.dropFirst(name.count).split(separator: " ").first
        else { return nil }
        return soft == "unlimited" ? .max : Int(soft)
    }
}
