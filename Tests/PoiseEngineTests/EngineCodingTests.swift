import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

@Suite struct EngineCodingTests {
    @Test(arguments: 0..<24)
    func `an engine that was written and read decides the same, to the bit`(seed: Int) throws {
        var turns = RandomTurns(seed: UInt64(seed))
        var engine = turns.engine()
        var copy: Supervisor?
        for number in 0..<120 {
            let (inputs, now) = turns.next(for: engine)
            let written = try JSONEncoding.encode(inputs)
            #expect(try JSONDecoding.decode([Input].self, from: written) == inputs)
            let directives = engine.handle(inputs, now: now)
            if let answer = copy?.handle(inputs, now: now), answer != directives {
                Issue.record("seed \(seed), turn \(number): \(directives) became \(answer)")
                return
            }
            let coded = try JSONEncoding.encode(directives)
            let read = try JSONDecoding.decode([Directive].self, from: coded)
            guard read == directives else {
                Issue.record("seed \(seed), turn \(number): directives changed on their way")
                return
            }
            guard number % 10 == 3 else { continue }
            let state = try JSONEncoding.encode(engine)
            if let copy {
                let other = try JSONEncoding.encode(copy)
                guard state == other else {
                    Issue.record("seed \(seed), turn \(number): states differ")
                    return
                }
            }
            let again = try JSONDecoding.decode(Supervisor.self, from: state)
            guard try JSONEncoding.encode(again) == state else {
                Issue.record("seed \(seed), turn \(number): the state is written otherwise")
                return
            }
            copy = again
        }
    }

    @Test func `the text does not depend on the order in which a dictionary was filled`() throws {
        let names = (0..<40).compactMap { FeatureID("f\($0)") }
        func text(_ names: [FeatureID], _ size: Int) throws -> String {
            var turn = LoadTurn(wallSeconds: 1)
            turn.features.reserveCapacity(size)
            for name in names { turn.features[name] = LoadReading(microseconds: 5) }
            return try JSONEncoding.encode(Input.load(turn)).description
        }
        #expect(try text(names, 40) == text(names.reversed(), 4000))
    }

    @Test func `amounts and moments that would overflow are refused`() throws {
        let one = try #require(FeatureID("a"))
        let need = Input.need(one, .performance, millicores: .max, for: .seconds(1))
        let long = Input.need(one, .performance, millicores: 1, for: .nanoseconds(Int64.max))
        var turn = LoadTurn(wallSeconds: 1)
        turn.features[one] = LoadReading(microseconds: .max)
        for input in [need, long, .load(turn)] {
            let json = try JSONEncoding.encode(input)
            #expect(throws: CodingProblem.self) {
                try JSONDecoding.decode(Input.self, from: json)
            }
        }
    }

    /// A place in the JSON of an engine, what is put there, and what the error says.
    private static let damages: [(path: [String], value: JSON, says: String)] = [
        (["planner", "machine", "cores", "0", "node"], 7, "planner.machine: core 0 is on no node"),
        (["planner", "machine", "cores", "1", "pus"], "0", "shares a CPU"),
        (
            ["planner", "machine", "cores", "1", "pus"], "0-x",
            "planner.machine.cores[1].pus: \"0-x\""
        ),
        (["planner", "machine", "cores", "1", "pus"], "", "core 1 has no CPUs"),
        (["planner", "machine", "nodes", "0", "bytes"], .integer(.max), "cannot be"),
        (["planner", "machine", "cores"], [], "has no cores"),
        (["planner", "policy", "features", "0", "priority"], -1, "features[0]: priority"),
        (["planner", "policy", "features", "0", "id"], "a/b", "no name of a feature"),
        (["planner", "policy", "features", "0", "cores", "0", "max"], 1, "do not fit together"),
        (["planner", "policy", "rebalance", "every"], -1, "rebalances in a way"),
        (["plan", "idle"], "500", "CPUs that the machine has not: 500"),
        (["plan", "features", "0", "weight"], 0, "plan.features[0]: weight"),
        (["plan", "features", "0", "exclusive"], 3, "plan.features[0].exclusive: 3 is not a text"),
        (["records", "a", "life", "restart"], "ever", "records.a.life.restart"),
        (["records", "a", "since"], .integer(.max), "records.a.since"),
        (["records", "a", "generation"], .number(1.5), "1.5 is not an integer"),
        (["records"], .object([]), "has no record"),
        (["refusals", "count"], .integer(.max), "refusals: counts what cannot be"),
        (
            ["planner", "policy", "rebalance", "forecast"],
            ["season": .integer(1 << 60), "step": 1_000_000_000], "rebalance.forecast: a season of"
        ),
        (
            ["load", "account", "sums"],
            ["a": ["borrowed": 0, "entitled": .integer(.max), "lent": 0, "used": 0]],
            "has sums that cannot be"
        ),
        (
            ["load", "account", "open"], ["a": ["over": 0, "spare": .integer(.max)]],
            "has open amounts"
        ),
        (["deadlines", "stop"], nil, "deadlines"),
    ]

    @Test(arguments: damages.indices)
    func `a state that cannot be is refused with its place`(index: Int) throws {
        let damage = Self.damages[index]
        let policy = Policy(
            name: "one", features: [feature("a", performance: cores(1, 2, 3))])
        var engine = Supervisor(
            machine: machine([CoreGroup(4)]), policy: policy, now: Instant(nanoseconds: 0))
        _ = engine.handle([], now: Instant(nanoseconds: 1))
        let good = try JSONEncoding.encode(engine)
        let bad = good.replacing(damage.path[...], by: damage.value)
        #expect(bad != good)
        let problem = #expect(throws: CodingProblem.self) {
            try JSONDecoding.decode(Supervisor.self, from: bad)
        }
        #expect(problem?.description.contains(damage.says) ?? false, "\(problem as Any)")
    }
}

extension JSON {
    /// The same with another value at a path of keys and places.
    fileprivate func replacing(_ path: ArraySlice<String>, by value: JSON) -> JSON {
        guard let step = path.first else { return value }
        switch self {
        case .object(var members):
            for index in members.indices where members[index].key == step {
                members[index].value = members[index].value.replacing(
                    path.dropFirst(), by: value)
            }
            return .object(members)
        case .array(var elements):
            guard let index = Int(step), elements.indices.contains(index) else { return self }
            elements[index] = elements[index].replacing(path.dropFirst(), by: value)
            return .array(elements)
        default: return self
        }
    }
}
