import PoiseEngine
import PoiseModel

// What must hold after every turn of a `ChaosRun`.
extension ChaosRun {
    /// Directives are few, and the engine does not ask to be called at a moment that is over.
    mutating func checkBounds(_ directives: [Directive]) {
        let deeds = directives.count { if case .note = $0 { false } else { true } }
        let known = Set(features).union(processes.keys).union(engine.records.keys).count
        if deeds > 3 * known + 2 { breaches.append("\(deeds) directives in one turn") }
        if directives.count > 12 * known + 40 {
            breaches.append("\(directives.count) directives and notes in one turn")
        }
        if let deadline = seenDeadline(engine.nextDeadline, now), deadline.nanoseconds <= now {
            // A leap of the clock may end several things, one after the other.
            late += 1
            if late > 4 {
                breaches.append("the next deadline is \(now - deadline.nanoseconds) ns ago")
            }
        } else {
            late = 0
        }
    }

    /// Nothing is said to a process that the daemon knows to be gone.
    mutating func checkIsThere(_ feature: FeatureID, _ what: String) {
        if processes[feature] == nil, !untold.contains(feature) {
            breaches.append("\(feature) is \(what) and has no process")
        }
    }

    mutating func checkDirected(
        _ feature: FeatureID, _ allocation: ResourceAllocation, _ what: String
    ) {
        checkIsThere(feature, what)
        if allocation.feature != feature {
            breaches.append("\(feature) is \(what) what is \(allocation.feature)'s")
        }
        if allocation.cpus.isEmpty { breaches.append("\(feature) is \(what) no CPU") }
        // What is told on the way may be less than the amount that the plan counts, and what is
        // taken back may lie on CPUs that have gone offline meanwhile.
        guard what != "told" else { return }
        checkMinimum(feature, allocation)
        if !allocation.cpus.isSubset(of: machine.pus) {
            breaches.append("\(feature) is \(what) CPUs that are not there: \(allocation.cpus)")
        }
    }

    private mutating func checkMinimum(_ feature: FeatureID, _ allocation: ResourceAllocation) {
        guard let wanted = engine.policy[feature],
            wanted.shortage == .keepOut
        else { return }
        let minimum = CoreClass.allCases.reduce(0) { $0 + (wanted.cores[$1]?.min ?? 0) }
        if allocation.millicores.total < minimum {
            breaches.append(
                "\(feature) has \(allocation.millicores.total) of at least \(minimum)")
        }
    }

    mutating func checkStart(_ feature: FeatureID, _ allocation: ResourceAllocation) {
        if processes[feature] != nil { breaches.append("\(feature) is started twice") }
        if let record = engine.records[feature], record.isDisabled || record.breaker.isOpen {
            breaches.append("\(feature) is started, and is disabled or its breaker open")
        }
        if allocation.cpus.intersection(machine.pus).isEmpty {
            breaches.append("\(feature) is started on no CPU")
        }
        if !allocation.cpus.isSubset(of: machine.pus) {
            breaches.append("\(feature) is started on CPUs that are not there")
        }
        checkMinimum(feature, allocation)
        if !isRefusalOpen, let other = conflict(of: feature, allocation) {
            breaches.append("\(feature) is started on CPUs that \(other) still has")
        }
    }

    /// The process whose CPUs an allocation takes; loans are no conflict.
    func conflict(of feature: FeatureID, _ allocation: ResourceAllocation) -> FeatureID? {
        for (other, process) in processes.sorted(by: { $0.key < $1.key }) where other != feature {
            let held = process.held
            let isTaken =
                !Self.foreign(held, allocation).isDisjoint(with: allocation.exclusive)
                || !Self.foreign(allocation, held).isDisjoint(with: held.exclusive)
            if isTaken { return other }
        }
        return nil
    }

    /// What one runs on but for what the other lends to it.
    private static func foreign(
        _ one: ResourceAllocation, _ other: ResourceAllocation
    ) -> CPUSet {
        one.exclusive.union(one.shared).union(one.borrowed.subtracting(other.lent))
    }

    /// No CPU is exclusive to two live processes.
    mutating func checkExclusive() {
        for (feature, process) in processes.sorted(by: { $0.key < $1.key }) {
            guard let other = conflict(of: feature, process.held) else { continue }
            let sets = [process.held, processes[other]?.held].compactMap(\.self).map { held in
                "exclusive \(held.exclusive), shared \(held.shared), borrowed \(held.borrowed),"
                    + " lent \(held.lent)"
            }
            breaches.append(
                "\(feature) and \(other) have the same CPUs: " + sets.joined(separator: "; "))
            return
        }
    }

