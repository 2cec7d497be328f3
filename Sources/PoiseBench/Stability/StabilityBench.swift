/// Control rules against traces: how calmly and how well each follows a load.
package struct StabilityBench {
    package enum Rule: String, CaseIterable, Sendable {
        case poise, katalyst, halving, fixed

        package var title: String {
            switch self {
            case .poise: "Poise"
            case .katalyst: "Katalyst's regulator"
            case .halving: "scx_layered's halving"
            case .fixed: "fixed shares"
            }
        }
    }

    /// What a rule made of a trace.
    package struct Score: Sendable, Equatable {
        /// Times that what a feature has changed.
        package var resizes = 0
        /// Times that a feature whose load had jumped was resized until it stayed as it was, for
        /// each jump; nil for a trace without jumps.
        package var settlingDecisions: Double?
        /// Growth beyond one and a half times the highest load of the last two seconds, and a core.
        package var overshoots = 0
        /// Looks at which a feature had less than its minimum.
        package var minimumBreaches = 0
        /// Share of all work that found no CPU.
        package var unserved = 0.0
        /// Cores that features had and did not use, on average.
        package var spareCores = 0.0
    }

    /// Runs one rule over one trace.
    package static func run(_ rule: Rule, _ trace: StabilityTrace) -> Score {
        switch rule {
        case .poise: score(PoiseControl(), trace)
        case .katalyst: score(KatalystRegulator(), trace)
        case .halving: score(HalvingLayers(), trace)
        case .fixed: score(FixedShares(), trace)
        }
    }

    private static func score(_ rule: some ControlRule, _ trace: StabilityTrace) -> Score {
        var rule = rule
        var tally = Tally()
        // Everybody begins with the same: rules differ in what they make of it.
        var has = [Int](
            repeating: ControlLimits.cores / StabilityTrace.features * 1000,
            count: StabilityTrace.features)
        for (look, loads) in trace.loads().enumerated() {
            let readings = loads.indices.map { index in
                let used = min(loads[index], has[index])
                return ControlReading(
                    usedMillicores: used,
                    pressurePerMille: (loads[index] - used) * 1000 / max(1, loads[index]),
                    claimMillicores: trace.claim(index))
            }
            let next = rule.decide(readings, look: look)
            tally.add(loads, readings, from: has, to: next, look)
            has = next
        }
        return tally.score
    }
}

/// Adds up what happens, after ten seconds in which rules find their first footing.
private struct Tally {
    private var resizes = 0
    private var overshoots = 0
    private var breaches = 0
    private var work = 0
    private var unserved = 0
    private var spare = 0
    private var looks = 0
    private var jumps = 0
    private var afterJumps = 0
    /// The look at which each feature's load jumped.
    private var jumpedAt = [Int](repeating: -.max / 2, count: StabilityTrace.features)
    private var past: [[Int]] = []

    private static let firstLook = 100

    mutating func add(
        _ loads: [Int], _ readings: [ControlReading], from had: [Int], to has: [Int], _ look: Int
    ) {
        past.append(loads)
        if past.count > 21 { past.removeFirst() }
        guard look >= Tally.firstLook else { return }
        looks += 1
        for index in loads.indices {
            let before = past[max(0, past.count - 2)][index]
            if abs(loads[index] - before) * 2 > before {
                jumps += 1
                jumpedAt[index] = look
            }
            work += loads[index]
            unserved += loads[index] - readings[index].usedMillicores
            spare += had[index] - readings[index].usedMillicores
            if has[index] < ControlLimits.leastCores * 1000 { breaches += 1 }
            guard has[index] != had[index] else { continue }
            resizes += 1
            // What is changed later answers something else.
            if look - jumpedAt[index] < 100 { afterJumps += 1 }
            let peak = past.reduce(0) { max($0, $1[index]) }
            if has[index] > had[index], has[index] > peak * 3 / 2 + 1000 { overshoots += 1 }
        }
    }

    var score: StabilityBench.Score {
        StabilityBench.Score(
            resizes: resizes,
            settlingDecisions: jumps == 0 ? nil : Double(afterJumps) / Double(jumps),
            overshoots: overshoots, minimumBreaches: breaches,
            unserved: Double(unserved) / Double(max(1, work)),
            spareCores: Double(spare) / 1000 / Double(max(1, looks)))
    }
}
