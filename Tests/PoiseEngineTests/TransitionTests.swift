import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct TransitionTests {
    private typealias Groups = [FeatureID: ControlGroup]

    private func groups(_ list: [(String, String)], fewest: Int = 1) throws -> Groups {
        var groups: Groups = [:]
        for (name, cpus) in list {
            let set = try #require(CPUSet(cpus))
            groups[try #require(FeatureID(name))] = ControlGroup(
                cpus: set, exclusive: set, fewestCPUs: fewest)
        }
        return groups
    }

    private func words(
        _ from: Groups, _ to: Groups, usable: CPUSet = [], cores: [CPUSet] = []
    ) -> [String] {
        Transition.steps(from: from, to: to, usable: usable, cores: cores).steps.map(\.description)
    }

    @Test func aCoreThatMovesIsTwoWrites() throws {
        let from = try groups([("a", "0-1"), ("b", "2-3")])
        let to = try groups([("a", "0"), ("b", "1-3")])
        #expect(words(from, to) == ["a: cpuset.cpus = 0", "b: cpuset.cpus = 1-3"])
        #expect(words(to, from) == ["b: cpuset.cpus = 2-3", "a: cpuset.cpus = 0-1"])
    }

    @Test func whatIsEqualIsNotWritten() throws {
        let same = try groups([("a", "0-1"), ("b", "2-3")])
        #expect(words(same, same).isEmpty)
    }

    @Test func aGroupWhoseCPUsAreFreeIsWrittenOnce() throws {
        let from = try groups([("a", "0-1")])
        let to = try groups([("a", "2-3")])
        #expect(words(from, to) == ["a: cpuset.cpus = 2-3"])
    }

    @Test func aRingGoesByWhatStays() throws {
        let from = try groups([("a", "0-2"), ("b", "3-5")])
        let to = try groups([("a", "0,3-4"), ("b", "1-2,5")])
        #expect(
            words(from, to) == [
                "a: cpuset.cpus = 0", "b: cpuset.cpus = 1-2,5", "a: cpuset.cpus = 0,3-4",
            ])
    }

    @Test func aRingGoesByWhatIsFree() throws {
        let from = try groups([("a", "0"), ("b", "1")])
        let to = try groups([("a", "1"), ("b", "0")])
        #expect(
            words(from, to, usable: [0, 1, 7]) == [
                "a: cpuset.cpus = 7", "b: cpuset.cpus = 0", "a: cpuset.cpus = 1",
            ])
    }

    @Test func oneFreePlaceIsEnoughForGroupsOfMany() throws {
        let from = try groups([("a", "0-1"), ("b", "2-3")], fewest: 2)
        let to = try groups([("a", "2-3"), ("b", "0-1")], fewest: 2)
        let transition = Transition.steps(from: from, to: to, usable: [0, 1, 2, 3, 4])
        #expect(transition.stuck.isEmpty)
        #expect(transition.steps.count <= 6)
    }

    @Test func aRingWithoutAnyRoomStaysAndOthersMove() throws {
        let from = try groups([("a", "0"), ("b", "1"), ("c", "2")])
        let to = try groups([("a", "1"), ("b", "0"), ("c", "3")])
        let transition = Transition.steps(from: from, to: to, usable: [0, 1, 2])
        #expect(transition.stuck.map(\.name) == [])
        // The place that c leaves is the room.
        #expect(transition.steps.count == 4)
        let without = try groups([("a", "1"), ("b", "0"), ("c", "2")])
        let stuck = Transition.steps(from: from, to: without, usable: [0, 1, 2])
        #expect(stuck.stuck.map(\.name) == ["a", "b"])
        #expect(stuck.steps.isEmpty)
    }

    @Test func aRingOfThreeIsOpenedOnce() throws {
        let from = try groups([("a", "0-1"), ("b", "2-3"), ("c", "4-5")])
        let to = try groups([("a", "0,2"), ("b", "3-4"), ("c", "1,5")])
        #expect(words(from, to).count == 4)
    }

    @Test func aCoreOfTwoThreadsIsNeverShared() throws {
        let from = try groups([("a", "0-3"), ("b", "4-5")])
        let to = try groups([("a", "0-1"), ("b", "3-5")])
        let cores: [CPUSet] = [[0, 1], [2, 3], [4, 5]]
        #expect(
            words(from, to, cores: cores) == ["a: cpuset.cpus = 0-1", "b: cpuset.cpus = 3-5"])
    }

    @Test func aNewGroupIsLimitedBeforeItHasCPUs() throws {
        var to = try groups([("a", "0-1")])
        let a = try #require(FeatureID("a"))
        to[a]?.values = [
            ControlKey(.memoryMax): "4096", ControlKey(.memoryHigh): "4096",
            ControlKey(.memoryLow): "4096", ControlKey(.cpuWeight): "300",
            ControlKey(.cpusetMems): "0", ControlKey(.cpusetPartition): "isolated",
            ControlKey(.pidsMax): "max",
        ]
        #expect(
            words([:], to) == [
                "make a", "a: cpuset.mems = 0", "a: cpu.weight = 300", "a: memory.low = 4096",
                "a: memory.high = 4096", "a: memory.max = 4096", "a: cpuset.cpus = 0-1",
                "a: cpuset.cpus.partition = isolated",
            ])
    }

    @Test("limits that grow come first, CPUs move, and memory is squeezed last")
    func order() throws {
        let a = try #require(FeatureID("a"))
        let b = try #require(FeatureID("b"))
        var from = try groups([("a", "0-1"), ("b", "2-3")])
        var to = try groups([("a", "0"), ("b", "1-3")])
        let max = ControlKey(.memoryMax)
        let low = ControlKey(.memoryLow)
        let pids = ControlKey(.pidsMax)
        from[a]?.values = [max: "8192", low: "4096", pids: "max"]
        to[a]?.values = [max: "4096", low: "0", pids: "9"]
        from[b]?.values = [max: "4096", low: "0", pids: "9"]
        to[b]?.values = [max: "8192", low: "4096", pids: "max"]
        #expect(
            words(from, to) == [
                "b: memory.max = 8192", "b: pids.max = max", "a: memory.low = 0",
                "b: memory.low = 4096", "a: cpuset.cpus = 0", "b: cpuset.cpus = 1-3",
                "a: pids.max = 9", "a: memory.max = 4096",
            ])
    }

    @Test("a partition is not lent CPUs that others use")
    func partitionsTakeNoSharedPlaces() throws {
        var from = try groups([("a", "0"), ("b", "1")])
        var to = try groups([("a", "1"), ("b", "0")])
        for name in from.keys {
            from[name]?.values[ControlKey(.cpusetPartition)] = "root"
            to[name]?.values[ControlKey(.cpusetPartition)] = "root"
        }
        let c = try #require(FeatureID("c"))
        from[c] = ControlGroup(cpus: [2])
        to[c] = ControlGroup(cpus: [2])
        #expect(words(from, to, usable: [0, 1, 2]).isEmpty)
        for name in from.keys {
            from[name]?.values = [:]
            to[name]?.values = [:]
        }
        #expect(words(from, to, usable: [0, 1, 2]).count == 3)
    }

    @Test func anIdleGroupWakesBeforeItIsWeighed() throws {
        let a = try #require(FeatureID("a"))
        let idle = ControlGroup(cpus: [0], values: [ControlKey(.cpuIdle): "1"])
        let awake = ControlGroup(
            cpus: [0], values: [ControlKey(.cpuIdle): "0", ControlKey(.cpuWeight): "300"])
        #expect(words([a: idle], [a: awake]) == ["a: cpu.idle = 0", "a: cpu.weight = 300"])
        #expect(words([a: awake], [a: idle]) == ["a: cpu.idle = 1"])
    }

    @Test func everyStateOnTheWayIsValid() throws {
        var stuck = 0
        for seed in UInt64(0)..<2000 {
            var random = SeededGenerator(seed: seed)
            let machine = RandomControlGroups(using: &random)
            let from = machine.groups(using: &random)
            let to = machine.groups(using: &random)
            let transition = Transition.steps(
                from: from, to: to, usable: machine.usable, cores: machine.cores)
            #expect(
                transition
                    == Transition.steps(
                        from: from, to: to, usable: machine.usable, cores: machine.cores))
            if !transition.stuck.isEmpty { stuck += 1 }
            if let breach = walk(transition, from: from, to: to, machine) {
                Issue.record("seed \(seed): \(breach)\n\(transition)")
                return
            }
        }
        // Groups at random leave little room; seen when this was written: 32.
        #expect(stuck <= 40)
    }

    /// Does the steps on plain values; gives the first breach.
    private func walk(
        _ transition: Transition, from: Groups, to: Groups, _ machine: RandomControlGroups
    ) -> String? {
        let rules = TransitionRules(
            from: from, to: to, stuck: transition.stuck, cores: machine.cores)
        var tree = from.mapValues(TransitionRules.Present.init)
        for step in transition.steps {
            switch step {
            case .make(let name): tree[name] = .init(ControlGroup())
            case .remove(let name): tree[name] = nil
            case .write(let name, let key, let value, _):
                if key.file == .cpusetCPUs {
                    tree[name]?.cpus = TransitionRules.mask(CPUSet(value) ?? [])
                } else {
                    tree[name]?.values[key] = value
                }
            }
            if let breach = rules.breachOfCPUs(tree, changed: step.feature)
                ?? rules.breachOfSettings(tree, changed: step.feature)
            {
                return "after \(step): \(breach)"
            }
        }
        for (name, group) in to where !transition.stuck.contains(name) {
            if tree[name]?.cpus != TransitionRules.mask(group.cpus) {
                return "\(name) is not there"
            }
            for (key, value) in group.values
            where tree[name]?.values[key] ?? key.file.standard != value {
                return "\(name): \(key) is not \(value)"
            }
        }
        return tree.keys.contains { to[$0] == nil } ? "a group is left" : nil
    }
}
