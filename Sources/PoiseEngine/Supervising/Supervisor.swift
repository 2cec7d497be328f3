package import PoiseModel

/// The daemon's decisions: what comes in, with the time, becomes what is to be done.
///
/// A pure value: it reads no clock, logs nothing, and waits for nothing. The shell hands it all
/// inputs of one turn, performs the directives in their order, and brings outcomes back as inputs
/// of a later turn.
package struct Supervisor: Sendable, Codable {
    package var machine: Machine { planner.machine }
    /// The policy in effect: what the operator gave, with features that are tried on a smaller
    /// budget and with the two sides of each rollout.
    package var policy: Policy { planner.policy }
    /// The policy as the operator gave it.
    package internal(set) var given: Policy
    package internal(set) var plan: AllocationPlan
    package internal(set) var records: [FeatureID: Record] = [:]
    package private(set) var isShuttingDown = false
    var planner: Planner
    package internal(set) var needs = NeedBook()
    package internal(set) var load = LoadBook()
    /// Who runs on whose idle cores.
    package internal(set) var loans: [Loan] = []
    /// Features that had a place in the plan and did not run when loans were decided last.
    package internal(set) var resting: Set<FeatureID> = []
    /// When features were started again by themselves, all together.
    var retries = EventWindow()
    package internal(set) var levels = ServiceLevels()
    package internal(set) var health = HealthBook()
    package internal(set) var rollouts = RolloutBook()
    package let deadlines: Deadlines
    var directives: [Directive] = []
    var mustPlan = false
    /// Whether the plan is not yet what features are held to.
    var isUnsettled = false
    var refusals = Refusals()

    /// - Parameter inForce: what an earlier daemon had decided; the first plan stays close to it.
    package init(
        machine: Machine, policy: Policy, inForce: AllocationPlan? = nil,
        deadlines: Deadlines = Deadlines(), now: Instant
    ) {
        self.deadlines = deadlines
        given = policy
        planner = Planner(machine: machine, policy: policy)
        if let inForce {
            plan = inForce.within(machine.pus)
            loans = plan.loans
        } else {
            plan = AllocationPlan(machine: machine.name, policy: policy.name)
            plan.idle = machine.pus
        }
        for feature in policy.features { add(feature, now: now) }
        mustPlan = true
    }

    /// Takes one turn: all inputs, in their order, then what is due by now, then a plan if anything
    /// asks for one.
    package mutating func handle(_ inputs: [Input], now: Instant) -> [Directive] {
        for input in inputs { take(input, now) }
        for feature in records.keys.sorted() {
            if let deadline = records[feature]?.deadline, deadline <= now { overdue(feature, now) }
        }
        if let expiry = needs.nextExpiry, expiry <= now {
            needs.expire(now: now)
            mustPlan = true
        }
        followBreakers(now)
        followLevels(now)
        followMemory(now)
        followRollouts(now)
        takeUnyielded(now)
        if refusals.isDue(now) { mustPlan = true }
        if mustPlan { replan(now) }
        if isUnsettled { settle(now) }
        followHealth(now)
        if isShuttingDown, !records.values.contains(where: \.life.hasProcess) {
            directives.append(.quit)
        }
        defer { directives = [] }
        return directives
    }

    /// When the engine wants to be called again even if nothing happens.
    package var nextDeadline: Instant? {
        (records.values.flatMap {
            // While an enforced pause lasts, the deadline is its end.
            [
                $0.deadline, $0.yieldBy, $0.probeAt,
                $0.breaker.isOpen ? nil : $0.breaker.opensAgainAt,
            ]
        } + [
            needs.nextExpiry, refusals.retryAt,
            // Nobody follows them while everything ends.
            isShuttingDown ? nil : levels.nextDeadline,
            isShuttingDown ? nil : rollouts.nextDeadline,
        ])
        .compactMap(\.self).min()
    }

    /// What features need: what they have signalled, and what their load wants.
    package var demands: [FeatureID: Demand] { load.demands(needs.demands, policy) }

    mutating func add(_ feature: FeaturePolicy, now: Instant) {
        var record = Record(life: FeatureLife(restart: feature.restart), since: now)
        record.isDisabled = !feature.enabled
        if feature.enabled { _ = record.life.handle(.wanted) }
        records[feature.id] = record
    }

    mutating func note(
        _ kind: EngineEvent.Kind, _ feature: FeatureID? = nil, _ text: String
    ) {
        directives.append(.note(EngineEvent(kind, feature, text)))
    }
}

