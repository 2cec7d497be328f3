import PoiseModel

// From a plan to what features are held to.
extension Supervisor {
    mutating func replan(_ now: Instant) {
        mustPlan = false
        var running = Set(records.filter { $0.value.life.takesPart }.keys)
        let below = keptOutByLevel(of: running)
        running.subtract(below.map(\.feature))
        let old = plan
        var base = planner.plan(
            demands: demands, inForce: old.withoutLoans(), running: running)
        base.keptOut = (base.keptOut + below).sorted { $0.feature < $1.feature }
        lend(by: base, now)
        let new = base.with(loans).telling(resting)
        plan = new
        if new != old {
            directives.append(.adopt(new))
            if let text = PlanChange(from: old, to: new).summary { note(.planned, nil, text) }
        }
        for kept in new.keptOut {
            if records[kept.feature]?.keptOut != kept {
                records[kept.feature]?.keptOut = kept
                note(.keptOut, kept.feature, kept.because)
            }
            move(kept.feature, .displaced, now)
        }
        for allocation in new.features { records[allocation.feature]?.keptOut = nil }
        isUnsettled = true
        askForCores(now)
        // Being displaced is the plan's own doing and asks for no further plan.
        mustPlan = false
    }

    /// Features that lose cores of their own hear of it first and have a moment to leave them.
    private mutating func askForCores(_ now: Instant) {
        for allocation in plan.features {
            guard var record = records[allocation.feature], record.life.state == .running,
                isHosted(allocation.feature), let held = record.allocation,
                let narrowed = allocation.narrowed(to: held)
            else { continue }
            // Who was asked for these same cores is not asked again because of other words.
            if let told = record.told, told.isHeldLike(narrowed) { continue }
            record.generation += 1
            record.told = narrowed
            // systemd takes longer than a plugin, and nobody else can move its units.
            record.yieldBy = now + (isUnit(allocation.feature) ? deadlines.apply : deadlines.yield)
            record.unanswered = record.generation
            record.deadline = now + deadlines.apply
            records[allocation.feature] = record
            directives.append(
                .tell(allocation.feature, narrowed, generation: record.generation))
        }
    }

    /// What was not given up in time is taken.
    mutating func takeUnyielded(_ now: Instant) {
        for (feature, record) in records.sorted(by: { $0.key < $1.key }) {
            guard let due = record.yieldBy, due <= now else { continue }
            records[feature]?.yieldBy = nil
            note(.forced, feature, "did not give up its cores in time; they are taken")
        }
    }

    /// Holds features to the plan, once all have given up what others are to have.
    mutating func settle(_ now: Instant) {
        guard !records.values.contains(where: { $0.yieldBy != nil }) else { return }
        let blocked = blocked()
        // Those are looked at again when what is in their way has ended.
        isUnsettled = false
        refusals.before = records.compactMapValues(\.allocation)
        let changes = changes(except: blocked, now)
        if !changes.isEmpty { directives.append(.enforce(changes)) }
        for allocation in plan.features where !blocked.contains(allocation.feature) {
            move(allocation.feature, .placed, now)
        }
        // Being placed is the plan's own doing and asks for no further plan.
        mustPlan = false
    }

    /// Features that cannot have their place yet, because one that has none any more is still
    /// ending there, or because another that waits for such a one is still there.
    private func blocked() -> Set<FeatureID> {
        var inTheWay = records.compactMap { feature, record in
            plan[feature] == nil && record.life.hasProcess ? record.allocation : nil
        }
        var blocked: Set<FeatureID> = []
        while true {
            let more = plan.features.filter { allocation in
                !blocked.contains(allocation.feature)
                    && inTheWay.contains { $0.isInTheWay(of: allocation) }
            }
            if more.isEmpty { return blocked }
            for allocation in more {
                blocked.insert(allocation.feature)
                if let held = records[allocation.feature]?.allocation { inTheWay.append(held) }
            }
        }
    }

    /// Those that lose CPUs first, so that nobody is given what another still runs on.
    private mutating func changes(
        except blocked: Set<FeatureID>, _ now: Instant
    ) -> [Directive.Change] {
        var shrinking: [Directive.Change] = []
        var growing: [Directive.Change] = []
        for allocation in plan.features where !blocked.contains(allocation.feature) {
            guard var record = records[allocation.feature], let before = record.allocation
            else { continue }
            let mustTell = record.told.map { !$0.isHeldLike(allocation) } ?? true
            guard !before.isHeldLike(allocation) || mustTell else { continue }
            record.generation += 1
            record.allocation = allocation
            record.told = allocation
            if record.life.state == .running {
                record.unanswered = record.generation
                record.deadline = now + deadlines.apply
            }
            records[allocation.feature] = record
            let change = Directive.Change(
                feature: allocation.feature, allocation: allocation,
                generation: record.generation)
            if before.cpus.isSubset(of: allocation.cpus) {
                growing.append(change)
            } else {
                shrinking.append(change)
            }
        }
        return shrinking + growing
    }

    private func isUnit(_ feature: FeatureID) -> Bool {
        guard case .unit = policy[feature]?.source
        else { return false }
        return true
    }

    /// Whether there is somebody to ask: a plugin's host, or systemd for a unit. A command has
    /// nobody.
    private func isHosted(_ feature: FeatureID) -> Bool {
        switch policy[feature]?.source {
        case .plugin, .unit: true
        case .command, nil: false
        }
    }
}

/// What is done about a change that the kernel refused.
struct Refusals: Sendable, Codable {
    /// What features were held to before the last change.
    var before: [FeatureID: ResourceAllocation] = [:]
    private var count = 0
    private var lastAt: Instant?
    private(set) var retryAt: Instant?

    mutating func isDue(_ now: Instant) -> Bool {
        guard let due = retryAt, due <= now else { return false }
        retryAt = nil
        return true
    }

    mutating func add(now: Instant) -> Duration {
        if let lastAt, now - lastAt > .seconds(120) { count = 0 }
        lastAt = now
        count += 1
        let pause = min(Duration.seconds(60), .seconds(1 << min(count - 1, 6)))
        retryAt = now + pause
        return pause
    }
}

extension Refusals: SelfChecking {
    package var contradiction: String? {
        (0..<1 << 40).contains(count) ? nil : "counts what cannot be"
    }
}

extension Supervisor {
    /// The kernel was given back what it had: so is the plan, and it is tried again after a pause.
    mutating func takeBack(_ because: String, _ now: Instant) {
        let pause = QuantityText.duration(refusals.add(now: now))
        note(.refused, nil, "\(because); tried again in \(pause)")
        for (feature, allocation) in refusals.before.sorted(by: { $0.key < $1.key }) {
            guard var record = records[feature], record.allocation != nil,
                record.allocation != allocation
            else { continue }
            record.allocation = allocation
            record.unanswered = nil
            record.generation += 1
            record.told = allocation
            records[feature] = record
            if record.life.state == .running, isHosted(feature) {
                directives.append(
                    .tell(feature, allocation, generation: record.generation))
            }
        }
    }
}
