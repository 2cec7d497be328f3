import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@Suite("A budget in the words of cgroup v2")
struct ControlBudgetTests {
    private let host = machine([CoreGroup(4)])

    private func allocation(_ feature: FeaturePolicy) throws -> ResourceAllocation {
        let policy = Policy(name: "p", features: [feature])
        let plan = Planner(machine: host, policy: policy).plan()
        return try #require(plan[feature.id], "\(plan.keptOut)")
    }

    private func group(
        _ feature: FeaturePolicy, _ support: ControlSupport = ControlSupport(),
        inForce: ControlGroup? = nil
    ) throws -> ControlGroup {
        ControlBudget(
            try allocation(feature), of: feature, on: host, support, inForce: inForce
        ).group
    }

    private func shared(borrow: Bool, want: Int = 500) -> FeaturePolicy {
        var wish = feature(
            "f", performance: CoreWish(min: 0, want: want, max: want), sharing: .shared)
        wish.borrow = borrow
        return wish
    }

    @Test("cores of its own are never throttled")
    func exclusive() throws {
        var own = feature("f", performance: cores(2, 2, 2))
        own.borrow = false
        let group = try group(own)
        #expect(group[ControlKey(.cpuMax)] == "max 100000")
        #expect(group.exclusive == group.cpus && group.fewestCPUs == 2)
    }

    @Test("shared time is held by weight, and by a quota only where it may not borrow")
    func quota() throws {
        #expect(try group(shared(borrow: true))[ControlKey(.cpuMax)] == "max 100000")
        #expect(try group(shared(borrow: true))[ControlKey(.cpuWeight)] == "50")
        #expect(try group(shared(borrow: false))[ControlKey(.cpuMax)] == "50000 100000")
    }

    @Test("who has nothing of its own runs only where others are idle")
    func idle() throws {
        let group = try group(shared(borrow: true, want: 0))
        #expect(group[ControlKey(.cpuIdle)] == "1" && group[ControlKey(.cpuWeight)] == nil)
    }

    @Test("memory is counted in whole pages, and its nodes are a wall only where they are strict")
    func memory() throws {
        var wish = feature("f", performance: cores(1, 1, 1))
        wish.memory = MemoryWish(min: 5000, want: 5000, max: 1 << 20, locality: .strict)
        let strict = try group(wish)
        #expect(strict[ControlKey(.memoryMin)] == "4096")
        #expect(strict[ControlKey(.memoryMax)] == "1048576")
        #expect(strict[ControlKey(.cpusetMems)] == "0")
        wish.memory.locality = .preferred
        #expect(try group(wish)[ControlKey(.cpusetMems)] == nil)
        // Its pages stay where they are while it runs.
        #expect(try group(wish, inForce: strict)[ControlKey(.cpusetMems)] == "0")
        wish.memory.migrate = true
        #expect(try group(wish, inForce: strict)[ControlKey(.cpusetMems)] == "")
    }

    @Test("what the policy no longer asks for is given back")
    func givesBack() throws {
        var wish = feature("f", performance: cores(1, 1, 1))
        wish.mostProcesses = 7
        wish.partition = .isolated
        let before = try group(wish)
        #expect(before[ControlKey(.pidsMax)] == "7")
        wish.mostProcesses = nil
        wish.partition = .member
        let after = try group(wish, inForce: before)
        #expect(after[ControlKey(.pidsMax)] == "max")
        #expect(after[ControlKey(.cpusetPartition)] == "member")
    }

    @Test("what the kernel lacks is told with the reason, and nothing is written for it")
    func lacking() throws {
        var wish = feature("f", performance: cores(1, 1, 1))
        wish.hugePages = [.twoMiB: 4 << 20]
        wish.ioLimits = [IOLimit(device: "/dev/none", readBytes: 1)]
        var support = ControlSupport(devices: ["/dev/vda": "254:0"])
        support.files.remove(.hugetlb2MBMax)
        support.lacking[.hugetlb2MBMax] = "the controller hugetlb is not delegated"
        let budget = ControlBudget(try allocation(wish), of: wish, on: host, support)
        #expect(
            budget.notHeld == [
                NotHeld(
                    setting: "hugetlb.2MB.max",
                    because: "the controller hugetlb is not delegated"),
                NotHeld(
                    setting: "io.max of /dev/none", because: "there is no block device /dev/none"),
            ])
        #expect(budget.group.values.keys.allSatisfy { $0.file != .hugetlb2MBMax })
        wish.ioLimits = [IOLimit(device: "/dev/vda", writeBytes: 1024)]
        #expect(
            try group(wish, support)[ControlKey(.ioMax, device: "254:0")]
                == "rbps=max wbps=1024 riops=max wiops=max")
    }
}
