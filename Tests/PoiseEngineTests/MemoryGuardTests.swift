import PoiseModel
import PoiseTestSupport
import Testing

@testable import PoiseEngine

@Suite struct MemoryGuardTests {
    typealias Guard = MemoryGuard

    private static let mebibyte = 1 << 20

    /// 100 MiB is the limit, 120 MiB the maximum.
    private static func look(
        _ mebibytes: Int, isHeld: Bool = true, isStalled: Bool = false
    ) -> Guard.Look {
        Guard.Look(
            bytes: mebibytes * mebibyte, limit: 100 * mebibyte, most: 120 * mebibyte,
            isHeld: isHeld, isStalled: isStalled)
    }

    private static func at(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    /// A guard in each of its states, and the moment when it came there.
    private static func guards() -> [(name: String, guarded: Guard, at: Int)] {
        var all: [(name: String, guarded: Guard, at: Int)] = [("within", Guard(), 0)]
        var guarded = Guard()
        for (name, moment) in [("", 0), ("reclaiming", 1000), ("shrinking", 2000)] {
            _ = guarded.handle(look(110), now: at(moment))
            if !name.isEmpty { all.append((name, guarded, moment)) }
        }
        _ = guarded.handle(look(119), now: at(7000))
        all.append(("stopping", guarded, 7000))
        return all
    }

    @Test func `each state answers each kind of look, soon and late, in its one way`() throws {
        // Of each state: 50 ms and 6 s after it began.
        let looks: [(String, Guard.Look)] = [
            ("well", Self.look(90)), ("near", Self.look(98)), ("over", Self.look(110)),
            ("at end", Self.look(120)), ("stalled", Self.look(110, isStalled: true)),
        ]
        let most = Guard.Action.reclaim(bytes: 4 << 20, isFirst: true)
        let expected: [String: (soon: [Guard.Action], late: [Guard.Action])] = [
            "within": (
                [.nothing, .nothing, .nothing, .nothing, .nothing],
                [.nothing, .nothing, most, most, most]
            ),
            "reclaiming": (
                [.nothing, .nothing, .nothing, .nothing, .nothing],
                [
                    .recovered, .nothing, .shrink(bytes: 10 << 20), .shrink(bytes: 20 << 20),
                    .shrink(bytes: 10 << 20),
                ]
            ),
            "shrinking": (
                [.nothing, .nothing, .nothing, .nothing, .nothing],
                [.recovered, .nothing, .nothing, .stop, .stop]
            ),
            "stopping": (
                [.nothing, .nothing, .nothing, .nothing, .nothing],
                [.nothing, .nothing, .nothing, .nothing, .nothing]
            ),
        ]
        for (name, guarded, moment) in Self.guards() {
            let wanted = try #require(expected[name])
            for (index, (kind, look)) in looks.enumerated() {
                var soon = guarded
                let first = soon.handle(look, now: Self.at(moment + 50))
                #expect(first == wanted.soon[index], "\(name), \(kind), soon")
                var late = guarded
                // What must last to count has begun long before.
                if look.isWell || (look.isOver && late.state == .within) {
                    _ = late.handle(look, now: Self.at(moment + 10))
                }
                let second = late.handle(look, now: Self.at(moment + 6000))
                #expect(second == wanted.late[index], "\(name), \(kind), late")
            }
        }
    }

    @Test func `the order is reclaim, shrink, stop, and each step waits for the one before`() {
        var guarded = Guard()
        var steps: [(Int, String)] = []
        for moment in stride(from: 0, through: 10_000, by: 100) {
            switch guarded.handle(Self.look(119), now: Self.at(moment)) {
            case .reclaim(let bytes, let isFirst):
                #expect(bytes == 4 << 20)
                if isFirst { steps.append((moment, "reclaim")) }
            case .shrink: steps.append((moment, "shrink"))
            case .stop: steps.append((moment, "stop"))
            case .recovered: steps.append((moment, "recovered"))
            case .nothing: break
            }
        }
        #expect(steps.map(\.1) == ["reclaim", "shrink", "stop"])
        #expect(steps.map(\.0) == [1000, 2000, 7000])
    }

    @Test func `who is over its limit and works on, below its maximum, is not stopped`() {
        var guarded = Guard()
        for moment in stride(from: 0, through: 600_000, by: 100) {
            let action = guarded.handle(Self.look(110), now: Self.at(moment))
            #expect(action != .stop)
        }
    }

    @Test func `who falls back to its limit now and then, as caches do, is never stopped`() {
        var guarded = Guard()
        for moment in stride(from: 0, through: 600_000, by: 100) {
            let bytes = moment % 3000 == 0 ? 99 : 119
            let action = guarded.handle(
                Self.look(bytes, isStalled: true), now: Self.at(moment))
            #expect(action != .stop)
        }
    }

    @Test func `without a kernel that holds it, it is asked first, and stopped at its maximum`() {
        var guarded = Guard()
        var steps: [Guard.Action] = []
        for moment in stride(from: 0, through: 10_000, by: 500) {
            let look = Guard.Look(
                bytes: 130 << 20, limit: 120 << 20, most: 120 << 20, isHeld: false,
                isStalled: false)
            let action = guarded.handle(look, now: Self.at(moment))
            if action != .nothing { steps.append(action) }
        }
        #expect(steps == [.shrink(bytes: 10 << 20), .stop])
    }

    @Test func `memory elsewhere is told once, and once when it is over`() {
        var guarded = Guard()
        var turns: [Int] = []
        for (index, remote) in [0, 60, 65, 80, 60, 50, 10, 70].enumerated()
        where guarded.turnsRemote(remote << 20, of: 200 << 20) {
            turns.append(index)
        }
        #expect(turns == [2, 5, 7])
        // A tenth of a large feature is more than 64 MiB.
        var large = Guard()
        let (at90, at110) = (
            large.turnsRemote(90 << 20, of: 1 << 30), large.turnsRemote(110 << 20, of: 1 << 30)
        )
        #expect(!at90 && at110)
    }
}

/// Drives the whole engine with readings of memory.
@Suite struct MemorySupervisionTests {
    private struct Bench {
        var engine: Supervisor
        var now = Instant(nanoseconds: 0)
        var directives: [Directive] = []

