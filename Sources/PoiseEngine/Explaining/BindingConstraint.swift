package import PoiseModel

/// The one thing that stops a feature from having more.
package enum BindingConstraint: Sendable, Equatable {
    /// It takes no part in the plan: its state, as people say it.
    case absent(String)
    /// It has all that it may have.
    case ownMaximum(Unmet.Resource, Int)
    /// It has all that its policy wants, and has signalled no need beyond.
    case ownWant(Unmet.Resource, want: Int, most: Int?)
    /// It has all that it needs, by its own word or by its load.
    case ownNeed(Unmet.Resource, need: Int, most: Int)
    /// Its need differs by too little from what it has.
    case deadband(CoreClass, need: Int, held: Int, percent: Int)
    /// It asks for more than its use explains, so that it is not believed.
    case doubted(CoreClass, signalled: Int, believed: Int)
    /// All cores that it may use are held.
    case held([CoreLedger], wanted: Int, got: Int)
    /// Nobody else holds any; the system keeps some.
    case reserve([CoreLedger], wanted: Int, got: Int)
    /// Nobody else holds any; there are no more.
    case machine([CoreLedger], wanted: Int, got: Int)
    /// The machine has no such cores, and its fallback allows no others.
    case noSuchCores(CoreClass)
    case memory(AmountLedger, wanted: Int, got: Int)
    /// Its nodes have no more, and it may not have memory elsewhere.
    case locality(nodes: NodeSet, wanted: Int, got: Int)
    case accelerator(AmountLedger, count: Int, wanted: Int, got: Int)
    case noSuchNode(Int)
    case noSuchCPUs(CPUSet)
    case reservedCPUs(CPUSet)
    /// Others have the CPUs.
    case takenCPUs([Taken])
    /// Nobody has them, and its place is no better there.
    case placedElsewhere

    package struct Taken: Sendable, Equatable {
        package var feature: FeatureID
        package var priority: Int
        package var cpus: CPUSet
        package var isShared: Bool
    }
}

extension BindingConstraint {
    /// What stops a feature from having more than it has.
    package init(stopping feature: FeatureID, in situation: Situation) {
        if let state = situation.absent[feature] {
            self = .absent(state)
            return
        }
        guard let allocation = situation.plan[feature] else {
            let kept = situation.plan.keptOut.first { $0.feature == feature }
            self = BindingConstraint(keptOut: kept, feature, situation)
            return
        }
        if let unmet = allocation.unmet.first {
            self = BindingConstraint(unmet, of: feature, situation)
            return
        }
        self = BindingConstraint(satisfied: feature, allocation, situation)
    }

    /// What stops a feature from having what was asked for, in a situation where it has asked.
    package init(
        stopping feature: FeatureID, from question: Question, in situation: Situation
    ) {
        let policy = situation.policy(of: feature)
        let allocation = situation.plan[feature]
        if let state = situation.absent[feature] {
            self = .absent(state)
            return
        }
        switch question {
        case .cores(let coreClass, let amount):
            self = BindingConstraint(
                cores: amount, coreClass, of: feature, situation)
        case .memory(let bytes):
            let got = allocation?.memory.lowBytes ?? 0
            if let most = policy?.memory.max, most < bytes {
                self = .ownMaximum(.memory, most)
            } else if policy?.memory.want ?? 0 < bytes {
                self = .ownWant(.memory, want: policy?.memory.want ?? 0, most: policy?.memory.max)
            } else {
                self = BindingConstraint(
                    Unmet(resource: .memory, wanted: bytes, got: got, because: ""), of: feature,
                    situation)
            }
        case .gpu(let amount), .npu(let amount):
            let resource = question.resource ?? .gpu
            let want = (resource == .gpu ? policy?.gpuBytes : policy?.npuPercent) ?? 0
            let shares = allocation?.accelerators ?? []
            let got = shares.map { resource == .gpu ? $0.bytes : $0.sharePercent ?? 0 }.max() ?? 0
            let unmet = Unmet(resource: resource, wanted: amount, got: got, because: "")
            self =
                want < amount
                ? .ownWant(resource, want: want, most: nil)
                : BindingConstraint(unmet, of: feature, situation)
        case .node(let number):
            let node = situation.machine.nodes.first { $0.osIndex == number }
            self =
                node.map { BindingConstraint(cpus: $0.pus, wantsAll: false, feature, situation) }
                ?? .noSuchNode(number)
        case .cpus(let cpus):
            self = BindingConstraint(cpus: cpus, wantsAll: true, feature, situation)
        case .running:
            let kept = situation.plan.keptOut.first { $0.feature == feature }
            self = BindingConstraint(keptOut: kept, feature, situation)
        }
    }