// Inputs.
extension Supervisor {
    private mutating func take(_ input: Input, _ now: Instant) {
        switch input {
        case .policy(let new): adopt(new, now)
        case .operatorStart, .operatorStop, .operatorRestart, .operatorEnable, .breaker, .level,
            .rollout, .shutdown:
            take(command: input, now)
        case .spawnFailed(let feature, let because, let permanent):
            end(
                feature, permanent ? .refused : .failure, because,
                permanent ? .configuration : .host, now)
        case .started(let feature):
            guard records[feature]?.life.state == .starting else { return }
            note(.started, feature, "works")
            move(feature, .started, now)
        case .applied(let feature, let generation): applied(feature, generation, now)
        case .reportedFailure(let feature, let because):
            records[feature]?.lastProblem = because
            note(.failed, feature, because)
        case .ended(let feature, let ending, let because, let kind):
            end(feature, ending, because, kind, now)
        case .failed(let feature, let kind, let because): fail(feature, kind, because, now)
        case .health(let feature, let word): take(word, of: feature, now)
        case .checked(let feature, let check, let outcome):
            take(check, outcome, of: feature, now)
        case .found(let feature, let found): take(found, of: feature, now)
        case .refused(let because): takeBack(because, now)
        case .machine(let machine): adopt(machine)
        case .load(let turn): take(turn, now)
        case .need(let feature, let coreClass, let millicores, let duration):
            take(need: feature, coreClass, millicores, duration, now)
        }
    }

    /// What the operator wants.
    private mutating func take(command: Input, _ now: Instant) {
        switch command {
        case .operatorStart(let feature): start(feature, byHand: .wanted, now)
        case .operatorStop(let feature): move(feature, .unwanted, now)
        case .operatorRestart(let feature): start(feature, byHand: .restart, now)
        case .operatorEnable(let feature, let isOn): enable(feature, isOn, now)
        case .breaker(let feature, let command): take(command, of: feature, now)
        case .level(let level): setLevel(level, now)
        case .rollout(let command): take(command, now)
        case .shutdown:
            isShuttingDown = true
            for feature in records.keys.sorted() { move(feature, .unwanted, now) }
        default: break
        }
    }

    private mutating func applied(_ feature: FeatureID, _ generation: Int, _ now: Instant) {
        guard let record = records[feature], generation >= record.unanswered ?? .max else {
            return
        }
        records[feature]?.unanswered = nil
        records[feature]?.yieldBy = nil
        if record.life.state == .running {
            records[feature]?.deadline = now + BackOff.wellAfter
        }
    }

    private mutating func end(
        _ feature: FeatureID, _ ending: FeatureLife.Ending, _ because: String,
        _ kind: FailureKind, _ now: Instant
    ) {
        guard let record = records[feature] else { return }
        needs.expire(now: now, all: feature)
        load.forget(feature)
        health.forget(feature)
        switch record.life.state {
        case .stopping(.rest), .stopping(.startAgain): note(.stopped, feature, because)
        case .stopping(.pause), .stopping(.failure): note(.stopped, feature, because)
        default:
            if ending == .done {
                note(.stopped, feature, "ended by itself: \(because)")
            } else {
                records[feature]?.lastProblem = because
                records[feature]?.lastFailure = kind
                note(.failed, feature, because)
                if !kind.isPermanent { strike(feature, kind, because, now) }
            }
        }
        records[feature]?.allocation = nil
        records[feature]?.told = nil
        records[feature]?.yieldBy = nil
        records[feature]?.unanswered = nil
        records[feature]?.probeAt = nil
        records[feature]?.healthWord = nil
        records[feature]?.promise = PromiseWatch()
        // Others may have waited for what it had.
        isUnsettled = true
        var next = record.life
        _ = next.handle(.ended(ending))
        guard next.state == .backingOff else { return move(feature, .ended(ending), now) }
        // Only a hand holds what is never started again by itself.
        let isHeld = records[feature]?.breaker.state == .held(.byHand)
        if isGivenUp(record, feature, now) {
            let count = record.restartsLately.moments.count
            let text = "it was started again \(count) times and is given up: \(because)"
            records[feature]?.lastProblem = text
            note(.failed, feature, text)
            move(feature, .ended(.refused), now)
        } else if record.life.restart == .temporary, !isHeld {
            move(feature, .ended(.refused), now)
        } else {
            move(feature, .ended(ending), now)
        }
    }

