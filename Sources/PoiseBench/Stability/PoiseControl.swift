import PoiseEngine
import PoiseModel

/// Poise's own rule: the engine of the daemon, handed readings instead of a kernel.
///
/// Nothing is lent here, so that what is compared is who is given how much.
struct PoiseControl: ControlRule {
    private var engine: Supervisor
    private let features: [FeatureID]
    private var answers: [Input] = []

    init() {
        let machine = ChurnMachine.uniform(
            nodes: 1, cachesPerNode: 2, coresPerCache: ControlLimits.cores / 2, threads: 1)
        features = (0..<StabilityTrace.features).map { index in
            guard let id = FeatureID("feature\(index)") else {
                preconditionFailure("feature\(index) names no feature")
            }
            return id
        }
        let policies = features.map { id in
            var cores = PerClass<CoreWish?>(repeating: nil)
            let least = ControlLimits.leastCores * 1000
            cores.performance = CoreWish(
                min: least, want: least, max: ControlLimits.mostCores * 1000)
            var policy = FeaturePolicy(id: id, source: .command(["true"]), cores: cores)
            policy.lend = false
            policy.borrow = false
            return policy
        }
        engine = Supervisor(
            machine: machine.machine, policy: Policy(name: "stability", features: policies),
            now: Instant(nanoseconds: 0))
    }

    mutating func decide(_ readings: [ControlReading], look: Int) -> [Int] {
        let period = StabilityTrace.millisecondsPerLook
        let now = Instant(nanoseconds: (look + 1) * period * 1_000_000)
        var inputs = answers
        var turn = LoadTurn(wallSeconds: look * period / 1000)
        for (id, reading) in zip(features, readings) {
            var load = LoadReading(microseconds: period * 1000)
            load.usedMillicores = reading.usedMillicores
            load.cpuPressurePerMille = reading.pressurePerMille
            if let claim = reading.claimMillicores {
                load.utilisationPerMille = 2000
                inputs.append(
                    .need(id, .performance, millicores: claim, for: .seconds(10)))
            }
            turn.features[id] = load
        }
        perform(engine.handle(inputs + [.load(turn)], now: now), now)
        return features.map { engine.plan[$0]?.millicores.total ?? 0 }
    }

    /// Whatever the engine asks for is done at once.
    private mutating func perform(_ directives: [Directive], _ now: Instant) {
        answers = []
        for directive in directives {
            switch directive {
            case .start(let id, _, _): answers.append(.started(id))
            case .tell(let id, _, let generation):
                answers.append(.applied(id, generation: generation))
            case .enforce(let changes):
                for change in changes {
                    answers.append(.applied(change.feature, generation: change.generation))
                }
            default: break
            }
        }
    }
}
