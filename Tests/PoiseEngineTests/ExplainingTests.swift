import PoiseEngine
import PoiseModel
import PoiseTestSupport
import Testing

/// What every explanation holds to, over random machines, policies and demands. A failing seed is
/// printed with the test's argument.
@Suite struct ExplainingProperties {
    private static let seeds = Array(UInt64(0)..<30)
    private static let casesPerSeed = 6

    /// A random situation, planned twice so that there is a plan in force.
    private func situation(using random: inout SeededGenerator) -> Situation {
        let machine = randomMachine(using: &random)
        let policy = randomPolicy(using: &random)
        var demands: [FeatureID: Demand] = [:]
        for feature in policy.features where Bool.random(using: &random) {
            var demand = Demand()
            for coreClass in CoreClass.allCases where Bool.random(using: &random) {
                demand.wanted[coreClass] = Int.random(in: 0...40, using: &random) * 250
            }
            demands[feature.id] = demand
        }
        let planner = Planner(machine: machine, policy: policy)
        let plan = planner.plan(demands: demands, inForce: planner.plan())
        return Situation(machine: machine, policy: policy, plan: plan, demands: demands)
    }

    private func question(using random: inout SeededGenerator) -> Question {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .memory(Int.random(in: 1...20, using: &random) << 30)
        case 1: .node(Int.random(in: 0...3, using: &random))
        case 2: .cpus(CPUSet(0..<Int.random(in: 1...3, using: &random)))
        case 3: .running
        case 4: .cores(nil, Int.random(in: 1...10, using: &random) * 500)
        default:
            .cores(
                CoreClass.allCases.randomElement(using: &random) ?? .performance,
                Int.random(in: 1...12, using: &random) * 500)
        }
    }

    @Test("the named holders, the reserve and what is free are all cores", arguments: seeds)
    func ledgersAddUp(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let situation = situation(using: &random)
            for coreClass in situation.machine.classes {
                let ledger = CoreLedger(coreClass, situation)
                let cores = situation.machine.cores.filter { $0.class == coreClass }
                #expect(ledger.total == cores.count * 1000)
                #expect(ledger.free >= 0)
                let held = ledger.holders.reduce(0) { $0 + $1.millicores }
                #expect(held + ledger.reserve + ledger.free == ledger.total)
                let idle = cores.count { $0.pus.isSubset(of: situation.plan.idle) }
                let kept = situation.plan.reservedMillicores
                #expect(ledger.free >= idle * 1000 - kept, "idle cores are free")
                for holder in ledger.holders {
                    #expect(holder.minimum <= holder.millicores)
                    let said = situation.plan[holder.feature]?.millicores[coreClass]
                    #expect(said == holder.millicores)
                }
            }
        }
    }

    /// `of 8 performance cores: 0.2 kept for the system, 3 its own; of …`
    @Test("the amounts in a plan's own words add up too", arguments: seeds)
    func wordsOfThePlanAddUp(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let plan = situation(using: &random).plan
            let texts = plan.features.flatMap(\.unmet) + plan.keptOut.flatMap(\.unmet)
            for text in texts.map(\.because) where text.hasPrefix("of ") {
                for part in text.split(separator: ";") {
                    let words = part.split { $0 == ":" }
                    let amounts = words.last?.split(separator: ",") ?? []
                    let sum = amounts.reduce(0) { $0 + millicores($1) }
                    #expect(sum == millicores(words[0].drop { !$0.isNumber }), "\(text)")
                }
            }
        }
    }

    private func millicores(_ text: some StringProtocol) -> Int {
        let number = text.drop { $0 == " " }.prefix { $0.isNumber || $0 == "." }
        let parts = number.split(separator: ".")
        let whole = parts.first.flatMap { Int($0) } ?? 0
        let digits = parts.count > 1 ? String(parts[1]) + "00" : "000"
        return whole * 1000 + (Int(digits.prefix(3)) ?? 0)
    }

    @Test("what is said to give it gives it, within the bound", arguments: seeds)
    func remediesDo(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let situation = situation(using: &random)
            let feature = try #require(situation.policy.features.randomElement(using: &random)).id
            let question = question(using: &random)
            let answer = WhyNot(question, for: feature, in: situation)
            #expect(answer.plans <= 102 + 6 * situation.policy.features.count)
            let hasIt = question.isMet(
                for: feature, by: situation.plan, on: situation.machine)
            #expect((answer.verdict == .has) == hasIt)
            var asked = situation
            asked.demands[feature] =
                question.need(of: feature, in: situation) ?? situation.demands[feature]
            if answer.verdict == .no {
                #expect(answer.constraint != nil)
                #expect(
                    !question.isMet(for: feature, by: asked.replanned(), on: asked.machine))
            }
            for remedy in answer.remedies {
                let changed = remedy.changes.reduce(asked) { $1.made(in: $0) }
                let plan = changed.replanned()
                #expect(question.isMet(for: feature, by: plan, on: changed.machine))
                #expect(plan == remedy.plan)
                let audit = PlanAudit(plan, machine: changed.machine, policy: changed.policy)
                #expect(audit.breaches == [])
            }
        }
    }

    @Test("a need that has only to be signalled is met when it is", arguments: seeds)
    func signalsDo(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let situation = situation(using: &random)
            let feature = try #require(situation.policy.features.randomElement(using: &random)).id
            let question = question(using: &random)
            guard WhyNot(question, for: feature, in: situation).verdict == .onSignal else {
                continue
            }
            var demands = situation.demands
            demands[feature] = question.need(of: feature, in: situation)
            let plan = Planner(machine: situation.machine, policy: situation.policy)
                .plan(demands: demands, inForce: situation.plan)
            #expect(question.isMet(for: feature, by: plan, on: situation.machine))
        }
    }

    @Test("every feature has an explanation, and it says one binding thing", arguments: seeds)
    func everythingIsExplained(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let situation = situation(using: &random)
            for policy in situation.policy.features {
                let explanation = try #require(
                    Explanation(of: policy.id, in: situation, looksForMore: false))
                let text = explanation.sentences(in: situation)
                #expect(text.allSatisfy { $0.hasSuffix(".") || $0.hasSuffix(":") }, "\(text)")
                let unmet = situation.plan[policy.id]?.unmet ?? []
                switch explanation.constraint {
                case .ownMaximum, .ownWant, .ownNeed, .deadband:
                    #expect(unmet.isEmpty && situation.plan[policy.id] != nil)
                case .held(let ledgers, let wanted, let got):
                    #expect(got < wanted)
                    let said = explanation.constraint.words(for: policy.id, in: situation)
                    for ledger in ledgers where ledger.free >= 1000 {
                        #expect(said.contains("left over"), "\(said)")
                        #expect(!said.hasPrefix("All"), "\(said)")
                    }
                default: break
                }
            }
        }
    }

    @Test("other places are told with what the planner would reckon", arguments: seeds)
    func placesAreReckoned(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<Self.casesPerSeed {
            let situation = situation(using: &random)
            for allocation in situation.plan.features {
                let all = PlaceAlternative.all(of: allocation.feature, in: situation)
                let cost = PlaceAlternative.cost(of: allocation.feature, in: situation)
                #expect((cost == nil) == allocation.exclusive.isEmpty)
                for place in all {
                    #expect(place.movedCPUs > 0)
                    #expect(place.movedCPUs <= allocation.exclusive.count)
                    let total = (cost?.total ?? 0) + place.difference.total
                    #expect(total >= PlacementCost.ofNode + PlacementCost.ofCache)
                    #expect(!place.displaced.contains { $0.feature == allocation.feature })
                }
            }
        }
    }

    @Test("a situation is read back as it was written", arguments: seeds.prefix(8))
    func situationsAreCoded(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var situation = situation(using: &random)
        let id = try #require(situation.policy.features.first).id
        situation.absent[id] = "is stopped"
        situation.loads[id] = .init(usedMillicores: 120, wants: 2000, isForetold: true)
        let json = try JSONEncoding.encode(situation)
        #expect(try JSONDecoding.decode(Situation.self, from: json) == situation)
    }
}