    /// The operator wants it, now: also what its breaker keeps open is tried at once.
    private mutating func start(
        _ feature: FeatureID, byHand event: FeatureLife.Event, _ now: Instant
    ) {
        guard let record = records[feature], !record.isDisabled else { return }
        // Whoever wants it by hand gives it all of its tries again.
        records[feature]?.restartsLately.forget()
        if record.breaker.isOpen {
            handle(.due, of: feature, now)
            guard records[feature]?.breaker.isOpen == false else { return }
        }
        move(feature, event, now)
    }

    /// It runs something else from now on: what it did before says nothing of that.
    ///
    /// - Parameter byOperator: a new policy; a rollout ends no quarantine by itself.
    mutating func startAnew(
        _ feature: FeatureID, _ record: Record, byOperator: Bool, _ now: Instant
    ) {
        guard record.life.state != .stopped, !record.isDisabled else { return }
        switch record.breaker.state {
        case .held(.byHand): return
        case .held(.quarantine) where !byOperator: return
        case .closed, .open, .halfOpen, .held: handle(.reset, of: feature, now)
        }
        move(feature, .restart, now)
    }

    private mutating func overdue(_ feature: FeatureID, _ now: Instant) {
        guard let record = records[feature] else { return }
        records[feature]?.deadline = nil
        switch record.life.state {
        case .running where record.unanswered == nil:
            // Nothing is late: it has run long enough to be well again.
            records[feature]?.life.failures = 0
            return
        case .starting, .running:
            let what = record.life.state == .starting ? "start" : "answer to its allocation"
            records[feature]?.lastProblem = "it did not \(what) in time"
            records[feature]?.lastFailure = .missedDeadline
            note(.late, feature, "did not \(what) in time; it is killed")
            strike(feature, .missedDeadline, "it did not \(what) in time", now)
        case .backingOff:
            if let room = takeRetry(of: feature, now) {
                records[feature]?.deadline = room
                let pause = QuantityText.duration(room - now)
                return note(
                    .backingOff, feature,
                    "waits \(pause) more: all features together were started again often enough")
            }
            handle(.due, of: feature, now)
        case .stopping(.rest), .stopping(.startAgain):
            note(.late, feature, "did not stop in time; it is killed")
        default: break
        }
        move(feature, .overdue, now)
    }

    /// CPUs have come or gone: what is in force is cut down to what is still there.
    private mutating func adopt(_ new: Machine) {
        guard new != machine else { return }
        let gone = machine.pus.subtracting(new.pus)
        let come = new.pus.subtracting(machine.pus)
        planner = Planner(machine: new, policy: policy)
        plan = plan.within(new.pus)
        mustPlan = true
        let text = [(gone, "CPUs \(gone) went offline"), (come, "CPUs \(come) came online")]
            .filter { !$0.0.isEmpty }.map(\.1).joined(separator: ", ")
        note(.machineChanged, nil, text.isEmpty ? "its parts are others now" : text)
    }

    /// A feature of an earlier daemon is there and works: it goes on as it is.
    private mutating func take(_ found: Input.Found, of feature: FeatureID, _ now: Instant) {
        guard var record = records[feature], !record.life.hasProcess else { return }
        let action = record.life.handle(.found)
        record.life.failures = found.failures
        record.generation = found.generation
        record.restarts = found.restarts
        record.allocation = found.allocation
        record.told = found.allocation
        record.since = found.since
        record.deadline = deadline(of: record, now)
        records[feature] = record
        mustPlan = true
        guard action == .nothing else { return perform(action, feature, now) }
        note(.found, feature, "was running and goes on")
    }