    private init(keptOut kept: KeptOut?, _ feature: FeatureID, _ situation: Situation) {
        guard let unmet = kept?.unmet.first else {
            self = .absent("waiting for a plan")
            return
        }
        self = BindingConstraint(unmet, of: feature, situation)
    }

    private init(_ unmet: Unmet, of feature: FeatureID, _ situation: Situation) {
        let (wanted, got) = (unmet.wanted, unmet.got)
        switch unmet.resource {
        case .cores(let wish):
            let fallback = situation.policy(of: feature)?.cores[wish]?.fallback ?? .any
            self = BindingConstraint(
                Apportionment.sources(of: wish, fallback), wish: wish, wanted: wanted, got: got,
                of: feature, situation)
        case .memory:
            let ledger = AmountLedger.memory(situation)
            let isStrict = situation.policy(of: feature)?.memory.locality == .strict
            let missing = wanted - got
            self =
                isStrict && ledger.free ?? 0 >= missing
                ? .locality(
                    nodes: situation.plan[feature]?.nodes ?? [], wanted: wanted, got: got)
                : .memory(ledger, wanted: wanted, got: got)
        case .gpu, .npu:
            let kind: Accelerator.Kind = unmet.resource == .gpu ? .gpu : .npu
            self = .accelerator(
                .accelerators(kind, situation),
                count: situation.machine.accelerators.count { $0.kind == kind }, wanted: wanted,
                got: got)
        }
    }

    /// Who has the cores of some classes.
    private init(
        _ sources: [CoreClass], wish: CoreClass, wanted: Int, got: Int, of feature: FeatureID,
        _ situation: Situation
    ) {
        let ledgers = sources.map { CoreLedger($0, situation) }.filter { $0.total > 0 }
        let others = ledgers.contains { $0.holders.contains { $0.feature != feature } }
        if ledgers.isEmpty {
            self = .noSuchCores(wish)
        } else if others {
            self = .held(ledgers, wanted: wanted, got: got)
        } else if ledgers.contains(where: { $0.reserve > 0 }) {
            self = .reserve(ledgers, wanted: wanted, got: got)
        } else {
            self = .machine(ledgers, wanted: wanted, got: got)
        }
    }

    private init(
        cores amount: Int, _ coreClass: CoreClass?, of feature: FeatureID, _ situation: Situation
    ) {
        let policy = situation.policy(of: feature)
        let held = situation.plan[feature]?.millicores ?? .zero
        if let coreClass {
            let wish = Question.wish(of: feature, for: coreClass, in: situation)
            let isThere = situation.machine.classes.contains(coreClass)
            if isThere, let most = policy?.cores[wish]?.max ?? (policy == nil ? nil : 0),
                most < amount
            {
                self = .ownMaximum(.cores(wish), most)
                return
            }
            let percent = situation.policy.rebalance.deadbandPercent
            let before = situation.plan[feature]?.wanted[wish] ?? 0
            if before < amount, (amount - before) * 100 <= before * percent {
                self = .deadband(wish, need: amount, held: before, percent: percent)
                return
            }
            self = BindingConstraint(
                [coreClass], wish: coreClass, wanted: amount, got: held[coreClass], of: feature,
                situation)
            return
        }
        let wishes = CoreClass.allCases.filter { policy?.cores[$0] != nil }
        let most = wishes.reduce(0) { $0 + (policy?.cores[$1]?.max ?? 0) }
        if most < amount {
            self = .ownMaximum(.cores(wishes.first ?? .performance), most)
            return
        }
        let sources = CoreClass.allCases.filter { source in
            wishes.contains { wish in
                policy?.cores[wish].map {
                    Apportionment.sources(of: wish, $0.fallback).contains(source)
                } ?? false
            }
        }
        self = BindingConstraint(
            sources, wish: wishes.first ?? .performance, wanted: amount, got: held.total,
            of: feature, situation)
    }

