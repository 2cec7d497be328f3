import CXattr
import PoiseHardware
import PoiseModel
import PoiseTestSupport
import Testing

/// Marks of systemd can be set only where the file system of the tests has attributes.
private let hasAttributes: Bool = {
    let layout = HostLayout()
    return mark(HostLayout.own, in: layout)
}()

private func mark(_ folder: String, in layout: HostLayout) -> Bool {
    setxattr(layout.root + folder, "user.delegate", "1", 1, 0) == 0
}

@Suite struct DelegationTests {
    private let unit = HostLayout.mount + "/poise.slice/poise-features.service"

    private func layout(asRoot: Bool) -> HostLayout {
        let layout = HostLayout()
        if asRoot { layout.change("/proc/self/status", "1000\t1000\t", "0\t0\t") }
        return layout
    }

    private func addUnit(to layout: HostLayout) {
        for name in ["procs", "subtree_control"] { layout.write("\(unit)/cgroup.\(name)", "") }
        layout.write("\(unit)/cgroup.controllers", "cpu cpuset io memory pids hugetlb")
        layout.write(
            "\(HostLayout.mount)/poise.slice/cgroup.subtree_control",
            "cpu cpuset io memory pids hugetlb")
    }

    @Test("root may write everywhere, and needs systemd's mark all the same")
    func rootNeedsAMark() {
        let host = layout(asRoot: true).probe()
        #expect(host.isDelegated == false && host.recommendedBackend == .affinity)
        #expect(host.advice.first?.command == "systemctl enable --now poised")
    }

    @Test(
        .enabled(if: hasAttributes, "no user attributes here"),
        arguments: [
            HostLayout.own, HostLayout.manager,
        ])
    func aMarkOnItOrAboveIsEnough(folder: String) {
        let layout = layout(asRoot: true)
        #expect(mark(folder, in: layout))
        #expect(layout.probe().recommendedBackend == .cgroup2)
    }

    @Test("a unit without Delegate= gets a drop-in")
    func aUnitWithoutAMarkGetsADropIn() {
        let layout = layout(asRoot: true)
        layout.remove("/usr/local/lib/systemd/system/poised.service")
        let command = layout.probe().advice.first?.command ?? ""
        #expect(command.contains("printf '[Service]\\nDelegate=yes\\n'"))
        #expect(command.contains("/etc/systemd/system/poised.service.d/delegate.conf"))
        #expect(command.hasSuffix("systemctl restart poised.service"))
    }

    @Test func theUnitOfTheFeaturesIsLookedAtWhereItIsAtWork() {
        let layout = layout(asRoot: false)
        addUnit(to: layout)
        let host = layout.probe(.unitOrOwn)
        #expect(host.subtree?.folder == unit && host.subtree?.origin == .unit)
        #expect(host.isDelegated == false)
        #expect(host.advice.first?.command?.contains("poise-features.service.d") == true)
        #expect(layout.probe().subtree?.origin == .own)
    }

    @Test(.enabled(if: hasAttributes, "no user attributes here"))
    func theUnitOfTheFeaturesIsDelegatedByItsMark() {
        let layout = layout(asRoot: false)
        addUnit(to: layout)
        #expect(mark(unit, in: layout))
        let host = layout.probe(.unitOrOwn)
        #expect(host.isDelegated == true && host.recommendedBackend == .cgroup2)
    }

    @Test("a folder that systemd has no unit for is nobody's but root's")
    func aFolderBesideTheUnitsIsFree() {
        let layout = layout(asRoot: true)
        let folder = HostLayout.mount + "/poise"
        for name in ["procs", "subtree_control"] { layout.write("\(folder)/cgroup.\(name)", "") }
        layout.write("\(folder)/cgroup.controllers", "cpu cpuset")
        #expect(layout.probe(.folder(folder)).isDelegated == true)
        let top = layout.probe(.folder(HostLayout.mount))
        #expect(top.isDelegated == false)
        #expect(
            top.advice.first?.command
                == "mkdir -p /sys/fs/cgroup/poise && poised --cgroup /sys/fs/cgroup/poise")
    }

    @Test func withoutSystemdTheOwnerMayDivideIt() {
        let layout = layout(asRoot: true)
        layout.remove("/run/systemd")
        #expect(layout.probe().isDelegated == true)
    }
}
