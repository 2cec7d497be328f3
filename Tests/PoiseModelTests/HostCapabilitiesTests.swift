import PoiseModel
import Testing

private func host(_ change: (inout HostCapabilities) -> Void) -> HostCapabilities {
    var host = HostCapabilities()
    change(&host)
    return host
}

private let hosts: [(HostCapabilities, [String])] = [
    (HostCapabilities(), []),
    (host { $0.cgroups = .hybrid }, ["cgroup2"]),
    (host { $0.cgroups = .absent }, ["cgroup2"]),
    (
        host {
            $0.cgroups = .unified
            $0.isDelegated = false
            $0.controllers = ["memory", "pids"]
            $0.hasSystemd = true
        }, ["delegation", "cpuset", "cpu", "io", "hugetlb"]
    ),
    (
        host {
            $0.cgroups = .unified
            $0.isDelegated = true
            $0.controllers = ["cpu", "cpuset", "hugetlb", "io", "memory", "pids"]
        }, []
    ),
    (host { $0.pressure = [] }, ["pressure"]),
    (host { $0.pressure = ["cpu", "io", "memory"] }, []),
    (
        host {
            $0.hasSysNice = false
            $0.lowestNice = 0
        }, ["nice"]
    ),
    (
        host {
            $0.hasSysNice = true
            $0.lowestNice = 0
        }, []
    ),
    (host { $0.smt = .off }, ["smt"]),
    (host { $0.smt = .notsupported }, []),
    (host { $0.hasSystemd = false }, ["systemd"]),
]

@Test(arguments: hosts)
func adviceNamesWhatIsMissingAndNothingUnknown(_ host: HostCapabilities, _ topics: [String]) {
    #expect(host.advice.map(\.topic) == topics)
    #expect(host.advice.allSatisfy { !$0.missing.isEmpty && !$0.cost.isEmpty })
}

private typealias Case = (HostCapabilities.CgroupLayout, Bool?, [String]?, Backend)
private let backends: [Case] = [
    (.unified, true, ["cpuset"], .cgroup2), (.unified, true, ["cpu", "memory"], .cgroup2),
    (.unified, true, ["memory"], .affinity), (.unified, false, ["cpuset"], .affinity),
    (.unified, nil, ["cpuset"], .affinity), (.unified, true, nil, .affinity),
    (.hybrid, true, ["cpuset"], .affinity), (.legacy, true, ["cpuset"], .affinity),
    (.absent, nil, nil, .affinity),
]

@Test(arguments: backends)
func theBackendNeedsADelegatedCgroupThatHoldsCPUs(
    layout: HostCapabilities.CgroupLayout, isDelegated: Bool?, controllers: [String]?,
    backend: Backend
) {
    let host = host {
        $0.cgroups = layout
        $0.isDelegated = isDelegated
        $0.controllers = controllers
    }
    #expect(host.recommendedBackend == backend)
    #expect(Set(host.heldLines.map(\.resource)).count == 7)
}