    /// Nothing is lacking: its own limits are what holds it.
    private init(
        satisfied feature: FeatureID, _ allocation: ResourceAllocation, _ situation: Situation
    ) {
        let policy = situation.policy(of: feature)
        let wishes = CoreClass.allCases.filter { policy?.cores[$0] != nil }
        let here = situation.machine.classes
        // Others stand in for some of what it wants.
        let replaced = wishes.first {
            here.contains($0) && allocation.millicores[$0] < allocation.wanted[$0]
        }
        if let replaced {
            self = BindingConstraint(
                [replaced], wish: replaced, wanted: allocation.wanted[replaced],
                got: allocation.millicores[replaced], of: feature, situation)
            return
        }
        let signalled = wishes.filter { situation.demands[feature]?.wanted[$0] != nil }
        let largest = (signalled.isEmpty ? wishes : signalled)
            .max { allocation.wanted[$0] < allocation.wanted[$1] }
        guard let largest, let wish = policy?.cores[largest] else {
            let want = policy?.memory.want ?? 0
            self = .ownWant(.memory, want: want, most: policy?.memory.max)
            return
        }
        let held = allocation.wanted[largest]
        if let doubted = situation.doubted(feature, largest) {
            self = .doubted(largest, signalled: doubted.signalled, believed: doubted.believed)
            return
        }
        let target = situation.target(of: feature, largest) ?? held
        if held < target {
            self = .deadband(
                largest, need: target, held: held,
                percent: situation.policy.rebalance.deadbandPercent)
        } else if held >= wish.max {
            self = .ownMaximum(.cores(largest), wish.max)
        } else if situation.demands[feature]?.wanted[largest] != nil {
            self = .ownNeed(.cores(largest), need: held, most: wish.max)
        } else {
            self = .ownWant(.cores(largest), want: wish.want, most: wish.max)
        }
    }

    private init(
        cpus: CPUSet, wantsAll: Bool, _ feature: FeatureID, _ situation: Situation
    ) {
        let unknown = cpus.subtracting(situation.machine.pus)
        let reserved = cpus.intersection(situation.plan.reserved)
        let taken = situation.plan.features.compactMap { other -> Taken? in
            let theirs = other.cpus.intersection(cpus)
            guard other.feature != feature, !theirs.isEmpty else { return nil }
            return Taken(
                feature: other.feature, priority: other.priority, cpus: theirs,
                isShared: theirs.isDisjoint(with: other.exclusive))
        }
        let free = taken.reduce(cpus.subtracting(reserved)) { $0.subtracting($1.cpus) }
        if !unknown.isEmpty {
            self = .noSuchCPUs(unknown)
        } else if wantsAll && !reserved.isEmpty {
            self = .reservedCPUs(reserved)
        } else if !taken.isEmpty, wantsAll || free.isEmpty {
            self = .takenCPUs(
                taken.sorted { ($1.priority, $0.feature) < ($0.priority, $1.feature) })
        } else {
            self = .placedElsewhere
        }
    }
}

// For programs.
extension BindingConstraint {
    /// A word for each kind.
    package var kind: String {
        switch self {
        case .absent: "absent"
        case .ownMaximum: "ownMaximum"
        case .ownWant: "ownWant"
        case .ownNeed: "ownNeed"
        case .deadband: "deadband"
        case .doubted: "doubted"
        case .held: "held"
        case .reserve: "reserve"
        case .machine: "machine"
        case .noSuchCores: "noSuchCores"
        case .memory: "memory"
        case .locality: "locality"
        case .accelerator: "accelerator"
        case .noSuchNode: "noSuchNode"
        case .noSuchCPUs: "noSuchCPUs"
        case .reservedCPUs: "reservedCPUs"
        case .takenCPUs: "takenCPUs"
        case .placedElsewhere: "placedElsewhere"
        }
    }

    /// Who has the cores that it is about.
    package var coreLedgers: [CoreLedger] {
        switch self {
        case .held(let ledgers, _, _), .reserve(let ledgers, _, _), .machine(let ledgers, _, _):
            ledgers
        default: []
        }
    }

    /// Who has the memory or accelerators that it is about.
    package var amountLedger: AmountLedger? {
        switch self {
        case .memory(let ledger, _, _), .accelerator(let ledger, _, _, _): ledger
        default: nil
        }
    }

    /// Whether the machine itself lacks what is wanted.
    var isOfTheMachine: Bool {
        switch self {
        case .machine, .noSuchCores, .noSuchNode, .noSuchCPUs: true
        case .accelerator(_, let count, _, _): count == 0
        default: false
        }
    }

    /// The constraint in a sentence or two.
    package func words(for feature: FeatureID, in situation: Situation) -> String {
        ConstraintWords(feature, situation).sentence(self)
    }
}
