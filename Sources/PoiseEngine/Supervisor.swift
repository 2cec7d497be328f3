package import PoiseModel

/// The daemon's decisions: what comes in, with the time, becomes what is to be done.
///
/// A pure value: it reads no clock, logs nothing, and waits for nothing. The shell hands it all
/// inputs of one turn, performs the directives in their order, and brings outcomes back as inputs
/// of a later turn.
package struct Supervisor: Sendable {
    /// How long each step may take.
    package struct Deadlines: Sendable {
        package var start = Duration.seconds(10)
        package var apply = Duration.seconds(5)
        package var stop = Duration.seconds(5)
        /// From a kill until it is tried again.
        package var kill = Duration.seconds(1)

        package init() {}
    }

    /// What is known of one feature.
    package struct Record: Sendable {
        package var life: FeatureLife
        package var generation = 0
        /// What it was last held to.
        package var allocation: ResourceAllocation?
        package var since: Instant
        package var lastProblem: String?
        package var restarts = 0
        /// When the engine looks at it again by itself, and why.
        package var deadline: Instant?
        package var unanswered: Int?
        package var keptOut: KeptOut?
    }

    package let machine: Machine
    package private(set) var policy: Policy
    package private(set) var plan: AllocationPlan
    package private(set) var records: [FeatureID: Record] = [:]
    package private(set) var isShuttingDown = false
    private var planner: Planner
    private var needs = NeedBook()
    private let deadlines: Deadlines
    private var directives: [Directive] = []
    private var mustPlan = false

    package init(
        machine: Machine, policy: Policy, deadlines: Deadlines = Deadlines(), now: Instant
    ) {
        self.machine = machine
        self.policy = policy
        self.deadlines = deadlines
        planner = Planner(machine: machine, policy: policy)
        plan = AllocationPlan(machine: machine.name, policy: policy.name)
        plan.idle = machine.pus
        for feature in policy.features { add(feature, now: now) }
        mustPlan = true
    }

    /// Takes one turn: all inputs, in their order, then what is due by now, then a plan if anything
    /// asks for one.
    package mutating func handle(_ inputs: [Input], now: Instant) -> [Directive] {
        directives = []
        for input in inputs { take(input, now) }
        for feature in records.keys.sorted() {
            if let deadline = records[feature]?.deadline, deadline <= now { overdue(feature, now) }
        }
        if let expiry = needs.nextExpiry, expiry <= now {
            needs.expire(now: now)
            mustPlan = true
        }
        if mustPlan { replan(now) }
        if isShuttingDown, !records.values.contains(where: \.life.hasProcess) {
            directives.append(.quit)
        }
        return directives
    }

    /// When the engine wants to be called again even if nothing happens.
    package var nextDeadline: Instant? {
        (records.values.compactMap(\.deadline) + [needs.nextExpiry].compactMap { $0 }).min()
    }

    /// What features have signalled that they need.
    package var demands: [FeatureID: Demand] { needs.demands }

    private mutating func add(_ feature: FeaturePolicy, now: Instant) {
        var record = Record(life: FeatureLife(restart: feature.restart), since: now)
        _ = record.life.handle(.wanted)
        records[feature.id] = record
    }

    private mutating func note(
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
        case .operatorStart(let feature): move(feature, .wanted, now)
        case .operatorStop(let feature): move(feature, .unwanted, now)
        case .operatorRestart(let feature): move(feature, .restart, now)
        case .spawnFailed(let feature, let because, let permanent):
            end(feature, permanent ? .refused : .failure, because, now)
        case .started(let feature):
            guard records[feature]?.life.state == .starting else { return }
            note(.started, feature, "works")
            move(feature, .started, now)
        case .applied(let feature, let generation):
            guard let record = records[feature], generation >= record.unanswered ?? .max else {
                return
            }
            records[feature]?.unanswered = nil
            if record.life.state == .running {
                records[feature]?.deadline = now + BackOff.wellAfter
            }
        case .reportedFailure(let feature, let because):
            records[feature]?.lastProblem = because
            note(.failed, feature, because)
        case .ended(let feature, let ending, let because): end(feature, ending, because, now)
        case .need(let feature, let coreClass, let millicores, let duration):
            take(need: feature, coreClass, millicores, duration, now)
        case .shutdown:
            isShuttingDown = true
            for feature in records.keys.sorted() { move(feature, .unwanted, now) }
        }
    }

    private mutating func take(
        need feature: FeatureID, _ coreClass: CoreClass, _ millicores: Int, _ duration: Duration,
        _ now: Instant
    ) {
        guard records[feature]?.life.state == .running else { return }
        let isNews = needs.signal(
            feature, coreClass, millicores: millicores, for: duration,
            shrinkAfter: policy.rebalance.shrinkAfter, now: now)
        if isNews {
            let resource = Unmet.Resource.cores(coreClass)
            note(.need, feature, "needs \(resource.words(millicores))")
        }
        mustPlan = true
    }

    private mutating func end(
        _ feature: FeatureID, _ ending: FeatureLife.Ending, _ because: String, _ now: Instant
    ) {
        guard let record = records[feature] else { return }
        needs.expire(now: now, all: feature)
        switch record.life.state {
        case .stopping(.rest), .stopping(.startAgain): note(.stopped, feature, because)
        default:
            if ending == .done {
                note(.stopped, feature, "ended by itself: \(because)")
            } else {
                records[feature]?.lastProblem = because
                note(.failed, feature, because)
            }
        }
        records[feature]?.allocation = nil
        records[feature]?.unanswered = nil
        move(feature, .ended(ending), now)
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
            note(.late, feature, "did not \(what) in time; it is killed")
        default: break
        }
        move(feature, .overdue, now)
    }

    private mutating func adopt(_ new: Policy, _ now: Instant) {
        let old = policy
        policy = new
        planner = Planner(machine: machine, policy: new)
        note(.policyChanged, nil, "policy \(new.name) is in force")
        mustPlan = true
        let names = Set(new.features.map(\.id))
        for feature in records.keys.sorted() where !names.contains(feature) {
            move(feature, .unwanted, now)
        }
        for feature in new.features where !isShuttingDown {
            guard let before = old.features.first(where: { $0.id == feature.id }),
                let record = records[feature.id]
            else {
                if records[feature.id] == nil { add(feature, now: now) }
                move(feature.id, .wanted, now)
                continue
            }
            if before.source != feature.source || before.config != feature.config {
                move(feature.id, record.life.state == .stopped ? .unwanted : .restart, now)
            }
            records[feature.id]?.life.setRestart(feature.restart)
        }
    }
}

