package import PoiseModel

extension WhyNot {
    /// The answer in paragraphs of plain English.
    package func sentences(in situation: Situation) -> [String] {
        WhyNotWords(self, situation).sentences
    }
}

extension Question {
    /// `4 performance cores`, `CPUs 4-7`, `a place`.
    package func words(on machine: Machine) -> String {
        let phrasing = Phrasing(machine)
        switch self {
        case .cores(let coreClass, let amount): return phrasing.cores(amount, coreClass)
        case .memory(let bytes): return phrasing.amount(.memory, bytes)
        case .node(let number): return "a core in node \(number)"
        case .cpus(let cpus): return phrasing.cpus(cpus)
        case .gpu(let bytes): return phrasing.amount(.gpu, bytes)
        case .npu(let percent): return phrasing.amount(.npu, percent)
        case .running: return "a place"
        }
    }
}

struct WhyNotWords {
    private let answer: WhyNot
    private let situation: Situation
    private let phrasing: Phrasing
    private let remedyWords: RemedyWords

    init(_ answer: WhyNot, _ situation: Situation) {
        self.answer = answer
        self.situation = situation
        phrasing = Phrasing(situation.machine)
        remedyWords = RemedyWords(answer.feature, situation)
    }

    var sentences: [String] {
        let wanted = answer.question.words(on: situation.machine)
        let feature = answer.feature
        switch answer.verdict {
        case .has:
            return answer.question == .running
                ? ["\(feature) has a place: \(has)."] : ["\(feature) has it already: \(has)."]
        case .onSignal:
            return [
                "\(feature) has \(has). It would get \(short) as soon as it signalled that"
                    + " it needs them. \(cost)"
            ]
        case .no:
            return [no(wanted)] + ways(to: wanted)
        }
    }

    /// What it has of what was asked for.
    private var has: String {
        guard let allocation = situation.plan[answer.feature],
            situation.absent[answer.feature] == nil
        else { return "no place" }
        switch answer.question {
        case .cores(let coreClass?, _):
            return phrasing.cores(allocation.millicores[coreClass], coreClass)
        case .cores(nil, _), .running: return allocation.timeWords(phrasing)
        case .memory:
            return "\(QuantityText.bytes(allocation.memory.lowBytes)) of memory kept for it"
        case .node, .cpus: return phrasing.cpus(allocation.cpus)
        case .gpu, .npu:
            let parts = allocation.accelerators.map { share in
                let amount =
                    share.sharePercent.map { "\($0) %" } ?? QuantityText.bytes(share.bytes)
                return "\(amount) of \(share.id)"
            }
            return parts.isEmpty ? "no accelerator" : Phrasing.list(parts)
        }
    }

    /// What was asked for, where `has` has just named the same thing.
    private var short: String {
        let isNamed = situation.plan[answer.feature] != nil
        switch answer.question {
        case .cores(let coreClass?, let amount) where isNamed:
            let held = situation.plan[answer.feature]?.millicores[coreClass] ?? 0
            return held > 0 && amount >= 1000
                ? phrasing.number(amount) : phrasing.cores(amount, coreClass)
        case .memory(let bytes) where isNamed: return QuantityText.bytes(bytes)
        default: return answer.question.words(on: situation.machine)
        }
    }

    private var cost: String {
        let losses = answer.signal?.losses ?? []
        guard !losses.isEmpty else { return "Nobody else would have less for it." }
        return "For it, \(losses.map(remedyWords.loss).joined(separator: "; "))."
    }

    private func no(_ wanted: String) -> String {
        let words = ConstraintWords(answer.feature, situation)
        var why = ""
        if case .absent(let state) = answer.constraint {
            return Situation.absence("\(answer.feature)", state)
        }
        if let constraint = answer.constraint {
            // The holders are those of the plan that would come of the signal.
            var after = situation
            after.plan = answer.asked
            why = " " + ConstraintWords(answer.feature, after).sentence(constraint)
        }
        if answer.question == .running {
            guard let kept = situation.plan.keptOut.first(where: { $0.feature == answer.feature })
            else { return "\(answer.feature) has no place.\(why)" }
            return words.keptOut(kept) + why
        }
        var start = "\(answer.feature) has \(has), not \(short)."
        if asksForSignal, case .cores(let coreClass, _) = answer.question {
            start =
                "\(answer.feature) has \(has), and would \(instead(coreClass))\(short) if it"
                + " signalled that it needs them."
        }
        return start + why
    }

    /// `not get `, or the part of it that it would get.
    private func instead(_ coreClass: CoreClass?) -> String {
        let time = { (plan: AllocationPlan) -> Int in
            let held = plan[answer.feature]?.millicores ?? .zero
            return coreClass.map { held[$0] } ?? held.total
        }
        let got = time(answer.asked)
        guard got > time(situation.plan) else { return "not get " }
        return "get only \(phrasing.number(got)) instead of "
    }

