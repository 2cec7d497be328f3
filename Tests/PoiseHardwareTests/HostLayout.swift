import Glibc
import PoiseHardware
import PoiseModel
import PoiseTestSupport

/// A host laid out in a folder, on which nothing is missing; a test breaks one thing.
final class HostLayout {
    let root: String
    static let mount = "/sys/fs/cgroup"
    static let slice = mount + "/user.slice/user-1000.slice"
    static let manager = slice + "/user@1000.service"
    static let own = manager + "/app.slice/poised.service"
    private static let above = [
        mount, mount + "/user.slice", slice, manager, manager + "/app.slice",
    ]

    init() {
        var template = Array((Repository.temporary + "/poise-host-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp: \(errno)") }
        root = String(cString: made)
        layKernel()
        layCgroups()
        layMachine()
        laySystem()
    }

    deinit { _ = run("rm", "-rf", root) }

    func probe(_ subtree: SubtreeChoice = .own) -> HostCapabilities {
        .probe(root: root, subtree: subtree)
    }

    func write(_ path: String, _ text: String) {
        folder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        guard let stream = fopen(root + path, "w") else { preconditionFailure("\(path): \(errno)") }
        fputs(text + "\n", stream)
        fclose(stream)
    }

    func folder(_ path: String) {
        var place = root
        for part in path.split(separator: "/") {
            place += "/\(part)"
            mkdir(place, 0o755)
        }
    }

    func remove(_ paths: String...) {
        for path in paths { _ = run("rm", "-rf", root + path) }
    }

    /// Replaces a part of a file.
    func change(_ path: String, _ old: String, _ new: String) {
        let text = Repository.text(root + path) ?? ""
        guard let range = text.firstRange(of: old) else {
            preconditionFailure("\(path) has no \(old)")
        }
        write(path, text.replacing(text[range], with: new).trimmed)
    }

    private func layKernel() {
        write("/proc/sys/kernel/osrelease", "6.12.3-test")
        write("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda1 quiet")
        write("/proc/sys/kernel/seccomp/actions_avail", "kill_process errno trace log allow")
        write("/proc/sys/kernel/yama/ptrace_scope", "1")
        write("/sys/kernel/security/lsm", "lockdown,capability,landlock,yama,apparmor")
        write("/boot/config-6.12.3-test", "CONFIG_PSI=y")
        for name in ["cpu", "io", "memory"] { write("/proc/pressure/\(name)", "some avg10=0") }
        write("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\"")
        write(
            "/proc/self/status",
            "Name:\tpoise\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000800000\nNoNewPrivs:\t0")
        write(
            "/proc/self/limits",
            """
            Limit                     Soft Limit           Hard Limit           Units
            Max locked memory         8388608              8388608              bytes
            Max open files            1024                 524288               files
            Max nice priority         0                    0
            """)
    }

    private func layCgroups() {
        let controllers = "cpuset cpu io memory hugetlb pids"
        write("/proc/self/mountinfo", "30 23 0:26 / \(Self.mount) rw - cgroup2 cgroup2 rw")
        write("/proc/self/cgroup", "0::\(Self.own.dropFirst(Self.mount.count))")
        for place in Self.above {
            write("\(place)/cgroup.controllers", controllers)
            write("\(place)/cgroup.subtree_control", controllers)
        }
        write("\(Self.own)/cgroup.controllers", controllers)
        let files = [
            "cgroup.procs", "cgroup.subtree_control", "cgroup.events", "cpu.idle", "cpu.max",
            "cpu.weight", "cpu.pressure", "cpuset.cpus", "cpuset.mems", "cpuset.cpus.partition",
            "io.latency", "io.max", "io.weight", "memory.high", "memory.low", "memory.max",
            "memory.min", "memory.swap.max", "pids.max", "hugetlb.2MB.max", "hugetlb.1GB.max",
        ]
        for file in files { write("\(Self.own)/\(file)", "") }
        write("\(Self.own)/cgroup.pressure", "1")
        write("\(Self.mount)/system.slice/cpuset.cpus", "")
    }

    private func layMachine() {
        let cpus = "/sys/devices/system/cpu"
        write("\(cpus)/smt/control", "on")
        for name in ["present", "online"] { write("\(cpus)/\(name)", "0-7") }
        for name in ["isolated", "nohz_full"] { write("\(cpus)/\(name)", "") }
        write("\(cpus)/cpufreq/policy0/scaling_governor", "schedutil")
        write("\(cpus)/cpufreq/policy0/scaling_driver", "acpi-cpufreq")
        write("\(cpus)/cpufreq/policy0/scaling_available_governors", "powersave schedutil")
        write("/proc/meminfo", "MemTotal:       16000000 kB\nSwapTotal:       2097148 kB")
        write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0")
        folder("/sys/block/vda/device")
        write("/sys/block/vda/dev", "254:0")
        write("/sys/block/vda/queue/scheduler", "[none] mq-deadline bfq")
        write("/sys/block/loop0/queue/scheduler", "[none]")
        write("\(Self.mount)/io.cost.qos", "254:0 enable=1 ctrl=auto")
    }

    private func laySystem() {
        folder("/run/systemd/system")
        write("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so", "")
        write("/usr/local/lib/systemd/system/poised.service", "[Service]")
        write("/etc/systemd/system/multi-user.target.wants/poised.service", "")
        folder("\(Self.mount)/poise.slice/poised.service")
        write("/etc/group", "root:x:0:\npoise:x:990:\npoise-admin:x:991:")
        write("/etc/passwd", "root:x:0:0::/root:/bin/sh\npoise-host:x:989:989::/:/bin/false")
        write("/usr/local/lib/sysusers.d/poise.conf", "g poise - -")
        write("/proc/1/comm", "systemd")
        write("/proc/77/comm", "poised")
    }
}

extension String {
    /// Without newlines at the end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == "\n" { text.removeLast() }
        return String(text)
    }
}