// Moves of one feature.
extension Supervisor {
    private mutating func move(_ feature: FeatureID, _ event: FeatureLife.Event, _ now: Instant) {
        guard var record = records[feature] else { return }
        let before = record.life
        let action = record.life.handle(event)
        if record.life.state != before.state {
            record.since = now
            record.deadline = deadline(of: record.life, now)
        }
        if record.life.takesPart != before.takesPart || record.life.state == .waiting {
            mustPlan = true
        }
        records[feature] = record
        tell(feature, record.life, before)
        perform(action, feature, now)
        forgetIfGone(feature)
    }

    private func deadline(of life: FeatureLife, _ now: Instant) -> Instant? {
        switch life.state {
        case .starting: now + deadlines.start
        case .running: now + BackOff.wellAfter
        case .stopping(.failure): now + deadlines.kill
        case .stopping: now + deadlines.stop + deadlines.kill
        case .backingOff: now + BackOff.pause(failures: life.failures)
        case .stopped, .waiting, .failed: nil
        }
    }

    private mutating func tell(_ feature: FeatureID, _ life: FeatureLife, _ before: FeatureLife) {
        guard life.state != before.state else { return }
        switch life.state {
        case .backingOff:
            let pause = QuantityText.duration(BackOff.pause(failures: life.failures))
            note(.backingOff, feature, "starts again in \(pause) (failure \(life.failures))")
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

// Plans.
extension Supervisor {
    private mutating func replan(_ now: Instant) {
        mustPlan = false
        let running = Set(records.filter { $0.value.life.takesPart }.keys)
        let new = planner.plan(demands: needs.demands, inForce: plan, running: running)
        let old = plan
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
        enforceChanges(now)
        for allocation in new.features {
            records[allocation.feature]?.keptOut = nil
            move(allocation.feature, .placed, now)
        }
        // Being placed or displaced is the plan's own doing and asks for no further plan.
        mustPlan = false
    }

    /// Those that lose CPUs first, so that nobody is given what another still runs on.
    private mutating func enforceChanges(_ now: Instant) {
        var changes: [(feature: FeatureID, new: ResourceAllocation, shrinks: Bool)] = []
        for allocation in plan.features {
            guard let record = records[allocation.feature], let before = record.allocation,
                record.life.state == .running || record.life.state == .starting,
                !before.isHeldLike(allocation)
            else { continue }
            let shrinks = !before.cpus.isSubset(of: allocation.cpus)
            changes.append((allocation.feature, allocation, shrinks))
        }
        for change in changes.filter(\.shrinks) + changes.filter({ !$0.shrinks }) {
            guard var record = records[change.feature] else { continue }
            record.generation += 1
            record.allocation = change.new
            if record.life.state == .running {
                record.unanswered = record.generation
                record.deadline = now + deadlines.apply
            }
            records[change.feature] = record
            directives.append(
                .enforce(
                    change.feature, change.new, generation: record.generation,
                    shrinks: change.shrinks))
        }
    }
}

extension ResourceAllocation {
    /// Whether the kernel and the feature would see no difference.
    func isHeldLike(_ other: ResourceAllocation) -> Bool {
        exclusive == other.exclusive && shared == other.shared && borrowed == other.borrowed
            && millicores == other.millicores && priority == other.priority
            && weight == other.weight && nodes == other.nodes && memory == other.memory
            && accelerators == other.accelerators
    }
}
