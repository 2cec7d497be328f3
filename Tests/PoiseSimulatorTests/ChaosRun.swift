import PoiseEngine
import PoiseModel
import PoiseTestSupport

/// The whole daemon in simulated time, with everything that can go wrong: hosts crash, hang, answer
/// late or never, the kernel refuses writes, clocks leap, CPUs come and go, and the daemon itself
/// crashes and comes back. All of it is decided by a seed.
struct ChaosRun {
    /// One turn, as it is told when a check fails.
    struct Turn {
        var now: Int
        var inputs: [Input]
        var directives: [Directive]
    }

    /// Changes what comes out of the engine: a planted bug.
    typealias Sabotage = (inout [Directive], ChaosRun) -> Void

    let seed: UInt64
    var random: SeededGenerator
    var odds = Odds.usual
    private let full: Machine
    private(set) var machine: Machine
    private(set) var policy: Policy
    private(set) var engine: Supervisor
    private(set) var now = 1_000_000_000
    private(set) var wall = 1_700_000_000
    var processes: [FeatureID: FakeProcess] = [:]
    /// Processes that have ended and of which the daemon has not heard yet.
    private(set) var untold: Set<FeatureID> = []
    /// Those of whose end it hears in this turn: what it says before it has come to that is no sin.
    private var heard: Set<FeatureID> = []
    private var due: [(at: Int, input: Input)] = []
    private var stretch = 0
    /// How busy each feature is for a while, per mille; -1 is anything at any time.
    private var moods: [FeatureID: Int] = [:]
    private(set) var turns: [Turn] = []
    var breaches: [String] = []
    /// Turns in a row after which something was due already.
    var late = 0
    private(set) var hasQuit = false
    /// The kernel has refused something, and the engine does not know yet.
    private(set) var isRefusalOpen = false
    let sabotage: Sabotage
    /// What the plan and the deadline are taken to be: more places to plant bugs.
    var seenPlan: (AllocationPlan) -> AllocationPlan = { $0 }
    var seenDeadline: (Instant?, Int) -> Instant? = { deadline, _ in deadline }

    init(seed: UInt64, sabotage: @escaping Sabotage = { _, _ in }) {
        self.seed = seed
        self.sabotage = sabotage
        random = SeededGenerator(seed: seed)
        full = randomMachine(using: &random)
        machine = full
        policy = ChaosRun.policy(using: &random)
        engine = Supervisor(
            machine: machine, policy: policy, now: Instant(nanoseconds: now))
        turn([])
    }

    private static func policy(using random: inout SeededGenerator) -> Policy {
        var policy = randomPolicy(using: &random)
        for index in policy.features.indices {
            if random.happens(300) {
                policy.features[index].source = .command(["sleep"])
            } else if random.happens(700) {
                policy.features[index].source = .plugin(random.happens(500) ? "pa" : "pb")
            }
            if random.happens(300) {
                policy.features[index].level =
                    ServiceLevel.allCases.randomElement(using: &random) ?? .full
            }
            policy.features[index].breaker.failures = random.pick(1...5)
            if random.happens(200) { policy.features[index].enabled = false }
            if random.happens(500) { policy.features[index].haveWholeCores(using: &random) }
            policy.features[index].restart =
                FeaturePolicy.Restart.allCases.randomElement(using: &random) ?? .permanent
            policy.features[index].lend = random.happens(700)
            policy.features[index].borrow = random.happens(700)
        }
        policy.rebalance.shrinkAfter = .milliseconds(random.pick(0...3000))
        return policy
    }

    var features: [FeatureID] { policy.features.map(\.id) }

    /// Lets so many turns happen, or as many as it takes to find a breach.
    mutating func run(turns count: Int) {
        for _ in 0..<count where breaches.isEmpty { step() }
    }

    private mutating func step() {
        // Now and then there are only looks at the load for a while, ten a second.
        if stretch == 0, random.happens(10) { stretch = 40 }
        if stretch > 0 {
            stretch -= 1
            now = min(now + 100_000_000, max(now, nextMoment ?? .max))
            return turn(arrived() + [.load(look())])
        }
        pass()
        if random.happens(odds.daemonCrash) { crashDaemon() }
        var inputs: [Input] = []
        for feature in processes.keys.sorted() where random.happens(odds.crash / 4) {
            end(feature, .failure)
        }
        for _ in 0..<random.pick(0...3) { inputs += something() }
        turn(arrived() + inputs)
    }