        init(_ policy: Policy) {
            engine = Supervisor(machine: machine([CoreGroup(4)]), policy: policy, now: now)
            turn()
            for feature in engine.records.keys.sorted() { turn(.started(feature)) }
        }

        mutating func turn(after pause: Duration = .zero, _ inputs: Input...) {
            now = now + pause
            directives += engine.handle(inputs, now: now)
        }

        /// A look at every feature.
        mutating func look(_ mebibytes: [String: Int], remote: Int? = nil, isHeld: Bool = true) {
            var turn = LoadTurn(wallSeconds: 0)
            for (name, amount) in mebibytes {
                var reading = LoadReading(microseconds: 100_000)
                reading.memoryBytes = amount << 20
                reading.memoryLimitHits = isHeld ? 1 : nil
                reading.memoryFullPerMille = isHeld && amount > 60 ? 900 : nil
                reading.remoteBytes = remote.map { $0 << 20 }
                turn.features[id(name)] = reading
            }
            self.turn(after: .milliseconds(100), .load(turn))
        }

        func notes(_ kind: EngineEvent.Kind) -> [String] {
            directives.compactMap {
                guard case .note(let event) = $0, event.kind == kind else { return nil }
                return "\(event.feature?.name ?? "-"): \(event.text)"
            }
        }

        var killed: [String] {
            directives.compactMap { if case .kill(let who) = $0 { who.name } else { nil } }
        }
    }

    private static func id(_ name: String) -> FeatureID {
        guard let id = FeatureID(name) else { preconditionFailure(name) }
        return id
    }

    private static let policy: Policy = {
        let features = ["hog", "neighbour"].map { name in
            var feature = feature(name, performance: cores(1, 1, 1))
            feature.source = .plugin(name)
            feature.memory = MemoryWish(min: 0, want: 32 << 20, max: 64 << 20)
            return feature
        }
        return Policy(name: "memory", features: features)
    }()

    @Test(arguments: [true, false])
    func `a hog is reclaimed from, asked, and stopped; nobody else is touched`(isHeld: Bool) {
        var bench = Bench(Self.policy)
        for _ in 0..<100 where bench.killed.isEmpty {
            bench.look(["hog": 66, "neighbour": 40], isHeld: isHeld)
        }
        let steps = bench.directives.compactMap { directive -> String? in
            switch directive {
            case .reclaim(Self.id("hog"), _): "reclaim"
            case .shrink(Self.id("hog"), _): "shrink"
            case .kill(Self.id("hog")): "kill"
            case .reclaim, .shrink, .kill, .askToStop: "another"
            default: nil
            }
        }
        let order = zip([""] + steps, steps).filter { $0 != $1 }.map(\.1)
        #expect(order == (isHeld ? ["reclaim", "shrink", "kill"] : ["shrink", "kill"]))
        #expect(bench.engine.records[Self.id("hog")]?.lastFailure == .outOfMemory)
        #expect(bench.engine.records[Self.id("neighbour")]?.life.state == .running)
        #expect(bench.notes(.memory).allSatisfy { $0.hasPrefix("hog: ") })
        #expect(bench.notes(.memory).count == (isHeld ? 3 : 2), "\(bench.notes(.memory))")
    }

    @Test func `a feature that gives memory up in time goes on`() {
        var bench = Bench(Self.policy)
        for _ in 0..<25 { bench.look(["hog": 62]) }
        for _ in 0..<100 { bench.look(["hog": 30]) }
        #expect(bench.killed == [])
        let notes = bench.notes(.memory)
        #expect(notes.count == 3, "\(notes)")
        #expect(notes.last == "hog: is well below memory.high again: 30 MiB of 60 MiB")
    }

    @Test func `a command is not asked, and the rest is the same`() {
        var policy = Self.policy
        policy.features[0].source = .command(["hog"])
        var bench = Bench(policy)
        for _ in 0..<100 where bench.killed.isEmpty { bench.look(["hog": 64]) }
        #expect(bench.killed == ["hog"])
        let shrinks = bench.directives.contains { if case .shrink = $0 { true } else { false } }
        #expect(!shrinks)
    }

    @Test func `memory on nodes of others is told where the policy minds`() {
        for locality in MemoryWish.Locality.allCases {
            var policy = Self.policy
            policy.features[0].memory.locality = locality
            policy.features[0].memory.max = 1 << 30
            var bench = Bench(policy)
            for _ in 0..<5 { bench.look(["hog": 300], remote: 100) }
            for _ in 0..<5 { bench.look(["hog": 300], remote: 1) }
            #expect(
                bench.notes(.memory)
                    == (locality == .any
                        ? []
                        : [
                            "hog: 100 MiB of its memory is on nodes that are not its own (more "
                                + "than 64 MiB)",
                            "hog: its memory is on its own nodes again, but for 1 MiB",
                        ]),
                "\(locality)")
        }
    }
}