    private mutating func adopt(_ new: Policy, _ now: Instant) {
        let old = given
        given = new
        renewPolicy(now)
        note(.policyChanged, nil, "policy \(new.name) is in force")
        mustPlan = true
        for feature in new.features where !isShuttingDown {
            guard let before = old[feature.id],
                let record = records[feature.id]
            else {
                if records[feature.id] == nil { add(feature, now: now) }
                records[feature.id]?.isDisabled = !feature.enabled
                if feature.enabled { move(feature.id, .wanted, now) }
                continue
            }
            if before.enabled != feature.enabled { enable(feature.id, feature.enabled, now) }
            if before.source != feature.source || before.config != feature.config {
                startAnew(feature.id, records[feature.id] ?? record, byOperator: true, now)
            }
            records[feature.id]?.life.setRestart(feature.restart)
        }
    }
}

// Moves of one feature.
extension Supervisor {
    mutating func move(_ feature: FeatureID, _ event: FeatureLife.Event, _ now: Instant) {
        guard var record = records[feature] else { return }
        let before = record.life
        let action = record.life.handle(event)
        if record.life.state == .waiting, record.breaker.isOpen { _ = record.life.handle(.tripped) }
        if record.life.state != before.state {
            record.since = now
            record.deadline = deadline(of: record, now)
        }
        if record.life.takesPart != before.takesPart || record.life.state == .waiting {
            mustPlan = true
        }
        records[feature] = record
        tell(feature, record, before, now)
        perform(action, feature, now)
        forgetIfGone(feature)
    }

    private func deadline(of record: Record, _ now: Instant) -> Instant? {
        switch record.life.state {
        case .starting: now + deadlines.start
        case .running: now + BackOff.wellAfter
        case .stopping(.failure): now + deadlines.kill
        case .stopping: now + deadlines.stop + deadlines.kill
        case .backingOff: pauseEnd(record, now)
        case .stopped, .waiting, .failed: nil
        }
    }

    private mutating func tell(
        _ feature: FeatureID, _ record: Record, _ before: FeatureLife, _ now: Instant
    ) {
        guard record.life.state != before.state else { return }
        switch record.life.state {
        case .backingOff:
            // What its breaker does has been told.
            guard !record.breaker.isOpen, let due = record.deadline else { return }
            let pause = QuantityText.duration(due - now)
            note(.backingOff, feature, "starts again in \(pause) (failure \(record.life.failures))")
        case .failed: note(.failed, feature, "is not started again; mend it, then start it by hand")
        case .stopping: note(.stopping, feature, "is asked to end")
        default: break
        }
    }

    private mutating func perform(
        _ action: FeatureLife.Action, _ feature: FeatureID, _ now: Instant
    ) {
        switch action {
        case .nothing: break
        case .start: start(feature)
        case .askToStop: directives.append(.askToStop(feature, within: deadlines.stop))
        case .kill:
            records[feature]?.deadline = now + deadlines.kill
            directives.append(.kill(feature))
        }
    }

    private mutating func start(_ feature: FeatureID) {
        guard let allocation = plan[feature], var record = records[feature] else {
            preconditionFailure("\(feature) was placed by a plan that has no place for it")
        }
        record.generation += 1
        record.allocation = allocation
        record.told = allocation
        if record.lastProblem != nil { record.restarts += 1 }
        records[feature] = record
        note(.starting, feature, "on CPUs \(allocation.cpus)")
        directives.append(.start(feature, allocation, generation: record.generation))
    }

    /// Drops the record of a feature that the policy no longer names, once nothing of it runs.
    private mutating func forgetIfGone(_ feature: FeatureID) {
        guard let record = records[feature], !record.life.hasProcess,
            !policy.features.contains(where: { $0.id == feature })
        else { return }
        records[feature] = nil
    }
}
