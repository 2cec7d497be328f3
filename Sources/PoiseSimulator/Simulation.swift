import PoiseEngine
package import PoiseModel

/// The engine of the daemon over a load, on any machine, in simulated time.
///
/// What it decides is what `poised` would decide of the same readings: it is the same code. The
/// world around it is `World`, and the shell that does what it asks is `Shell`.
package struct Simulation {
    private let policy: Policy
    private let trace: LoadTrace
    private var engine: Supervisor
    private var world: World
    private var shell: Shell
    private var recorder: Recorder
    private var cursor: TraceCursor
    private var values: [Double]
    /// The stream of work of each column, and of the requests of each feature.
    private let streamOfColumn: [Int?]
    private let streamOfRequests: [Int]
    private let settings: SimulationSettings
    private var nextLook: Int
    private var nextStep = 0
    /// When the engine wants to be called again by itself.
    private var deadline = Int.max
    private let every: Int
    private let step: Int
    private let end: Int
    private var needs: [LoadTrace.Column: Double] = [:]
    private var repeatNeedsAt = 0

    package init(
        machine: Machine, policy: Policy, trace: LoadTrace,
        settings: SimulationSettings = SimulationSettings()
    ) {
        self.policy = policy
        self.trace = trace
        self.settings = settings
        let features = policy.features.map(\.id)
        let positions = Dictionary(
            uniqueKeysWithValues: features.enumerated().map { ($0.element, $0.offset) })
        var streams: [(feature: Int, preferred: CoreClass?)] = []
        streamOfColumn = trace.columns.map { column in
            guard case .work(let preferred) = column.kind, let index = positions[column.feature]
            else { return nil }
            streams.append((index, preferred))
            return streams.count - 1
        }
        streamOfRequests = features.indices.map { feature in
            streams.append((feature, nil))
            return streams.count - 1
        }
        world = World(
            machine: machine, features: features, streams: streams,
            threads: policy.features.map { Self.threads(of: $0, trace, settings) },
            settings: settings)
        shell = Shell(features: features, settings: settings)
        engine = Supervisor(machine: machine, policy: policy, now: Instant(nanoseconds: 0))
        every = max(1_000_000, policy.rebalance.every.wholeNanoseconds)
        step = min(every, 100_000_000)
        end = max(step, trace.length.wholeNanoseconds)
        recorder = Recorder(machine: machine, policy: policy, trace: trace, step: step)
        cursor = TraceCursor(trace)
        values = trace.columns.map { _ in 0 }
        nextLook = every
    }

    /// How many cores a feature can use at once: its policy's maximum, or what its load needs on
    /// slow cores when that is more.
    private static func threads(
        of feature: FeaturePolicy, _ trace: LoadTrace, _ settings: SimulationSettings
    ) -> Double {
        let most = CoreClass.allCases.reduce(0) { $0 + (feature.cores[$1]?.max ?? 0) }
        let columns = trace.columns.indices.filter { index in
            guard case .work = trace.columns[index].kind else { return false }
            return trace.columns[index].feature == feature.id
        }
        let peak = trace.rows.reduce(0.0) { peak, row in
            max(peak, columns.reduce(0) { $0 + (row.values[$1] ?? 0) })
        }
        let slowest = min(1, settings.speeds.efficiency, settings.speeds.lowPower)
        return max(Double(most) / 1000, peak / slowest, 1)
    }

    /// Runs to the end of the load; `progress` is told the part that is done, 0…1, about a hundred
    /// times.
    package mutating func run(progress: (Double) -> Void = { _ in }) -> SimulationResult {
        turn([])
        var told = 0
        while world.now < end {
            advance()
            let percent = world.now * 100 / end
            if percent > told {
                told = percent
                progress(Double(percent) / 100)
            }
        }
        return recorder.finish(world, shell, engine.load.account)
    }

    /// Goes to the next moment at which anything happens, and lets it happen.
    private mutating func advance() {
        if world.now >= nextStep { beginStep() }
        let start = world.now
        let answer = shell.nextAnswer ?? .max
        let moment = max(start, min(nextStep, nextLook, deadline, answer, end))
        world.advance(to: moment)
        recorder.add(world, from: start, shell)
        if moment == nextStep { recorder.endStretch(at: moment, length: step) }
        var inputs = shell.answers(&world)
        let isLook = moment == nextLook
        if isLook {
            inputs += look()
            nextLook += every
        }
        if isLook || !inputs.isEmpty || deadline <= moment { turn(inputs) }
    }

    private mutating func turn(_ inputs: [Input]) {
        let directives = engine.handle(inputs, now: Instant(nanoseconds: world.now))
        recorder.decided()
        // One that has passed already would keep time from going on; the next look comes anyway.
        deadline = engine.nextDeadline?.nanoseconds ?? .max
        if deadline <= world.now { deadline = .max }
        guard !directives.isEmpty else { return }
        if directives.contains(where: { if case .adopt = $0 { true } else { false } }) {
            recorder.planned()
        }
        shell.perform(directives, &world)
        for change in shell.changes { recorder.add(change, at: world.now) }
    }

    /// What arrives in the next step.
    private mutating func beginStep() {
        if cursor.values(at: .nanoseconds(world.now), into: &values) {
            for (column, stream) in streamOfColumn.enumerated() {
                if let stream { world.arrivals[stream] = values[column] }
            }
        }
        nextStep = world.now + step
        while let request = cursor.nextRequest(before: .nanoseconds(nextStep)) {
            guard let index = world.features.firstIndex(of: request.feature) else { continue }
            world.add(request.cost, to: streamOfRequests[index])
        }
    }

    /// What the daemon's sampler would tell now, and what features signal.
    private mutating func look() -> [Input] {
        var turn = LoadTurn(
            wallSeconds: settings.wallStart + world.now / 1_000_000_000, machine: MachineLoad())
        var busy = 0.0
        var pressed = 0.0
        for (index, feature) in world.features.enumerated() where shell.states[index] == .running {
            let seen = world.look(at: index)
            guard seen.time > 0 else { continue }
            var reading = LoadReading(microseconds: Int(seen.time * 1e6))
            reading.usedMillicores = Int((seen.used / seen.time * 1000).rounded())
            reading.waitingMillicores = Int((seen.waiting / seen.time * 1000).rounded())
            reading.cpuPressurePerMille = Int((seen.pressed / seen.time * 1000).rounded())
            turn.features[feature] = reading
            busy += seen.used / seen.time * 1000
            pressed = max(pressed, seen.pressed / seen.time * 1000)
        }
        turn.machine?.busyMillicores = Int(busy.rounded())
        turn.machine?.cpuPressurePerMille = Int(pressed.rounded())
        return [.load(turn)] + signals()
    }

    /// Needs are signalled when they change, and again before they run out.
    private mutating func signals() -> [Input] {
        let isRepeated = world.now >= repeatNeedsAt
        if isRepeated { repeatNeedsAt = world.now + 1_000_000_000 }
        var inputs: [Input] = []
        for (index, column) in trace.columns.enumerated() {
            guard case .need(let coreClass) = column.kind else { continue }
            let value = values[index]
            guard value != needs[column] ?? 0 || isRepeated && value > 0 else { continue }
            needs[column] = value
            inputs.append(
                .need(
                    column.feature, coreClass, millicores: Int((value * 1000).rounded()),
                    for: .seconds(2)))
        }
        return inputs
    }
}