/// Single answers that a rule is told by.
@Suite struct WhyNotCases {
    private func id(_ name: String) -> FeatureID {
        guard let id = FeatureID(name) else { preconditionFailure(name) }
        return id
    }

    private func situation(_ machine: Machine, _ features: [FeaturePolicy]) -> Situation {
        let policy = Policy(name: "case", features: features)
        return Situation(
            machine: machine, policy: policy,
            plan: Planner(machine: machine, policy: policy).plan())
    }

    @Test func aPriorityIsRaisedNoFurtherThanNeeded() throws {
        let made = situation(
            machine([CoreGroup(5)]),
            [
                feature("asks", priority: 10, performance: cores(1, 3, 3)),
                feature("mid", priority: 30, performance: cores(1, 3, 3)),
                feature("top", priority: 70, performance: cores(1, 1, 1)),
            ])
        let answer = WhyNot(.cores(.performance, 2000), for: id("asks"), in: made)
        #expect(answer.remedies.first?.changes == [.priority(id("asks"), to: 31)])
        let loss = try #require(answer.remedies.first?.losses.first)
        #expect(loss.feature == id("mid"))
        #expect((loss.coresBefore.total, loss.coresAfter.total) == (3000, 1000))
    }

    @Test func anothersWantIsLoweredByNoMoreThanNeeded() {
        let made = situation(
            machine([CoreGroup(8)]),
            [
                feature("asks", priority: 10, performance: cores(1, 4, 4)),
                feature("has", priority: 100, performance: cores(1, 6, 8)),
            ])
        let answer = WhyNot(.cores(.performance, 4000), for: id("asks"), in: made)
        #expect(
            answer.remedies.contains { remedy in
                remedy.changes == [.coreWant(id("has"), .performance, to: 4000)]
            })
    }

    @Test func twoChangesAreFoundWhenOneDoesNotDo() throws {
        let made = situation(
            machine([CoreGroup(4)]),
            [
                feature("a", priority: 50, performance: cores(2, 2, 2)),
                feature("asks", priority: 10, performance: cores(0, 4, 4, fallback: .none)),
                feature("b", priority: 50, performance: cores(2, 2, 2)),
            ])
        let answer = WhyNot(.cores(.performance, 4000), for: id("asks"), in: made)
        let remedy = try #require(answer.remedies.first)
        #expect(remedy.changes.count == 2)
        #expect(remedy.plan[id("asks")]?.millicores.performance == 4000)
    }

    @Test func aNeedBeyondTheMaximumIsNoPartOfWhatIsAsked() {
        var made = situation(
            machine([CoreGroup(4)]),
            [
                feature("asks", priority: 80, performance: cores(1, 1, 2)),
                feature("has", priority: 90, performance: cores(1, 3, 3)),
            ])
        made.demands[id("asks")] = Demand()
        made.demands[id("asks")]?.wanted.performance = 2700
        made.plan = made.replanned()
        let answer = WhyNot(.cores(nil, 2000), for: id("asks"), in: made)
        #expect(answer.remedies.first?.changes == [.priority(id("asks"), to: 91)])
    }

    @Test func whatTheMachineLacksIsSaidWithoutSearching() {
        let made = situation(
            machine([CoreGroup(2)]), [feature("x", performance: cores(1, 1, 64))])
        let answer = WhyNot(.cores(.performance, 3000), for: id("x"), in: made)
        #expect(!answer.isPossible)
        #expect(answer.remedies.isEmpty)
        #expect(answer.plans <= 2)
    }

    @Test func aStoppedFeatureIsToBeStarted() {
        var made = situation(
            machine([CoreGroup(2)]), [feature("x", performance: cores(1, 1, 2))])
        made.absent[id("x")] = "is stopped"
        made.plan = made.replanned()
        let answer = WhyNot(.running, for: id("x"), in: made)
        #expect(answer.remedies.first?.changes == [.start(id("x"))])
        #expect(answer.constraint == .absent("is stopped"))
    }
}
