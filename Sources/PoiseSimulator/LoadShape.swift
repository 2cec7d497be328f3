package import PoiseModel

/// Loads by name, so that a first simulation needs no file.
///
/// Each feature's load swings between a fifth of what the policy wants for it and half of the way
/// from there to its maximum (at most one and a half times what is wanted); features are out of
/// step with each other.
package enum LoadShape: String, Sendable, CaseIterable {
    /// A sine with a period of 20 s.
    case wave
    /// From low to high and back every 10 s.
    case step
    /// Low, with short peaks at moments that the seed decides.
    case bursts
    /// Another value every 100 ms, around the middle.
    case noise
    /// A day's curve over the whole length: quiet nights, a peak before and one after noon.
    case day

    /// How long it lasts when nothing else is said.
    package var usualLength: Duration { self == .day ? .seconds(240) : .seconds(60) }

    /// The load for the features of a policy; the same for the same seed.
    package func trace(for policy: Policy, length: Duration, seed: UInt64) -> LoadTrace {
        var random = SplitMix64(seed: seed)
        var columns: [LoadTrace.Column] = []
        var ranges: [Range] = []
        for feature in policy.features {
            let classes = CoreClass.allCases.filter { feature.cores[$0]?.want ?? 0 > 0 }
            for coreClass in classes {
                guard let wish = feature.cores[coreClass] else { continue }
                columns.append(.init(feature.id, .work(classes.count > 1 ? coreClass : nil)))
                ranges.append(Range(wish))
            }
        }
        let seconds = length.inSeconds
        let gap = Swift.max(0.1, seconds / 4800)
        let count = Swift.max(1, Int((seconds / gap).rounded(.up)))
        var curves = columns.indices.map { index in
            Curve(shape: self, phase: Double(index) / Double(columns.count), length: seconds)
        }
        let rows = (0..<count).map { row in
            let at = Double(row) * gap
            let values = columns.indices.map { index -> Double? in
                ranges[index].value(at: curves[index].level(at: at, using: &random))
            }
            return LoadTrace.Row(at: .seconds(at), values: values)
        }
        var trace = LoadTrace(name: rawValue, columns: columns, rows: rows)
        trace.isLinear = self == .wave || self == .day
        trace.length = length
        return trace
    }

    /// Between which values a feature's load swings, in cores.
    private struct Range {
        var low: Double
        var high: Double

        init(_ wish: CoreWish) {
            let want = Double(wish.want) / 1000
            low = want / 5
            high = want + Swift.min(Double(wish.max) / 1000 - want, want) / 2
        }

        func value(at level: Double) -> Double { low + (high - low) * level }
    }

    /// A curve from 0 to 1.
    private struct Curve {
        var shape: LoadShape
        var phase: Double
        var length: Double
        private var burstUntil = 0.0
        private var nextBurst = 0.0

        init(shape: LoadShape, phase: Double, length: Double) {
            self.shape = shape
            self.phase = phase
            self.length = length
            nextBurst = 2 + phase * 6
        }

        mutating func level(at seconds: Double, using random: inout SplitMix64) -> Double {
            switch shape {
            case .wave: return 0.5 + sine(seconds / 20 + phase) / 2
            case .step: return fraction(seconds / 20 + phase) < 0.5 ? 0 : 1
            case .noise: return 0.5 + Double.random(in: -0.3...0.3, using: &random)
            case .bursts:
                if seconds >= nextBurst {
                    burstUntil = seconds + Double.random(in: 0.3...2, using: &random)
                    nextBurst = burstUntil + Double.random(in: 1...8, using: &random)
                }
                return seconds < burstUntil ? 1 : 0.1
            case .day:
                let hour = seconds / length * 24 + phase * 2 - 1
                let hump = { (at: Double, width: Double) in
                    let distance = (hour - at) / width
                    return 1 / (1 + distance * distance * distance * distance)
                }
                return Swift.min(1, hump(10.5, 2.5) + 0.85 * hump(16, 2.5))
            }
        }
    }
}

/// What is left of a number without its whole part, 0…1.
private func fraction(_ value: Double) -> Double { value - value.rounded(.down) }

/// The sine of `turns` full turns by Bhaskara's formula, within 0.0017; the standard library has
/// none of its own.
private func sine(_ turns: Double) -> Double {
    let part = fraction(turns) * 2
    let half = part < 1 ? part : part - 1
    let arc = half * (1 - half)
    return (part < 1 ? 1 : -1) * 16 * arc / (5 - 4 * arc)
}
