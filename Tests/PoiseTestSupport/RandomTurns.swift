package import PoiseEngine
package import PoiseModel

/// A world that a seed decides: what may happen to an engine, turn by turn.
///
/// Inputs fit the engine's state most of the time (a feature that starts says that it works) and
/// are nonsense now and then, as those of a real host would be.
package struct RandomTurns {
    package private(set) var random: SeededGenerator
    package private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var wallSeconds = 1_700_000_000

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// An engine for a random machine and a random policy.
    package mutating func engine() -> Supervisor {
        Supervisor(
            machine: randomMachine(using: &random), policy: randomPolicy(using: &random), now: now)
    }

    /// What happens next to `engine`, and when: 1 ms to 2 s later.
    package mutating func next(for engine: Supervisor) -> (inputs: [Input], now: Instant) {
        now = now + .milliseconds(Int.random(in: 1...2000, using: &random))
        wallSeconds += Int.random(in: 0...1, using: &random)
        let inputs = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in input(engine) }
        return (inputs, now)
    }

    private mutating func input(_ engine: Supervisor) -> Input? {
        guard let feature = engine.records.keys.sorted().randomElement(using: &random),
            let record = engine.records[feature]
        else { return .policy(randomPolicy(using: &random)) }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: return answer(of: feature, record)
        case 30..<60: return .load(look(at: engine))
        case 60..<80:
            return .need(
                feature, CoreClass.allCases.randomElement(using: &random) ?? .performance,
                millicores: Int.random(in: 0...8, using: &random) * 500,
                for: .milliseconds(Int.random(in: 1...5000, using: &random)))
        case 80..<83: return .operatorStop(feature)
        case 83..<87: return .operatorStart(feature)
        case 87..<89: return .operatorRestart(feature)
        case 89..<92: return .refused(because: "the kernel said \"no\"\nand nothing else")
        case 92..<94: return .policy(randomPolicy(using: &random))
        case 94: return .machine(randomMachine(using: &random))
        case 95: return .reportedFailure(feature, because: "step 2 \u{1}\u{e9}\u{1F600}")
        case 96:
            return .spawnFailed(
                feature, because: "no such file", permanent: .random(using: &random))
        case 97: return found(feature, record)
        case 98: return verdict(on: feature)
        default: return ended(feature)
        }
    }

    private mutating func answer(of feature: FeatureID, _ record: Supervisor.Record) -> Input? {
        switch record.life.state {
        case .starting: .started(feature)
        case .running: .applied(feature, generation: record.generation)
        case .stopping: ended(feature)
        case .stopped, .waiting, .backingOff, .failed: nil
        }
    }

    private mutating func ended(_ feature: FeatureID) -> Input {
        let endings: [FeatureLife.Ending] = [.done, .failure, .failure, .refused]
        return .ended(
            feature, endings.randomElement(using: &random) ?? .done, because: "exit code 1")
    }

    /// What says how it does, and what an operator makes of it.
    private mutating func verdict(on feature: FeatureID) -> Input {
        let kind = FailureKind.allCases.randomElement(using: &random) ?? .crash
        return [
            .failed(feature, kind, because: "as it fell"), .health(feature, .good),
            .health(feature, .failing("x")), .health(feature, .degraded("y")),
            .checked(feature, check: "port", .failed("refused")),
            .checked(feature, check: "port", .passed), .breaker(feature, .hold),
            .breaker(feature, .reset), .operatorEnable(feature, true),
            .operatorEnable(feature, false), .level(.reduced), .level(nil),
        ].randomElement(using: &random) ?? .level(nil)
    }

    private func found(_ feature: FeatureID, _ record: Supervisor.Record) -> Input? {
        record.allocation.map {
            .found(feature, .init(allocation: $0, generation: record.generation, since: now))
        }
    }

    private mutating func look(at engine: Supervisor) -> LoadTurn {
        var turn = LoadTurn(wallSeconds: wallSeconds)
        for feature in engine.records.keys.sorted() where Bool.random(using: &random) {
            var reading = LoadReading(microseconds: .random(in: 1000...2_000_000, using: &random))
            reading.usedMillicores = unknown(or: 0...8000)
            reading.waitingMillicores = unknown(or: 0...4000)
            reading.cpuPressurePerMille = unknown(or: 0...1000)
            reading.memoryBytes = unknown(or: 0...1 << 34)
            reading.utilisationPerMille = unknown(or: 0...1000)
            turn.features[feature] = reading
        }
        if Bool.random(using: &random) {
            var load = MachineLoad()
            load.busyMillicores = unknown(or: 0...32_000)
            load.cpuPressurePerMille = unknown(or: 0...1000)
            turn.machine = load
        }
        return turn
    }

    private mutating func unknown(or range: ClosedRange<Int>) -> Int? {
        Bool.random(using: &random) ? nil : .random(in: range, using: &random)
    }
}
