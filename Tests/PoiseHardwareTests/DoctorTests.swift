import PoiseHardware
import PoiseModel
import PoiseTestSupport
import Testing

/// One thing broken on a host that lacks nothing, and what the doctor must say of it.
struct Breakage: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var topic: String
    var weight: Advice.Weight
    /// Parts of the text and of the command.
    var missing: String
    var command: String?
    var make: @Sendable (HostLayout) -> Void

    init(
        _ name: String, _ topic: String, _ weight: Advice.Weight, _ missing: String,
        mend command: String?, _ make: @escaping @Sendable (HostLayout) -> Void
    ) {
        testDescription = name
        self.topic = topic
        self.weight = weight
        self.missing = missing
        self.command = command
        self.make = make
    }
}

private let own = HostLayout.own
private let cpus = "/sys/devices/system/cpu"
private let bootWord = "update-grub  # then start again"

/// A controller that one of the folders above does not hand down.
private func withhold(_ name: String, _ places: String...) -> @Sendable (HostLayout) -> Void {
    { host in
        for place in places { host.change("\(place)/cgroup.subtree_control", name, "") }
        host.change("\(own)/cgroup.controllers", name, "")
    }
}

/// A controller that the kernel has not got, or does not show.
private func drop(_ name: String) -> @Sendable (HostLayout) -> Void {
    { host in
        host.change("\(HostLayout.mount)/cgroup.controllers", name, "")
        host.change("\(own)/cgroup.controllers", name, "")
    }
}

private let appSlice = HostLayout.manager + "/app.slice"