    /// After a turn: what the engine believes is what the kernel has.
    mutating func checkState() {
        guard !isRefusalOpen else { return }
        for (feature, process) in processes.sorted(by: { $0.key < $1.key }) {
            guard let record = engine.records[feature] else {
                breaches.append("\(feature) runs and the engine does not know it")
                continue
            }
            guard let believed = record.allocation else {
                breaches.append("\(feature) runs, the engine believes that it has nothing")
                continue
            }
            if believed.cpus != process.held.cpus || believed.millicores != process.held.millicores
            {
                breaches.append(
                    "\(feature) has CPUs \(process.held.cpus), the engine believes"
                        + " \(believed.cpus)")
            }
        }
        for (feature, record) in engine.records.sorted(by: { $0.key < $1.key })
        where record.life.state == .running && processes[feature] == nil {
            guard !untold.contains(feature) else { continue }
            breaches.append("\(feature) is taken to run and has no process")
        }
        checkExclusive()
    }

    /// Who does not run waits for something that may happen.
    private mutating func checkNobodyIsStuck() {
        for feature in engine.policy.features.map(\.id)
        where processes[feature] == nil && engine.plan[feature] == nil {
            guard let record = engine.records[feature] else {
                breaches.append("\(feature) has no record")
                continue
            }
            switch record.life.state {
            case .backingOff where record.deadline == nil:
                if case .held = record.breaker.state { continue }
                breaches.append("\(feature) backs off for ever")
            case .waiting where record.keptOut == nil:
                breaches.append("\(feature) waits for nothing")
            case .stopped where !record.isDisabled && feature.name.hasSuffix(".canary"):
                breaches.append("the canary \(feature) rests")
            default: break
            }
        }
    }

    /// When nothing happens any more, everybody has what the plan says.
    mutating func checkRest() {
        for rollout in engine.rollouts.active.values {
            breaches.append("the rollout of \(rollout.plugin) goes on: \(rollout.stage)")
        }
        for (feature, record) in engine.records
        where engine.policy[feature] == nil && processes[feature] == nil {
            breaches.append("the record of \(feature) stays: \(record.life.state)")
        }
        checkNobodyIsStuck()
        for allocation in engine.plan.features {
            let feature = allocation.feature
            guard let process = processes[feature] else {
                // Somebody has to reset its breaker.
                if case .held = engine.records[feature]?.breaker.state { continue }
                breaches.append("\(feature) has a place and does not run")
                continue
            }
            if process.held.cpus != allocation.cpus
                || process.held.millicores != allocation.millicores
            {
                breaches.append(
                    "\(feature) has CPUs \(process.held.cpus) in the end, the plan says"
                        + " \(allocation.cpus)")
            }
            if process.held.cpus.isDisjoint(with: machine.pus) {
                breaches.append("\(feature) is left without a CPU")
            }
            checkMinimum(feature, process.held)
        }
        for feature in processes.keys.sorted()
        where engine.records[feature]?.isDisabled == true
            || engine.records[feature]?.breaker.isOpen == true
        {
            let record = engine.records[feature]
            breaches.append(
                "\(feature) runs in the end, disabled \(record?.isDisabled ?? false),"
                    + " breaker \(record?.breaker.state ?? .closed)")
        }
        for feature in processes.keys.sorted() where engine.plan[feature] == nil {
            breaches.append("\(feature) runs in the end and has no place")
        }
    }

    /// The seed, what is wrong, and the last turns.
    var report: String {
        var lines = ["seed \(seed): " + breaches.joined(separator: "; ")]
        lines.append("run it again with POISE_SEED=\(seed)")
        for turn in turns.suffix(12) {
            let inputs = turn.inputs.map(Self.short).joined(separator: ", ")
            lines.append("\(Double(turn.now) / 1e9) s: \(inputs)")
            for directive in turn.directives { lines.append("    " + Self.short(directive)) }
        }
        return lines.joined(separator: "\n")
    }

    private static func short(_ input: Input) -> String {
        switch input {
        case .policy: "a policy"
        case .machine(let machine): "CPUs \(machine.pus)"
        case .load(let turn): "a look at \(turn.features.count)"
        case .found(let feature, let found): "found \(feature) on \(found.allocation.cpus)"
        default: "\(input)"
        }
    }

    private static func short(_ directive: Directive) -> String {
        switch directive {
        case .adopt(let plan):
            "plan "
                + plan.features.map { "\($0.feature) \($0.cpus)" }.joined(separator: ", ")
        case .start(let feature, let allocation, let generation):
            "start \(feature) on \(allocation.cpus) (\(generation))"
        case .tell(let feature, let allocation, let generation):
            "tell \(feature) \(allocation.cpus) (\(generation))"
        case .enforce(let changes):
            "enforce "
                + changes.map { "\($0.feature) \($0.allocation.cpus) (\($0.generation))" }
                .joined(separator: ", ")
        case .note(let event): "\(event.kind) \(event.feature?.name ?? "") \(event.text)"
        default: "\(directive)"
        }
    }
}
