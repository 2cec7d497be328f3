import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// Single cases that a rule of the planner is told by.
@Suite struct PlannerCases {
    private func id(_ name: String) -> FeatureID {
        guard let id = FeatureID(name) else { preconditionFailure(name) }
        return id
    }

    private let two = Policy(
        name: "two",
        features: [
            feature("a", performance: cores(2, 2, 2)), feature("b", performance: cores(2, 2, 2)),
        ])
    private let server = machine([CoreGroup(8, threads: 2, perCluster: 4)])

    @Test func aPlanInForceThatIsNoneIsNotTakenOver() {
        let planner = Planner(machine: server, policy: two)
        let plan = planner.plan()
        var doubled = plan
        doubled.features[1].exclusive = plan.features[0].exclusive
        var halves = plan
        halves.features[1].exclusive = [5, 7]
        var large = plan
        large.features[1].exclusive = [4, 5, 6, 7, 8, 9, 10, 11]
        var overlapping = plan
        overlapping.features[0].shared = plan.features[1].exclusive
        for broken in [doubled, halves, large, overlapping] {
            let next = planner.plan(inForce: broken)
            #expect(PlanAudit(next, machine: server, policy: two).breaches == [])
        }
    }

    @Test func aPlanOfAnotherMachineIsNotTakenOver() {
        let other = machine([CoreGroup(1, threads: 2), CoreGroup(6, .efficiency)])
        let plan = Planner(machine: server, policy: two).plan()
        let next = Planner(machine: other, policy: two).plan(inForce: plan)
        #expect(PlanAudit(next, machine: other, policy: two).breaches == [])
    }

    @Test func memoryWithoutCoresStillRuns() {
        var cache = feature("cache", priority: 90)
        cache.memory = MemoryWish(min: 1 << 20, want: 1 << 30)
        let plan = Planner(
            machine: machine([CoreGroup(2)]), policy: Policy(name: "m", features: [cache])
        ).plan()
        #expect(plan[id("cache")]?.cpus.isEmpty == false)
    }

    @Test func aFeatureOfHigherPriorityIsNotSqueezedOutByAWantBelowIt() {
        let policy = Policy(
            name: "squeeze",
            features: [
                feature("hi", priority: 90, performance: cores(0, 0, 1)),
                feature("lo", priority: 10, performance: cores(1, 9, 9)),
            ])
        let plan = Planner(machine: machine([CoreGroup(2)]), policy: policy).plan()
        #expect(plan[id("hi")]?.cpus.isEmpty == false)
        #expect(plan[id("lo")]?.millicores.total == 1990)
    }

    @Test func oneWishsFallbackDoesNotStarveAnother() {
        let three = machine([
            CoreGroup(6, .performance), CoreGroup(8, .efficiency), CoreGroup(2, .lowPower),
        ])
        let policy = Policy(
            name: "three",
            features: [
                feature(
                    "x", performance: cores(8, 8, 8),
                    efficiency: cores(8, 8, 8, fallback: .none))
            ])
        let plan = Planner(machine: three, policy: policy).plan()
        var expected = PerClass<Int>.zero
        (expected.performance, expected.efficiency, expected.lowPower) = (6, 8, 2)
        #expect(plan[id("x")]?.cores == expected)
    }

    @Test func strictlyLocalMemorySteersWhereCoresAre() {
        func local(_ name: String, _ gibibytes: Int) -> FeaturePolicy {
            var made = feature(name, performance: cores(1, 1, 1))
            made.memory = MemoryWish(
                min: gibibytes << 30, want: 15 << 30, locality: .strict)
            return made
        }
        let policy = Policy(
            name: "strict", features: [local("a", 10), local("b", 10), local("c", 10)])
        let machine = machine(nodes: 4, [CoreGroup(8)])
        let plan = Planner(machine: machine, policy: policy).plan()
        #expect(plan.keptOut.isEmpty)
        #expect(Set(plan.features.map(\.nodes)).count == 3)
    }

    @Test func sharedTimeStaysOnItsNode() {
        let names = ["a", "b", "c", "d"]
        let policy = Policy(
            name: "hop",
            features: names.map {
                feature($0, performance: CoreWish(min: 500, want: 6000, max: 6000))
            })
        let planner = Planner(machine: machine(nodes: 2, [CoreGroup(12)]), policy: policy)
        let plan = planner.plan()
        var less = Demand()
        less.wanted.performance = 5000
        let next = planner.plan(demands: [id("a"): less], inForce: plan)
        for name in names { #expect(next[id(name)]?.nodes == plan[id(name)]?.nodes) }
    }
}