private let cgroupBreakages: [Breakage] = [
    .init(
        "hybrid", "cgroup2", .enforcement, "version 1 has cpu, cpuacct",
        mend: "unified_cgroup_hierarchy=1 /' /etc/default/grub && sudo update-grub"
    ) {
        $0.folder("/sys/fs/cgroup/unified/poise.slice/poised.service")
        $0.write(
            "/proc/self/mountinfo",
            "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                + "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct")
    },
    .init(
        "version 1 only", "cgroup2", .enforcement, "version 1 has memory",
        mend: "systemd.unified_cgroup_hierarchy=1"
    ) {
        $0.write("/proc/self/mountinfo", "33 31 0:30 / /cg rw - cgroup cgroup rw,memory")
    },
    .init(
        "no cgroups", "cgroup2", .enforcement, "a mounted cgroup v2",
        mend: "sudo mount -t cgroup2 none /sys/fs/cgroup"
    ) { $0.write("/proc/self/mountinfo", "22 1 0:20 / / rw - ext4 /dev/vda rw") },
    .init(
        "not delegated", "delegation", .enforcement, "(\(own) is not)",
        mend: "sudo systemctl enable --now poised"
    ) { $0.remove("\(own)/cgroup.subtree_control") },
    .init(
        "cpuset stops at the user's slice", "cpuset", .enforcement,
        "the controller cpuset, which \(HostLayout.slice) does not hand down",
        mend: "sudo tee /etc/systemd/system/user@.service.d/delegate.conf",
        withhold("cpuset", HostLayout.slice, HostLayout.manager, appSlice)),
    .init(
        "cpu stops inside", "cpu", .enforcement, "which \(appSlice) does not hand down",
        mend: "echo +cpu | sudo tee \(appSlice)/cgroup.subtree_control"
            + "  # to stay: Delegate=yes in poised.service"
    ) { host in
        host.write("\(appSlice)/cgroup.subtree_control", "cpuset io memory hugetlb pids")
        host.write("\(own)/cgroup.controllers", "cpuset io memory hugetlb pids")
    },
    .init(
        "io stops inside", "io", .enforcement, "the controller io, which \(appSlice)",
        mend: "echo +io | sudo tee \(appSlice)/cgroup", withhold("io", appSlice)),
    .init(
        "memory stops inside twice", "memory", .enforcement, "which \(HostLayout.manager) does",
        mend: "for folder in \(HostLayout.manager) \(appSlice); do echo +memory | "
            + "sudo tee $folder/cgroup.subtree_control; done",
        withhold("memory", HostLayout.manager, appSlice)),
    .init(
        "pids stops inside", "pids", .enforcement, "the controller pids, which \(appSlice)",
        mend: "echo +pids", withhold("pids", appSlice)),
    .init(
        "hugetlb without huge pages", "hugetlb", .note, "which \(HostLayout.mount) does not",
        mend: "echo +hugetlb | sudo tee \(HostLayout.mount)/cgroup.subtree_control",
        withhold("hugetlb", HostLayout.mount)),
    .init(
        "hugetlb with huge pages", "hugetlb", .enforcement, "which \(HostLayout.mount) does not",
        mend: "echo +hugetlb"
    ) {
        withhold("hugetlb", HostLayout.mount)($0)
        $0.write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64")
    },
    .init(
        "a kernel without cpuset", "cpuset", .enforcement, "which this kernel does not have",
        mend: "boot a kernel that was built with CONFIG_CPUSETS=y", drop("cpuset")),
    .init(
        "a kernel told to leave memory out", "memory", .enforcement, "this kernel does not have",
        mend: "sudo sed -i 's/ *cgroup_disable=memory//' /etc/default/grub && sudo \(bootWord)"
    ) {
        drop("memory")($0)
        $0.write("/proc/cmdline", "quiet cgroup_disable=memory")
    },
]

private let fileBreakages: [Breakage] = [
    .init("no cpu.idle", "controlFiles", .less, "cpu.idle", mend: "boot Linux 5.15 or newer") {
        $0.remove("\(own)/cpu.idle")
    },
    .init(
        "swapaccount=0", "controlFiles", .less, "which swapaccount=0 switches off",
        mend: "s/ *swapaccount=0//"
    ) {
        $0.remove("\(own)/memory.swap.max")
        $0.write("/proc/cmdline", "quiet swapaccount=0")
    },
    .init("no swap at all", "controlFiles", .less, "memory.swap.max", mend: "CONFIG_SWAP=y") {
        $0.remove("\(own)/memory.swap.max")
    },
    .init("no io.weight", "controlFiles", .less, "io.weight, which", mend: "BLK_CGROUP_IOCOST") {
        $0.remove("\(own)/io.weight")
    },
    .init(
        "no disk heeds io.weight", "controlFiles", .less, "vda has neither io.cost nor bfq",
        mend: "echo '254:0 enable=1' | sudo tee /sys/fs/cgroup/io.cost.qos"
    ) { $0.write("/sys/fs/cgroup/io.cost.qos", "") },
    .init("no io.latency", "controlFiles", .note, "io.latency", mend: "CONFIG_BLK_CGROUP_IOLAT") {
        $0.remove("\(own)/io.latency")
    },
    .init("no partitions", "controlFiles", .less, "cpuset.cpus.partition", mend: "Linux 5.0") {
        $0.remove("\(own)/cpuset.cpus.partition")
    },
    .init(
        "no partitions so deep", "controlFiles", .note, "partitions of cores below \(own)",
        mend: "boot Linux 6.7 or newer"
    ) { $0.write("/proc/sys/kernel/osrelease", "6.1.0-13-amd64") },
    .init("no huge pages of a size", "controlFiles", .note, "hugetlb.2MB.max", mend: nil) {
        $0.remove("\(own)/hugetlb.2MB.max", "\(own)/hugetlb.1GB.max")
    },
    .init("psi=0", "pressure", .less, "of cpu, io, memory", mend: "sed -i 's/ *psi=0//'") {
        $0.remove("/proc/pressure")
        $0.write("/proc/cmdline", "quiet psi=0")
    },
    .init("PSI off by default", "pressure", .less, "of cpu", mend: "&psi=1 /' /etc/default/grub") {
        $0.remove("/proc/pressure")
    },
    .init("no PSI built", "pressure", .less, "of cpu, io", mend: "boot a kernel that was built") {
        $0.remove("/proc/pressure")
        $0.write("/boot/config-6.12.3-test", "# CONFIG_PSI is not set")
    },
    .init("PSI of interrupts only", "pressure", .less, "of io", mend: "psi=1") {
        $0.remove("/proc/pressure/io")
    },
    .init(
        "PSI of the cgroup off", "pressure", .less, "of cgroups (\(own))",
        mend: "echo 1 | sudo tee \(own)/cgroup.pressure"
    ) { $0.write("\(own)/cgroup.pressure", "0") },
    .init("PSI of cgroups hidden", "pressure", .less, "of cgroups", mend: "cgroup_disable=pressure")
    {
        $0.remove("\(own)/cgroup.pressure", "\(own)/cpu.pressure")
        $0.write("/proc/cmdline", "cgroup_disable=pressure")
    },
]

private let machineBreakages: [Breakage] = [
    .init("SMT off", "smt", .less, "second threads", mend: "echo on | sudo tee \(cpus)/smt") {
        $0.write("\(cpus)/smt/control", "off")
    },
    .init("SMT forced off", "smt", .less, "second threads", mend: "s/ *nosmt=force//") {
        $0.write("\(cpus)/smt/control", "forceoff")
        $0.write("/proc/cmdline", "nosmt=force")
    },
    .init(
        "cores offline", "offline", .less, "the CPUs 5,7, which are offline",
        mend: "echo 1 | sudo tee \(cpus)/cpu5/online \(cpus)/cpu7/online"
    ) { $0.write("\(cpus)/online", "0-4,6") },
    .init("isolcpus", "isolation", .less, "isolcpus=4-7 takes away", mend: "s/ *isolcpus=4-7//") {
        $0.write("\(cpus)/isolated", "4-7")
        $0.write("/proc/cmdline", "isolcpus=4-7 quiet")
    },
    .init("nohz_full", "isolation", .note, "on the CPUs 2-3", mend: "s/ *nohz_full=2-3//") {
        $0.write("\(cpus)/nohz_full", "2-3")
        $0.write("/proc/cmdline", "nohz_full=2-3")
    },
    .init("powersave", "governor", .less, "is powersave", mend: "echo schedutil | sudo tee") {
        $0.write("\(cpus)/cpufreq/policy0/scaling_governor", "powersave")
    },
    .init("a preference for power", "governor", .note, "is power", mend: "balance_performance") {
        $0.write("\(cpus)/cpufreq/policy0/scaling_governor", "powersave")
        $0.write("\(cpus)/cpufreq/policy0/scaling_driver", "intel_pstate")
        $0.write("\(cpus)/cpufreq/policy0/energy_performance_preference", "power")
    },
    .init("no swap space", "swap", .note, "swap space", mend: "sudo swapon /swapfile") {
        $0.write("/proc/meminfo", "SwapTotal:             0 kB")
    },
    .init("irqbalance", "neighbour", .note, "irqbalance", mend: "sudo systemctl edit irqbalance") {
        $0.write("/proc/412/comm", "irqbalance")
    },
    .init("tuned", "neighbour", .note, "tuned", mend: nil) { $0.write("/proc/9/comm", "tuned") },
    .init("intel-lpmd", "neighbour", .note, "intel_lpmd", mend: nil) {
        $0.write("/proc/9/comm", "intel_lpmd")
    },
    .init("kubelet", "neighbour", .note, "kubelet", mend: nil) {
        $0.write("/proc/9/comm", "kubelet")
    },
    .init("a slice with CPUs", "neighbour", .note, "it has 0-3", mend: nil) {
        $0.write("\(HostLayout.mount)/system.slice/cpuset.cpus", "0-3")
    },
]

private let systemBreakages: [Breakage] = [
    .init("no group", "accounts", .less, "the group poise-admin", mend: "sudo systemd-sysusers") {
        $0.write("/etc/group", "poise:x:990:")
    },
    .init(
        "no user, no recipe", "accounts", .less, "the user poise-host",
        mend: "sudo useradd --system --user-group"
    ) {
        $0.write("/etc/passwd", "root:x:0:0::/root:/bin/sh")
        $0.remove("/usr/local/lib/sysusers.d")
    },
    .init("nice", "nice", .less, "nice values below 0", mend: "limits.d/poise.conf") {
        $0.change("/proc/self/status", "0000000000800000", "0000000000000000")
    },
    .init("few open files", "openFiles", .less, "more than 256", mend: "ulimit -n 65536") {
        $0.change("/proc/self/limits", "1024 ", "256 ")
    },
    .init("little locked memory", "lockedMemory", .note, "64 KiB", mend: "memlock 65536") {
        $0.change("/proc/self/limits", "8388608 ", "65536 ")
    },
    .init("no systemd", "systemd", .less, "systemd as process 1", mend: nil) {
        $0.remove("/run/systemd")
    },
    .init("systemd 252", "systemd", .note, "(it is 252)", mend: nil) {
        $0.remove("/usr/lib/x86_64-linux-gnu")
        $0.write("/usr/lib/systemd/libsystemd-shared-252.so", "")
    },
    .init("systemd 249", "systemd", .less, "252 or newer (it is 249)", mend: "newer release") {
        $0.remove("/usr/lib/x86_64-linux-gnu")
        $0.write("/usr/lib/systemd/libsystemd-shared-249.11.so", "")
    },
    .init("not installed", "unit", .note, "poised.service", mend: "scripts/install --start") {
        $0.remove("/usr/local/lib/systemd/system/poised.service")
    },
    .init("not enabled", "unit", .less, "at boot", mend: "sudo systemctl enable poised") {
        $0.remove("/etc/systemd/system/multi-user.target.wants")
    },
    .init("not running", "unit", .less, "at work", mend: "sudo systemctl start poised") {
        $0.remove("\(HostLayout.mount)/poise.slice")
    },
    .init("no no_new_privs", "confinement", .less, "no_new_privs", mend: "boot a newer kernel") {
        $0.change("/proc/self/status", "NoNewPrivs:\t0", "")
    },
    .init("no seccomp", "confinement", .less, "seccomp", mend: "CONFIG_SECCOMP_FILTER=y") {
        $0.remove("/proc/sys/kernel/seccomp")
    },
    .init(
        "no Landlock", "confinement", .less, "Landlock", mend: "lsm=landlock,lockdown,yama /'"
    ) { $0.write("/sys/kernel/security/lsm", "lockdown,capability,yama") },
    .init("tracing is free", "trace", .less, "ptrace_scope is 0", mend: "ptrace_scope=1") {
        $0.write("/proc/sys/kernel/yama/ptrace_scope", "0")
    },
]

@Suite struct DoctorTests {
    @Test("on a host that lacks nothing the doctor has nothing to say")
    func aGoodHost() {
        let host = HostLayout().probe()
        #expect(host.advice == [])
        #expect(host.recommendedBackend == .cgroup2)
        #expect(host.heldLines.filter { $0.held != .enforced }.map(\.resource) == ["accelerators"])
    }

    @Test(
        "what is broken is found, nothing else is, and the command is named",
        arguments: cgroupBreakages + fileBreakages + machineBreakages + systemBreakages)
    func oneThingBroken(_ breakage: Breakage) throws {
        let layout = HostLayout()
        breakage.make(layout)
        let host = layout.probe()
        #expect(host.advice.map(\.topic) == [breakage.topic], "\(host.advice)")
        let advice = try #require(host.advice.first)
        #expect(advice.weight == breakage.weight)
        #expect(advice.missing.contains(breakage.missing), "\(advice.missing)")
        #expect(!advice.cost.isEmpty)
        if let command = breakage.command {
            #expect(advice.command?.contains(command) == true, "\(advice.command ?? "none")")
        } else {
            #expect(advice.command == nil)
        }
        #expect(host.holdsEverything == (breakage.weight != .enforcement))
    }

    @Test(
        "every unreadable file is passed over in silence",
        arguments: [
            "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/self/limits", "/proc/cmdline",
            "/proc/meminfo", "/sys/devices", "/sys/block", "/sys/kernel", "/etc/group",
            "/etc/passwd",
            "/boot", "/proc/sys/kernel/yama", "/usr/lib/x86_64-linux-gnu", "/proc/1/comm",
        ])
    func whatIsNotKnownIsNotComplainedOf(path: String) {
        let layout = HostLayout()
        layout.remove(path)
        #expect(layout.probe().advice == [])
    }

    @Test func withoutCpusetTheMasksHoldTheCPUs() {
        let layout = HostLayout()
        withhold("cpuset", appSlice)(layout)
        let host = layout.probe()
        #expect(host.recommendedBackend == .cgroup2)
        #expect(host.heldLines.first?.by.contains("CPU masks") == true)
        withhold("cpu", appSlice)(layout)
        #expect(layout.probe().recommendedBackend == .affinity)
    }

    @Test func aNamedFolderThatIsNotThereIsToBeMade() {
        let layout = HostLayout()
        let host = layout.probe(.folder("/sys/fs/cgroup/poise"))
        #expect(host.isDelegated == false && host.recommendedBackend == .affinity)
        #expect(
            host.advice.first?.command
                == "sudo mkdir -p /sys/fs/cgroup/poise && sudo chown -R \"$USER\" "
                + "/sys/fs/cgroup/poise")
    }

    @Test func aNamedFolderIsLookedAtInstead() {
        let layout = HostLayout()
        let folder = "/sys/fs/cgroup/poise"
        for name in ["procs", "subtree_control"] { layout.write("\(folder)/cgroup.\(name)", "") }
        layout.write("\(folder)/cgroup.controllers", "cpu cpuset io memory pids hugetlb")
        let host = layout.probe(.folder(folder))
        #expect(host.subtree?.folder == folder && host.subtree?.origin == .named)
        #expect(host.recommendedBackend == .cgroup2)
    }
}
