import PoiseHardware
import PoiseModel
import Testing

private let unifiedMount =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
private let limits = """
    Limit                     Soft Limit           Hard Limit           Units
    Max nice priority         30                   40
    Max realtime priority     0                    0
    """

@Suite struct HostProbeTests {
    @Test func aUserSessionOnSystemdIsReadWhole() {
        let tree = TemporaryFolder()
        let own = "sys/fs/cgroup/user.slice/poise.scope"
        tree.write("proc/sys/kernel/osrelease", "6.1.0-13-amd64\n")
        tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
        tree.write("sys/fs/cgroup/cgroup.subtree_control", "cpu memory pids\n")
        tree.write("proc/self/mountinfo", unifiedMount)
        tree.write("proc/self/cgroup", "0::/user.slice/poise.scope\n")
        tree.write("proc/self/status", "Name:\tpoised\nCapEff:\t0000000000800000\n")
        tree.write("proc/self/limits", limits)
        for name in ["cpu", "io", "memory"] {
            tree.write("proc/pressure/\(name)", "some avg10=0\n")
        }
        tree.write("sys/devices/system/cpu/smt/control", "on\n")
        tree.write("run/systemd/system/x", "")
        tree.write("\(own)/cgroup.procs", "")
        tree.write("\(own)/cgroup.subtree_control", "")
        tree.write("\(own)/cgroup.controllers", "memory cpu pids\n")

        var expected = HostCapabilities()
        expected.kernelRelease = "6.1.0-13-amd64"
        expected.cgroups = .unified
        expected.cgroupMount = "/sys/fs/cgroup"
        expected.cgroupFolder = "/" + own
        expected.subtree = ControlSubtree(
            folder: "/" + own, origin: .own,
            files: ["cgroup.procs", "cgroup.subtree_control", "cgroup.controllers"])
        expected.kernelControllers = ["cpu", "memory", "pids"]
        expected.legacyControllers = []
        expected.isDelegated = true
        expected.controllers = ["cpu", "memory", "pids"]
        expected.pressure = ["cpu", "io", "memory"]
        expected.smt = .on
        expected.lowestNice = -10
        expected.highestRealtimePriority = 0
        expected.hasSysNice = true
        expected.hasSystemd = true
        expected.systemd = SystemdState(isRunning: false)
        expected.confinement.hasNoNewPrivileges = false
        expected.confinement.hasSeccomp = false
        expected.neighbours = []
        #expect(HostCapabilities.probe(root: tree.path) == expected)
    }

    @Test func anEmptyRootKnowsNothing() {
        let tree = TemporaryFolder()
        #expect(HostCapabilities.probe(root: tree.path) == HostCapabilities())
    }

    @Test(arguments: [
        (unifiedMount, HostCapabilities.CgroupLayout.unified),
        (unifiedMount + "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", .hybrid),
        ("33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", .legacy),
        ("22 1 0:20 / / rw - ext4 /dev/vda rw\n", .absent),
    ])
    func mountsTellTheLayout(_ mounts: String, _ layout: HostCapabilities.CgroupLayout) {
        let tree = TemporaryFolder()
        tree.write("proc/self/mountinfo", mounts)
        #expect(HostCapabilities.probe(root: tree.path).cgroups == layout)
    }

    @Test func aCgroupWithoutItsFilesIsNotDelegated() {
        let tree = TemporaryFolder()
        tree.write("proc/self/mountinfo", "30 23 0:26 / /cg\\040roup rw - cgroup2 none rw\n")
        tree.write("proc/self/cgroup", "0::/\n")
        tree.write("cg roup/cgroup.procs", "")
        let host = HostCapabilities.probe(root: tree.path)
        #expect(host.cgroupMount == "/cg roup" && host.cgroupFolder == "/cg roup")
        #expect(host.isDelegated == false)
    }

    @Test func thisHostHasAKernelAndABackend() {
        let host = HostCapabilities.probe()
        #expect(host.kernelRelease?.isEmpty == false)
        #expect(host.cgroups != nil && host.hasSysNice != nil && host.lowestNice != nil)
        #expect(host.isRoot != nil && host.openFiles != nil && host.swapBytes != nil)
    }
}