    /// Lets time go on: to what is due next, a little, or in a leap (a suspended machine).
    private mutating func pass() {
        if random.happens(odds.leap) {
            now += random.pick(1...7200) * 1_000_000_000
            wall += random.pick(-100_000...100_000)
            return
        }
        let next = nextMoment
        switch random.pick(0...9) {
        case 0...4: now = max(now, next ?? now + 100_000_000)
        case 5...7: now += random.pick(0...100_000_000)
        case 8: now += random.pick(0...2_000_000_000)
        default: break
        }
        wall = max(0, wall + 1)
    }

    private var nextMoment: Int? {
        let ends = processes.values.compactMap(\.endsAt).min()
        return [due.first?.at, ends, engine.nextDeadline?.nanoseconds].compactMap(\.self).min()
    }

    /// What has come in by now.
    private mutating func arrived() -> [Input] {
        for (feature, process) in processes.sorted(by: { $0.key < $1.key }) {
            if let moment = process.endsAt, moment <= now { end(feature, process.ending) }
        }
        var inputs: [Input] = []
        while let first = due.first, first.at <= now {
            due.removeFirst()
            inputs.append(first.input)
            if case .ended(let feature, _, _, _) = first.input { heard.insert(feature) }
            if case .refused = first.input { isRefusalOpen = false }
        }
        return inputs
    }

    mutating func post(_ input: Input, at moment: Int) {
        let place = due.firstIndex { $0.at > moment } ?? due.count
        due.insert((moment, input), at: place)
    }

    private mutating func end(_ feature: FeatureID, _ ending: FeatureLife.Ending) {
        guard processes.removeValue(forKey: feature) != nil else { return }
        untold.insert(feature)
        // What it still had to say is lost with it.
        due.removeAll { entry in
            switch entry.input {
            case .started(feature), .applied(feature, _): true
            default: false
            }
        }
        let delay = random.happens(odds.late) ? random.pick(0...200_000_000) : 0
        post(.ended(feature, ending, because: "\(ending)"), at: now + delay)
    }

    mutating func turn(_ inputs: [Input]) {
        var directives = engine.handle(inputs, now: Instant(nanoseconds: now))
        sabotage(&directives, self)
        turns.append(Turn(now: now, inputs: inputs, directives: directives))
        if turns.count > 30 { turns.removeFirst() }
        checkBounds(directives)
        for directive in directives { perform(directive) }
        checkState()
        untold.subtract(heard)
        heard = []
    }
}

// What the shell does.
extension ChaosRun {
    private mutating func perform(_ directive: Directive) {
        switch directive {
        case .adopt(let plan):
            for breach in PlanAudit(
                seenPlan(plan), machine: machine, policy: engine.policy, resting: engine.resting,
                belowLevel: engine.belowLevel
            ).breaches {
                breaches.append("plan: \(breach)")
            }
        case .start(let feature, let allocation, let generation):
            start(feature, allocation, generation)
        case .tell(let feature, let allocation, let generation):
            checkDirected(feature, allocation, "told")
            tell(feature, generation)
        case .enforce(let changes): enforce(changes)
        case .askToStop(let feature, _):
            checkIsThere(feature, "asked to stop")
            stop(feature, after: random.happens(odds.hang) ? nil : random.pick(0...80_000_000))
        case .kill(let feature):
            checkIsThere(feature, "killed")
            // One that hangs in the kernel dies late.
            let delay = random.happens(odds.hang) ? 2_500_000_000 : random.pick(0...20_000_000)
            stop(feature, after: delay)
        case .note, .serviceLevel, .reclaim, .shrink: break
        case .quit:
            if !processes.isEmpty { breaches.append("quits while processes run") }
            hasQuit = true
        }
    }

    private mutating func start(
        _ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int
    ) {
        checkStart(feature, allocation)
        guard processes[feature] == nil else { return }
        let isBlocked = isRefusalOpen && conflict(of: feature, allocation) != nil
        if random.happens(odds.spawnFails) || isBlocked {
            let input = Input.spawnFailed(
                feature, because: "no such file", permanent: random.happens(100))
            return post(input, at: now)
        }
        var process = FakeProcess(held: allocation, generation: generation)
        process.isHung = random.happens(odds.hang)
        if random.happens(odds.crash) {
            process.endsAt = now + random.pick(0...300_000_000)
            process.ending = [.failure, .done, .refused].randomElement(using: &random) ?? .failure
        }
        processes[feature] = process
        guard !process.isHung else { return }
        let delay = isHosted(feature) ? random.pick(1_000_000...60_000_000) : 0
        post(.started(feature), at: now + (random.happens(odds.late) ? 50 * delay : delay))
    }

