import PoiseHardware
import PoiseModel
import PoiseWire
import Testing

@testable import PoiseCLI

@Suite struct DoctorCommandTests {
    private var host: HostCapabilities {
        var host = HostCapabilities()
        host.cgroups = .unified
        host.isDelegated = true
        host.controllers = ["cpuset", "io", "memory", "pids"]
        host.kernelControllers = ["cpu", "cpuset", "hugetlb", "io", "memory", "pids"]
        host.subtree = ControlSubtree(
            folder: "/cg/poise", origin: .named, files: ["io.max", "io.weight", "io.latency"],
            gaps: ["cpu": ["/cg"], "hugetlb": ["/cg"]])
        host.isRoot = true
        return host
    }

    private func text(_ host: HostCapabilities) throws -> String {
        let machine = try Machine.discover(from: .thisSystem)
        return DoctorView(host, machine: machine).lines(Capture().console).joined(separator: "\n")
    }

    @Test("what holds comes first, then what is missing, the costliest first")
    func theTextIsGrouped() throws {
        let text = try text(host)
        let parts = [
            "by the backend cgroup2 in /cg/poise", "CPUs          enforced: cpuset.cpus",
            "CPU time      advisory: nothing: the controller cpu is missing",
            "io            enforced: io.max, io.weight", "so that budgets are not held",
            "mend it: echo +cpu | tee /cg/cgroup.subtree_control", "Good to know", "hugetlb  ",
        ]
        var rest = text[...]
        for part in parts {
            let found = try #require(rest.firstRange(of: part), "\(part) is not in:\n\(text)")
            rest = rest[found.upperBound...]
        }
    }

    @Test func aCommandIsPrintedOnce() throws {
        var host = host
        host.isDelegated = false
        host.hasSystemd = true
        let command = "mkdir -p /sys/fs/cgroup/poise && poised --cgroup /sys/fs/cgroup/poise"
        #expect(host.advice.filter { $0.command == command }.count == 2)
        let text = try text(host)
        #expect(text.ranges(of: "mend it: \(command)").count == 1)
        #expect(text.ranges(of: "mend it: as above").count == 1)
    }

    @Test("the exit code says whether something is missing that a budget needs")
    func theExitCodeAndTheDocumentAgree() throws {
        let capture = Capture()
        let code = capture.run("doctor", "--json")
        let json = try JSON.parse(capture.output)
        let weights = (json["missing"]?.array ?? []).map { $0["weight"]?.string }
        #expect(json["holdsEverything"]?.bool == (code == .done))
        #expect(weights.contains("enforcement") == (code == .no))
        #expect(json["held"]?.members?.count == 7 && json["heldBy"]?.members?.count == 7)
        let keys = ["kernel", "cgroups", "subtree", "isDelegated", "controllers", "pressure"]
        for key in keys { #expect(json["host"]?[key] != nil, "\(key)") }
    }

    @Test func aCgroupIsNamedByAWholePath() {
        let capture = Capture()
        #expect(capture.run("doctor", "--cgroup", "poise") == .wrongUse)
        #expect(capture.run("doctor", "--cgroup", "/no/such/cgroup", "--json") == .no)
    }
}
