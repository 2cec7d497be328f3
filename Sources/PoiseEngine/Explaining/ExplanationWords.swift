import PoiseModel

extension Explanation {
    /// The explanation in paragraphs of plain English: what it has, what it wants, what stops it
    /// from having more, why it is where it is, and what would give it more.
    package func sentences(in situation: Situation) -> [String] {
        let words = ExplanationWords(self, situation)
        return [words.has, words.wants, words.why, words.place, words.more]
            .filter { !$0.isEmpty }
    }
}

/// What a place costs more than another, as a person would say it.
extension PlaceAlternative {
    /// `node 1`, `L2#3`.
    package var name: String {
        switch place {
        case .node(let number): "node \(number)"
        case .cache(let name): name
        }
    }

    /// `1 more cache; agents would leave 4 CPUs`: what it costs more there, or that it is no
    /// better.
    package var words: String {
        var parts = [
            more(difference.nodes, "node"), more(difference.caches, "cache"),
            difference.distance == 0
                ? nil
                : "\(difference.distance > 0 ? "farther from" : "nearer to") its accelerator",
        ].compactMap(\.self)
        if parts.isEmpty { parts = ["no better"] }
        if lacksMemory { parts.append("too little memory") }
        parts += displaced.map { other in
            let who = other.feature?.name ?? "the shared cores"
            return "\(who) would leave \(count(other.cpus, "CPU"))"
        }
        if movedCPUs > 0 { parts.append("\(count(movedCPUs, "CPU")) of its own would move") }
        return parts.joined(separator: "; ")
    }

    private func more(_ difference: Int, _ noun: String) -> String? {
        guard difference != 0 else { return nil }
        let size = abs(difference)
        return "\(size) \(difference > 0 ? "more" : "fewer") \(noun)\(size == 1 ? "" : "s")"
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}

private struct ExplanationWords {
    private let explanation: Explanation
    private let situation: Situation
    private let phrasing: Phrasing
    private let constraintWords: ConstraintWords

    init(_ explanation: Explanation, _ situation: Situation) {
        self.explanation = explanation
        self.situation = situation
        phrasing = Phrasing(situation.machine)
        constraintWords = ConstraintWords(explanation.feature, situation)
    }

    var has: String {
        let feature = explanation.feature
        guard let allocation = explanation.allocation else {
            if case .absent(let state) = explanation.constraint {
                return Situation.absence("\(feature)", state)
            }
            guard let kept = explanation.keptOut else {
                return "\(feature) has no place in the plan."
            }
            return constraintWords.keptOut(kept)
        }
        var parts = ["\(feature) has \(allocation.timeWords(phrasing))"]
        for loan in situation.plan.loans {
            if loan.borrower == feature {
                parts.append(
                    "may run on \(phrasing.cpus(loan.cpus)) while \(loan.lender) leaves"
                        + " \(loan.cpus.count == 1 ? "it" : "them") idle")
            } else if loan.lender == feature {
                parts.append(
                    "lets \(loan.borrower) run on \(phrasing.cpus(loan.cpus)) while it leaves"
                        + " \(loan.cpus.count == 1 ? "it" : "them") idle")
            }
        }
        var text = parts.joined(separator: ", and ") + "."
        let things = self.things(allocation)
        if !things.isEmpty { text += " It has \(Phrasing.list(things))." }
        return text
    }

    private func things(_ allocation: ResourceAllocation) -> [String] {
        var parts: [String] = []
        let memory = allocation.memory
        let limit = memory.maxBytes.map { "at most \(QuantityText.bytes($0))" }
        if memory.lowBytes > 0 {
            let kept = "\(QuantityText.bytes(memory.lowBytes)) of memory kept for it"
            let place = situation.machine.nodes.count > 1 && !allocation.nodes.isEmpty
            parts.append(
                kept + (place ? " on \(ConstraintWords.nodes(allocation.nodes))" : "")
                    + (limit.map { " (\($0))" } ?? ""))
        } else if let limit {
            parts.append("\(limit) of memory")
        }
        for share in allocation.accelerators {
            let amount = share.sharePercent.map { "\($0) %" } ?? QuantityText.bytes(share.bytes)
            parts.append("\(amount) of \(share.id)")
        }
        return parts
    }

    var wants: String {
        var sentences: [String] = []
        let isMixed = explanation.wishes.count > 1
        let wishes = explanation.wishes.map { wish in
            let want = phrasing.cores(wish.policy.want, wish.coreClass, alwaysNamed: isMixed)
            return "\(want) (\(limits(wish.policy)))"
        }
        if !wishes.isEmpty { sentences.append("Its policy wants \(Phrasing.list(wishes)).") }
        let missing = explanation.wishes.map(\.coreClass)
            .filter { !situation.machine.classes.contains($0) }.map(Phrasing.word)
        if explanation.allocation != nil, !missing.isEmpty {
            sentences.append(
                "This machine has no \(Phrasing.list(missing, "or")) cores; others stand in.")
        }
        let signalled = explanation.wishes.compactMap { wish in
            wish.signalled.map { phrasing.cores($0, wish.coreClass) }
        }
        if !signalled.isEmpty {
            sentences.append("It has signalled that it needs \(Phrasing.list(signalled)).")
        }
        sentences += explanation.wishes.compactMap(believed) + [load].compactMap(\.self)
        return sentences.joined(separator: " ")
    }