    private func isHosted(_ feature: FeatureID) -> Bool {
        if case .command = engine.policy[feature]?.source {
            return false
        }
        return true
    }

    private mutating func tell(_ feature: FeatureID, _ generation: Int) {
        guard let process = processes[feature] else { return }
        if generation <= process.generation {
            breaches.append("\(feature) is told generation \(generation) again")
        }
        processes[feature]?.generation = generation
        guard isHosted(feature) else {
            return post(.applied(feature, generation: generation), at: now)
        }
        guard !process.isHung, !random.happens(odds.never) else { return }
        let delay = random.happens(odds.late) ? random.pick(10...6000) : random.pick(0...5)
        post(.applied(feature, generation: generation), at: now + delay * 1_000_000)
    }

    private mutating func enforce(_ changes: [Directive.Change]) {
        for change in changes { checkDirected(change.feature, change.allocation, "held to") }
        if random.happens(odds.refuses) {
            isRefusalOpen = true
            return post(.refused(because: "Device or resource busy"), at: now)
        }
        for change in changes { processes[change.feature]?.held = change.allocation }
        checkExclusive()
        for change in changes { tell(change.feature, change.generation) }
    }

    private mutating func stop(_ feature: FeatureID, after delay: Int?) {
        guard let process = processes[feature], let delay else { return }
        processes[feature]?.endsAt = min(process.endsAt ?? .max, now + delay)
    }
}

// What happens to the daemon from outside.
extension ChaosRun {
    private mutating func something() -> [Input] {
        let feature = FeatureID("f\(random.pick(0...7))")
        guard let feature else { return [] }
        switch random.pick(0...99) {
        case 0...24: return random.happens(odds.lostReport) ? [] : [.load(look())]
        case 25...64: return needs(feature)
        case 65...69: return [.operatorStart(feature)]
        case 70...73: return [.operatorStop(feature)]
        case 74...76: return [.operatorRestart(feature)]
        case 77...80: return [.reportedFailure(feature, because: "out of luck")]
        case 81...82:
            policy = ChaosRun.policy(using: &random)
            return [.policy(policy)]
        case 83...86:
            let count = random.pick(0...full.cores.count - 1)
            let offline = full.cores.indices.shuffled(using: &random).prefix(count)
            machine = full.without(cores: random.happens(300) ? [] : Set(offline))
            return [.machine(machine)]
        case 87...89:
            // Answers that nobody has asked for.
            return [.applied(feature, generation: random.pick(0...50))]
        case 90...92: return failures(of: feature)
        case 93: return [.breaker(feature, random.happens(300) ? .hold : .reset)]
        case 94: return [.operatorEnable(feature, !random.happens(300))]
        case 95:
            let level = ServiceLevel.allCases.randomElement(using: &random)
            return [.level(random.happens(500) ? nil : level)]
        case 96, 97: return rollout()
        default: return []
        }
    }

    /// A version of some plugin, or back again.
    private mutating func rollout() -> [Input] {
        guard case .plugin(let name) = policy.features.randomElement(using: &random)?.source,
            let version = ["2", "3", "plain"].randomElement(using: &random)
                .flatMap(PluginVersion.init)
        else { return [] }
        if random.happens(250) { return [.rollout(.rollBack(plugin: name))] }
        var settings = RolloutSettings()
        settings.steps = random.happens(500) ? [100] : [10, 60, 100]
        settings.stepFor = .seconds(random.pick(1...5))
        settings.readyWithin = .seconds(random.pick(1...10))
        return [.rollout(.begin(plugin: name, version: version, settings))]
    }

    /// Words of its health, and failures that end nothing; now and then one after the other.
    private mutating func failures(of feature: FeatureID) -> [Input] {
        let kinds: [FailureKind] = [
            .missedDeadline, .failedHealthCheck, .outOfMemory, .latency, .security, .host,
        ]
        return (0..<(random.happens(200) ? 6 : 1)).map { _ in
            switch random.pick(0...3) {
            case 0: .health(feature, .good)
            case 1: .health(feature, .failing("no luck"))
            default:
                .failed(
                    feature, kinds.randomElement(using: &random) ?? .latency, because: "no luck")
            }
        }
    }

