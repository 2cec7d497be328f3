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
        }, ["cgroup2", "delegation", "controllers"]
    ),
    (
        host {
            $0.cgroups = .unified
            $0.isDelegated = true
            $0.controllers = ["cpu", "cpuset", "io", "memory"]
        }, ["cgroup2"]
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

@Test func affinityIsRecommendedEverywhereUntilThereIsAnotherBackend() {
    #expect(hosts.allSatisfy { $0.0.recommendedBackend == .affinity })
}