    private var asksForSignal: Bool {
        situation.absent[answer.feature] == nil && situation.plan[answer.feature] != nil
    }

    private func ways(to wanted: String) -> [String] {
        if case .doubted = answer.constraint {
            return ["It is believed again when it uses what it has."]
        }
        guard answer.isPossible else {
            return ["No change of the policy gives it \(wanted): \(lack)."]
        }
        guard let first = answer.remedies.first else {
            let tried = answer.isCutShort ? "None of the \(answer.plans) changes tried" : ""
            let none = "No single change, and no two together,"
            return [(tried.isEmpty ? none : tried) + " would give it \(wanted)."]
        }
        var text =
            "The smallest change that gives it \(wanted): \(remedyWords.text(first))."
        let others = answer.remedies.dropFirst().map(remedyWords.text)
        if !others.isEmpty { text += " Or: \(others.joined(separator: "; or "))." }
        return [text]
    }

    /// What the machine lacks.
    private var lack: String {
        let machine = situation.machine
        switch answer.question {
        case .cores(let coreClass, _):
            let count = machine.cores.count { coreClass == nil || $0.class == coreClass }
            guard count > 0 else {
                return "this machine has no \(coreClass.map(Phrasing.word) ?? "") cores"
            }
            return "the whole machine has \(phrasing.cores(count * 1000, coreClass))"
        case .memory:
            let total = MemoryPlacement.supply(machine, reserveBytes: 0) ?? 0
            return "the whole machine has \(QuantityText.bytes(total)) of memory"
        case .node(let number):
            let there = machine.nodes.contains { $0.osIndex == number }
            return there
                ? "even alone on the machine it would be placed elsewhere"
                : "the machine has no node \(number)"
        case .cpus(let cpus):
            let unknown = cpus.subtracting(machine.pus)
            return unknown.isEmpty
                ? "even alone on the machine it would be placed elsewhere"
                : "the machine has no \(phrasing.cpus(unknown))"
        case .gpu, .npu:
            let kind: Accelerator.Kind = answer.question.resource == .npu ? .npu : .gpu
            let sizes = machine.accelerators.filter { $0.kind == kind }.map(\.bytes)
            guard let largest = sizes.max(by: { $0 ?? 0 < $1 ?? 0 }) else {
                return "this machine has no \(kind.rawValue.uppercased())"
            }
            return "its largest \(kind.rawValue.uppercased()) has"
                + " \(QuantityText.bytes(largest ?? 0))"
        case .running: return "even alone on the machine it would lack what it needs"
        }
    }
}

extension ResourceAllocation {
    /// `3 performance cores and 6 efficiency cores of its own`, with time on shared cores.
    func timeWords(_ phrasing: Phrasing) -> String {
        let own = CoreClass.allCases.filter { cores[$0] > 0 }
            .map { phrasing.cores(cores[$0] * 1000, $0) }
        var parts: [String] = []
        if !own.isEmpty {
            parts.append("\(Phrasing.list(own)) of its own (\(phrasing.cpus(exclusive)))")
        }
        let shares = CoreClass.allCases.compactMap { coreClass -> String? in
            let time = millicores[coreClass] - cores[coreClass] * 1000
            return time > 0 ? phrasing.cores(time, coreClass) : nil
        }
        if !shares.isEmpty {
            parts.append(
                "the time of \(Phrasing.list(shares)) on \(phrasing.cpus(shared)), which it shares")
        } else if own.isEmpty {
            parts.append(
                "no time of its own, only what others leave on \(phrasing.cpus(shared))")
        }
        return parts.joined(separator: ", and ")
    }
}

extension ConstraintWords {
    /// `twin is kept out: it needs at least 1 performance core, and none is left.`
    func keptOut(_ kept: KeptOut) -> String {
        let needs = kept.unmet.map { unmet -> String in
            let least = phrasing.amount(unmet.resource, unmet.wanted)
            var left = "\(phrasing.bare(unmet.resource, unmet.got)) left"
            if unmet.got == 0 { left = "none is left" }
            if case .cores(let wish) = unmet.resource, !canUseAny(wish, of: kept.feature) {
                left = "this machine has none"
            }
            return "\(least) (\(left))"
        }
        return "\(kept.feature) is kept out: it needs at least \(Phrasing.list(needs))."
    }

    /// Whether the machine has cores that a wish may be met with.
    private func canUseAny(_ wish: CoreClass, of feature: FeatureID) -> Bool {
        let fallback = situation.policy(of: feature)?.cores[wish]?.fallback ?? .any
        return Apportionment.sources(of: wish, fallback)
            .contains { situation.machine.classes.contains($0) }
    }
}