    /// One need, or a storm of them; some without sense.
    private mutating func needs(_ feature: FeatureID) -> [Input] {
        let count = random.happens(100) ? 20 : 1
        return (0..<count).map { _ in
            let coreClass = CoreClass.allCases.randomElement(using: &random) ?? .performance
            let amount = [0, 1, 100, 1000, 2500, 8000, 1_000_000].randomElement(using: &random)
            return .need(
                feature, coreClass, millicores: amount ?? 0,
                for: .milliseconds(random.pick(1...20_000)))
        }
    }

    /// A look at the load as a sampler would give it, with what it could not read.
    mutating func look() -> LoadTurn {
        var turn = LoadTurn(wallSeconds: wall, machine: MachineLoad())
        for (feature, process) in processes.sorted(by: { $0.key < $1.key })
        where !random.happens(odds.lostReport) {
            var reading = LoadReading(microseconds: random.pick(0...1_000_000))
            // Some are idle, some overloaded, for a while; some are anything.
            if random.happens(30) {
                moods[feature] = [0, 0, 500, 1000, -1].randomElement(using: &random)
            }
            let mood = moods[feature] ?? 0
            let level = mood < 0 ? random.pick(0...1000) : mood
            let most = max(1000, process.held.cpus.count * 1000)
            let waits = level < 900 ? 0 : random.pick(0...3000)
            reading.usedMillicores = random.happens(50) ? nil : most * level / 1000
            reading.waitingMillicores = random.happens(500) ? nil : waits
            reading.cpuPressurePerMille = random.happens(200) ? nil : waits / 3
            reading.utilisationPerMille = random.happens(800) ? nil : random.pick(0...5000)
            turn.features[feature] = reading
        }
        return turn
    }

    /// The daemon crashes and the next one takes over what still runs.
    private mutating func crashDaemon() {
        let left = random.happens(700) ? engine.plan : nil
        let kept = random.happens(900) ? engine.kept : KeptState()
        due = []
        (untold, heard) = ([], [])
        isRefusalOpen = false
        let instant = Instant(nanoseconds: now)
        engine = Supervisor(machine: machine, policy: policy, inForce: left, now: instant)
        engine.take(kept, isSameBoot: !random.happens(100), now: instant)
        var found: [Input] = []
        for feature in processes.keys.sorted() {
            guard engine.policy[feature] != nil, var process = processes[feature] else {
                processes[feature] = nil
                continue
            }
            process.isWorking = true
            if left == nil { process.generation = max(1000, process.generation) }
            processes[feature] = process
            found.append(
                .found(
                    feature,
                    Input.Found(
                        allocation: process.held, generation: process.generation, since: instant)))
        }
        turn(found)
    }
}

// The end of a run.
extension ChaosRun {
    /// The same load for forty seconds; plans come to an end.
    mutating func holdLoad() {
        odds = .calm
        for _ in 0..<30 where breaches.isEmpty {
            now = max(now, nextMoment ?? now)
            turn(arrived())
        }
        let steady = look()
        var changes: [Int] = []
        let start = now
        while breaches.isEmpty, now < start + 40_000_000_000 {
            let look = now + 500_000_000
            now = max(now, min(look, nextMoment ?? look))
            let before = engine.plan
            turn(arrived() + (now == look ? [.load(steady)] : []))
            if engine.plan != before { changes.append(now) }
        }
        // What backs off or runs out of its needs may still change the plan once.
        let late = changes.count { $0 > now - 10_000_000_000 }
        if late > 3 { breaches.append("the plan changes \(late) times under a steady load") }
    }

    /// Lets everything come to rest, and checks that it does and how it ends.
    mutating func settle() {
        odds = .calm
        // Ten minutes are longer than every pause and every need.
        let end = now + 600_000_000_000
        var count = 0
        while breaches.isEmpty {
            guard let next = nextMoment, next <= end else { break }
            now = max(now, next)
            turn(arrived())
            count += 1
            if count > 2000 { breaches.append("it does not come to rest: \(count) turns") }
        }
        guard breaches.isEmpty else { return }
        let before = engine.plan
        now = max(now, end)
        turn(arrived())
        if engine.plan != before { breaches.append("the plan changes while nothing happens") }
        checkRest()
    }

    /// Stops the daemon in good order.
    mutating func shutDown() {
        guard breaches.isEmpty else { return }
        turn([.shutdown])
        for _ in 0..<200 where breaches.isEmpty && !hasQuit {
            now = max(now, nextMoment ?? now + 1_000_000_000)
            turn(arrived())
        }
        if breaches.isEmpty, !hasQuit { breaches.append("it does not end when it is told to") }
    }
}
