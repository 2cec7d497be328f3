import PoiseEngine
import PoiseModel
import PoiseTestSupport

/// A host that obeys, with plugins whose versions behave as the test says: second by second.
struct RolloutWorld {
    /// How a version behaves; nil is not told.
    struct Behaviour {
        var errors: Int? = 1
        var latency: Int? = 1000
        var throughput: Int? = 10_000
        var used: Int? = 500
        /// Crashes so many seconds after it has begun to work.
        var crashesAfter: Int?
        var neverStarts = false
        var waitsForCPUs = false
    }

    struct Process {
        var source: String
        var isStarted = false
        var seconds = 0
    }

    var engine: Supervisor
    var now = Instant(nanoseconds: 1_000_000_000)
    var behaviours: [String: Behaviour]
    private(set) var processes: [FeatureID: Process] = [:]
    private(set) var notes: [String] = []
    /// The fewest processes that worked at one moment, for each feature and its canary together.
    private(set) var fewest = Int.max
    /// The shares that the canary had of its feature's wanted millicores, as they came.
    private(set) var shares: [Int] = []
    private(set) var breaches: [String] = []
    /// Seconds at whose end the engine wanted to be called again at once.
    private(set) var restless = 0
    private var next: [Input] = []

    init(
        _ policy: Policy, _ behaviours: [String: Behaviour], machine: Machine? = nil
    ) {
        engine = Supervisor(
            machine: machine ?? PoiseTestSupport.machine([CoreGroup(4)]), policy: policy,
            now: now)
        self.behaviours = behaviours
        for _ in 0..<4 { second() }
        fewest = .max
    }

    static func id(_ name: String) -> FeatureID {
        guard let id = FeatureID(name) else { preconditionFailure(name) }
        return id
    }

    static func version(_ name: String) -> PluginVersion {
        guard let version = PluginVersion(name) else { preconditionFailure(name) }
        return version
    }

    /// One second goes by; what the engine asks for happens at the next one's start.
    mutating func second(_ inputs: Input...) {
        now = now + .milliseconds(1000)
        let all = next + inputs + [.load(look())]
        next = []
        perform(engine.handle(all, now: now))
        for (feature, process) in processes.sorted(by: { $0.key < $1.key }) where process.isStarted
        {
            processes[feature]?.seconds += 1
            if behaviours[process.source]?.crashesAfter == process.seconds {
                processes[feature] = nil
                next.append(.ended(feature, .failure, because: "killed by signal 11"))
            }
        }
        count()
        let audit = PlanAudit(engine.plan, machine: engine.machine, policy: engine.policy)
        breaches += audit.breaches
        if let due = engine.nextDeadline, due <= now { restless += 1 }
    }

    mutating func seconds(_ count: Int, until isOver: (RolloutWorld) -> Bool = { _ in false }) {
        for _ in 0..<count where !isOver(self) { second() }
    }

    /// A daemon begins again with what is kept, and finds what runs.
    mutating func restart(_ policy: Policy, findsProcesses: Bool) throws {
        let kept = try JSONDecoding.decode(
            RolloutBook.self, from: try JSONEncoding.encode(engine.rollouts.kept))
        let records = engine.records
        let plan = engine.plan
        now = now + .seconds(3)
        engine = Supervisor(machine: engine.machine, policy: policy, inForce: plan, now: now)
        engine.resume(kept, isSameBoot: true, now: now)
        next = []
        guard findsProcesses else {
            processes = [:]
            return
        }
        for feature in processes.keys.sorted() {
            guard let allocation = records[feature]?.allocation else { continue }
            next.append(
                .found(feature, .init(allocation: allocation, generation: 1000, since: now)))
        }
    }

    private func look() -> LoadTurn {
        var turn = LoadTurn(wallSeconds: 1_700_000_000)
        for (feature, process) in processes where process.isStarted {
            let behaviour = behaviours[process.source] ?? Behaviour()
            var reading = LoadReading(microseconds: 1_000_000)
            reading.errorsPerMille = behaviour.errors
            reading.latencyP99Microseconds = behaviour.latency
            reading.throughputPerSecond = behaviour.throughput
            reading.usedMillicores = behaviour.used
            // A part of the budget is enough for it.
            reading.memoryBytes = 40 << 20
            if behaviour.waitsForCPUs { reading.cpuPressurePerMille = 700 }
            turn.features[feature] = reading
        }
        return turn
    }

    private mutating func perform(_ asked: [Directive]) {
        for directive in asked {
            switch directive {
            case .start(let feature, _, _):
                var source = "command"
                if case .plugin(let name) = engine.policy[feature]?.source { source = name }
                processes[feature] = Process(source: source)
                if behaviours[source]?.neverStarts ?? false { continue }
                next.append(.started(feature))
                processes[feature]?.isStarted = true
            case .askToStop(let feature, _):
                processes[feature] = nil
                next.append(.ended(feature, .done, because: "exit code 0"))
            case .kill(let feature):
                processes[feature] = nil
                next.append(.ended(feature, .failure, because: "killed by signal 9"))
            case .tell(let feature, _, let generation):
                next.append(.applied(feature, generation: generation))
            case .enforce(let changes):
                for change in changes {
                    next.append(.applied(change.feature, generation: change.generation))
                }
            case .note(let event): notes.append("\(event.kind.rawValue): \(event.text)")
            case .adopt, .serviceLevel, .reclaim, .shrink, .quit: break
            }
        }
    }

    private mutating func count() {
        for feature in engine.given.features {
            guard let canary = Rollout.canary(of: feature.id) else { continue }
            let works = [feature.id, canary].count { processes[$0]?.isStarted ?? false }
            fewest = min(fewest, works)
            guard let part = engine.policy[canary]?.wantedMillicores else { continue }
            let share = part * 100 / feature.wantedMillicores
            if shares.last != share { shares.append(share) }
        }
    }
}
