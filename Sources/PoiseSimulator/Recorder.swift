import PoiseEngine
import PoiseModel

/// Adds up what happens in a simulation.
struct Recorder {
    private(set) var result: SimulationResult
    private let binLength: Int
    private let minimums: [Int]
    /// What each feature did in the current stretch of 100 ms.
    private var stretch: [Stretch]
    private var isBreached: [Bool]
    private var busyBySecond: [PerClass<Double>] = []

    private static let mostBins = 720
    private static let mostMarks = 20_000

    private struct Stretch {
        var time = 0.0
        /// In which it waited for a CPU and used less than its minimum, or was entitled to less.
        var short = 0.0
    }

    init(machine: Machine, policy: Policy, trace: LoadTrace, step: Int) {
        // A trace of less than a nanosecond has a bin too.
        let length = max(step, trace.length.wholeNanoseconds)
        let steps = (length + step - 1) / step
        binLength = step * ((steps + Self.mostBins - 1) / Self.mostBins)
        let none = SimulationResult.Bin(features: policy.features.count)
        var chart = SimulationResult.Chart(
            binSeconds: Double(binLength) / 1e9, cores: machine.cores.count)
        chart.bins = Array(repeating: none, count: (length + binLength - 1) / binLength)
        result = SimulationResult(
            machine: machine.name, policy: policy.name, trace: trace.name, length: trace.length,
            features: policy.features.map { .init(feature: $0.id, priority: $0.priority) },
            chart: chart)
        minimums = policy.features.map { feature in
            // With `ifUnmet: start` a feature has agreed to less.
            guard feature.shortage == .keepOut else { return 0 }
            return CoreClass.allCases.reduce(0) { $0 + (feature.cores[$1]?.min ?? 0) }
        }
        stretch = policy.features.map { _ in Stretch() }
        isBreached = policy.features.map { _ in false }
        let seconds = (length + 999_999_999) / 1_000_000_000
        busyBySecond = Array(repeating: PerClass(repeating: 0), count: max(1, seconds))
    }

    /// Takes in a stretch of time that has just passed.
    mutating func add(_ world: World, from start: Int, _ shell: Shell) {
        let seconds = Double(world.now - start) / 1e9
        guard seconds > 0 else { return }
        let bin = min(start / binLength, result.chart.bins.count - 1)
        let second = min(start / 1_000_000_000, busyBySecond.count - 1)
        result.chart.bins[bin].seconds += seconds
        for index in result.features.indices {
            let rates = world.rates[index]
            result.chart.bins[bin].arriving[index] += rates.arriving * seconds
            result.features[index].doneWork += rates.done * seconds
            guard shell.states[index] == .running, let held = shell.held[index] else { continue }
            let entitled = Double(held.millicores.total) / 1000
            let isPressed = rates.waiting > 1e-6
            result.features[index].allocatedCoreSeconds += entitled * seconds
            result.features[index].usedCoreSeconds += rates.use.cores * seconds
            result.features[index].lentInTruth += rates.use.lent * seconds
            result.features[index].borrowedInTruth += rates.use.borrowed * seconds
            result.features[index].runningSeconds += seconds
            result.chart.bins[bin].allocated[index] += entitled * seconds
            result.chart.bins[bin].used[index] += rates.use.cores * seconds
            if isPressed {
                result.features[index].pressedSeconds += seconds
                result.chart.bins[bin].pressed[index] += seconds
            }
            for coreClass in CoreClass.allCases {
                busyBySecond[second][coreClass] += rates.use.byClass[coreClass] * seconds
            }
            stretch[index].time += seconds
            let minimum = Double(minimums[index]) / 1000
            // Time in several pools is split a little otherwise here than a kernel would.
            if entitled < minimum || isPressed && rates.use.cores < 0.98 * minimum {
                stretch[index].short += seconds
            }
        }
    }

    /// Ends a stretch of 100 ms: who was left without its minimum in it?
    mutating func endStretch(at now: Int, length: Int) {
        for index in stretch.indices {
            defer { stretch[index] = Stretch() }
            let part = stretch[index]
            // Who has only just started has not had the time.
            guard part.time * 1e9 >= Double(length) * 0.999 else {
                isBreached[index] = false
                continue
            }
            let isShort = part.short > part.time / 2
            if isShort, !isBreached[index] {
                result.features[index].minimumBreaches += 1
                mark(.breach, of: index, at: now - length)
            }
            isBreached[index] = isShort
        }
    }

    mutating func add(_ change: Shell.Change, at now: Int) {
        if change.isResize { result.features[change.feature].resizes += 1 }
        result.features[change.feature].movedCPUs += change.moved
        if change.moved > 0 { mark(.moved(change.moved), of: change.feature, at: now) }
    }

    mutating func decided() { result.decisions += 1 }
    mutating func planned() { result.plans += 1 }

    private mutating func mark(_ kind: SimulationResult.Mark.Kind, of feature: Int, at now: Int) {
        guard result.chart.marks.count < Self.mostMarks else {
            result.chart.furtherMarks += 1
            return
        }
        result.chart.marks.append(
            .init(seconds: Double(now) / 1e9, feature: feature, kind: kind))
    }

    /// Turns sums into averages, and tells what is known only at the end.
    mutating func finish(
        _ world: World, _ shell: Shell, _ account: LoanAccount
    ) -> SimulationResult {
        for index in result.features.indices {
            let name = result.features[index].feature
            if let sums = account.sums[name] {
                result.features[index].lentCoreSeconds = Double(sums.lent) / 1e6
                result.features[index].borrowedCoreSeconds = Double(sums.borrowed) / 1e6
            }
            result.features[index].arrivedWork = world.arrived[index]
            result.features[index].unservedWork = world.unserved[index] + world.waiting(of: index)
            result.features[index].waitP99 = world.waits[index].percentile(99)
            result.features[index].keptOutBecause = shell.keptOut[name]
        }
        for index in result.chart.bins.indices {
            let seconds = max(result.chart.bins[index].seconds, 1e-9)
            for feature in result.features.indices {
                result.chart.bins[index].allocated[feature] /= seconds
                result.chart.bins[index].used[feature] /= seconds
                result.chart.bins[index].arriving[feature] /= seconds
                result.chart.bins[index].pressed[feature] /= seconds
            }
        }
        result.classes = world.machine.classes.map { classResult($0, world.machine) }
        return result
    }

    private func classResult(_ coreClass: CoreClass, _ machine: Machine) -> SimulationResult.Class {
        let cores = machine.cores.count { $0.class == coreClass }
        let busy = busyBySecond.map { $0[coreClass] / Double(cores) }
        let seconds = max(result.length.inSeconds, 1e-9)
        // A last second that is not whole would look idle.
        let width = min(5, busy.count)
        var peak = 0.0
        for start in 0...(busy.count - width) {
            let sum = busy[start..<(start + width)].reduce(0, +)
            peak = max(peak, sum / min(Double(width), seconds))
        }
        return SimulationResult.Class(
            coreClass: coreClass, cores: cores, busyAtPeak: peak,
            busySustained: busy.reduce(0, +) / seconds)
    }
}