    /// What is made of its word and its load, where that is another amount than it signalled.
    private func believed(_ wish: Explanation.Wish) -> String? {
        guard let estimated = wish.estimated else { return nil }
        let cores = phrasing.cores(estimated, wish.coreClass)
        if let signalled = wish.signalled, estimated < signalled { return nil }
        let isForetold = explanation.load?.isForetold ?? false
        return isForetold
            ? "By earlier days it is expected to want \(cores) soon."
            : "Its load was taken to want \(cores)."
    }

    private var load: String? {
        guard let used = explanation.load?.usedMillicores else { return nil }
        let time =
            used < 10
            ? "next to no CPU time" : "the time of \(phrasing.cores((used + 5) / 10 * 10, nil))"
        var text = "It used \(time) lately"
        if let pressure = explanation.load?.pressurePerMille, pressure >= 10 {
            text += ", and waited for a CPU \(pressure / 10) % of the time"
        }
        if let waiting = explanation.load?.waitingMillicores, waiting >= 500,
            let entitled = explanation.allocation?.millicores.total, used * 10 < entitled * 7
        {
            let threads = waiting < 1500 ? "a thread" : "\((waiting + 500) / 1000) threads"
            text +=
                " while \(threads) of it waited:"
                + " others, or processes outside of Poise, had the CPUs"
        }
        return text + "."
    }

    private func limits(_ wish: CoreWish) -> String {
        let (least, most) = (phrasing.number(wish.min), phrasing.number(wish.max))
        return wish.min == 0 ? "at most \(most)" : "at least \(least), at most \(most)"
    }

    /// What it lacks, and the one thing that stops it from having more.
    var why: String {
        if case .absent = explanation.constraint { return "" }
        let lacks = (explanation.allocation?.unmet ?? []).map { unmet in
            let wanted = phrasing.amount(unmet.resource, unmet.wanted)
            return "\(phrasing.bare(unmet.resource, unmet.got)) of the \(wanted)"
        }
        let sentence = constraintWords.sentence(explanation.constraint)
        guard !lacks.isEmpty else { return standIns + sentence }
        return "It got \(Phrasing.list(lacks)) that it wants. \(sentence)"
    }

    /// Cores of other classes in the place of some that it wants.
    private var standIns: String {
        guard let allocation = explanation.allocation else { return "" }
        let parts = explanation.wishes.compactMap { wish -> String? in
            let got = allocation.millicores[wish.coreClass]
            guard situation.machine.classes.contains(wish.coreClass), got < wish.target else {
                return nil
            }
            let wanted = phrasing.cores(wish.target, wish.coreClass)
            return "\(phrasing.none(got)) of the \(wanted) that it wants, and"
                + " \(phrasing.number(wish.target - got)) of another class instead"
        }
        return parts.isEmpty ? "" : "It got \(Phrasing.list(parts)). "
    }

    var place: String {
        guard let allocation = explanation.allocation, explanation.cost != nil else {
            return ""
        }
        let caches = situation.machine.clusters.filter {
            !$0.pus.isDisjoint(with: allocation.exclusive)
        }
        let own = situation.machine.cores.filter { $0.pus.isSubset(of: allocation.exclusive) }
        let nodes = NodeSet(own.map { situation.machine.nodes[$0.node].osIndex })
        let names = caches.map { "\($0.cache)#\($0.id)" }
        var parts: [String] = []
        if situation.machine.nodes.count > 1 { parts.append("on \(ConstraintWords.nodes(nodes))") }
        if names.count > 6 {
            parts.append("in \(names.count) caches")
        } else if !names.isEmpty {
            parts.append("in cache\(names.count == 1 ? "" : "s") \(Phrasing.list(names))")
        }
        guard !parts.isEmpty else { return "" }
        let start = "Its own cores are \(parts.joined(separator: ", "))."
        guard !explanation.alternatives.isEmpty else { return start }
        let better = explanation.alternatives.contains {
            $0.difference.total < 0 && !$0.lacksMemory && $0.displaced.isEmpty
        }
        return start
            + (better
                ? " There would be a better place now; it moves there when that is worth the"
                    + " CPUs that have to move."
                : " Nowhere else would be better:")
    }

    var more: String {
        guard let more = explanation.more else { return "" }
        let wanted = more.question.words(on: situation.machine)
        let remedyWords = RemedyWords(explanation.feature, situation)
        switch more.verdict {
        case .has: return ""
        case .onSignal:
            let losses = (more.signal?.losses ?? []).map(remedyWords.loss)
            let cost =
                losses.isEmpty
                ? "nobody else would have less" : losses.joined(separator: "; ")
            return "It would get \(wanted) as soon as it signalled the need; \(cost)."
        case .no:
            // Where the machine lacks it, that has been said.
            if !more.isPossible, explanation.constraint.isOfTheMachine { return "" }
            return WhyNotWords(more, situation).sentences.last ?? ""
        }
    }
}
