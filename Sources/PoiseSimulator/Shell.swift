import PoiseEngine
import PoiseModel

/// Stands for the daemon's shell: does what the engine asks, promptly, and answers.
struct Shell {
    /// What one feature's process is at.
    enum State: Sendable, Equatable { case absent, starting, running, stopping }

    private struct Due {
        var at: Int
        var input: Input
    }

    private let settings: SimulationSettings
    private(set) var states: [State]
    /// What each feature is held to.
    private(set) var held: [ResourceAllocation?]
    private(set) var plan: AllocationPlan?
    private(set) var keptOut: [FeatureID: String] = [:]
    private var due: [Due] = []
    private let positions: [FeatureID: Int]
    /// What the last directives changed for features that had something.
    private(set) var changes: [Change] = []

    struct Change: Sendable, Equatable {
        var feature: Int
        var isResize: Bool
        /// CPUs that it had to leave.
        var moved: Int
    }

    init(features: [FeatureID], settings: SimulationSettings) {
        self.settings = settings
        states = features.map { _ in .absent }
        held = features.map { _ in nil }
        positions = Dictionary(
            uniqueKeysWithValues: features.enumerated().map { ($0.element, $0.offset) })
    }

    /// When the next answer arrives.
    var nextAnswer: Int? { due.first?.at }

    /// The answers that have arrived by now, in their order.
    mutating func answers(_ world: inout World) -> [Input] {
        let count = due.prefix { $0.at <= world.now }.count
        guard count > 0 else { return [] }
        let inputs = due[..<count].map(\.input)
        due.removeFirst(count)
        for input in inputs { note(input, &world) }
        return inputs
    }

    private mutating func note(_ input: Input, _ world: inout World) {
        switch input {
        case .started(let feature):
            guard let index = positions[feature], states[index] == .starting else { return }
            states[index] = .running
            world.give(held[index], to: index)
        case .ended(let feature, _, _, _):
            guard let index = positions[feature] else { return }
            states[index] = .absent
            held[index] = nil
        default: break
        }
    }

    private mutating func answer(_ input: Input, at moment: Int) {
        let position = due.firstIndex { $0.at > moment } ?? due.count
        due.insert(Due(at: moment, input: input), at: position)
    }

    /// Does what the engine asks, and puts what each feature may now run on into the world.
    mutating func perform(_ directives: [Directive], _ world: inout World) {
        changes.removeAll(keepingCapacity: true)
        for directive in directives { perform(directive, &world) }
    }

    private mutating func perform(_ directive: Directive, _ world: inout World) {
        let now = world.now
        let later = { (delay: Duration) in now + delay.wholeNanoseconds }
        switch directive {
        case .adopt(let new):
            plan = new
            keptOut = Dictionary(
                uniqueKeysWithValues: new.keptOut.map { ($0.feature, $0.because) })
        case .start(let feature, let allocation, _):
            guard let index = positions[feature] else { return }
            states[index] = .starting
            held[index] = allocation
            answer(.started(feature), at: later(settings.startDelay))
        case .tell(let feature, let allocation, let generation):
            guard let index = positions[feature] else { return }
            if states[index] == .running { world.give(allocation, to: index) }
            answer(.applied(feature, generation: generation), at: later(settings.answerDelay))
        case .enforce(let list):
            for change in list { hold(change, &world) }
        case .askToStop(let feature, _):
            stop(feature, .done, at: later(settings.stopDelay), &world)
        case .kill(let feature): stop(feature, .failure, at: now, &world)
        case .serviceLevel, .reclaim, .shrink, .note, .quit: break
        }
    }

    private mutating func hold(_ change: Directive.Change, _ world: inout World) {
        guard let index = positions[change.feature] else { return }
        if let before = held[index] {
            let had = before.exclusive.union(before.shared)
            let has = change.allocation.exclusive.union(change.allocation.shared)
            changes.append(
                Change(
                    feature: index,
                    isResize: before.millicores != change.allocation.millicores,
                    moved: had.subtracting(has).count))
        }
        held[index] = change.allocation
        if states[index] == .running {
            world.give(change.allocation, to: index)
            answer(
                .applied(change.feature, generation: change.generation),
                at: world.now + settings.answerDelay.wholeNanoseconds)
        }
    }

    private mutating func stop(
        _ feature: FeatureID, _ ending: FeatureLife.Ending, at moment: Int, _ world: inout World
    ) {
        guard let index = positions[feature], states[index] != .absent else { return }
        states[index] = .stopping
        world.give(nil, to: index)
        let because = ending == .done ? "asked to" : "killed"
        answer(.ended(feature, ending, because: because), at: moment)
    }
}
