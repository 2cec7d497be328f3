import Glibc

/// What is known of the large values of a measure: a high quantile, tracked, and the last values
/// beyond it.
///
/// All in logarithms, as the tails of such measures are heavy.
struct TailModel: Sendable {
    /// The part of the values that counts as the tail.
    private static let part = 0.04
    private static let kept = 128
    /// The tail is followed at most this far beyond what was ever seen: e^9, four powers of ten.
    private static let furthest = 9.2
    /// Values this near to one another count as equally large: 7 %.
    private static let tolerance = 0.0726
    private static let step = 0.02
    private static let least = 1e-6

    /// The quantile and its logarithm.
    private var threshold = 0.0
    private var logThreshold = 0.0
    private var count = 0
    private var beyond: [Double] = []
    private var oldest = 0

    private static let ordinary = exp(-step * part * 2)
    private static let logPart = log(part)

    /// How surprising a value is that is not negative: -ln of how probable one as large was; 0 for
    /// what is not in the tail.
    ///
    /// The value is then part of what is known.
    mutating func surprise(_ value: Double) -> Double {
        count += 1
        if count == 1 { setThreshold(value) }
        guard value > threshold else {
            if count > 50 {
                threshold = max(threshold * Self.ordinary, Self.least)
            } else {
                setThreshold(threshold * exp(-Self.part * 2 / Double(count)))
            }
            return 0
        }
        setThreshold(threshold)
        let logValue = log(value)
        let surprise = compare(logValue)
        if count > 10 { keep(logValue) }
        let step = max(Self.step, 1 / Double(count))
        setThreshold(threshold * exp(step * (1 - Self.part) * 2))
        return surprise
    }

    static func score(surprise: Double) -> Double { 1 - exp(-surprise) }

    private mutating func setThreshold(_ value: Double) {
        threshold = max(value, Self.least)
        logThreshold = log(threshold)
    }

    private func compare(_ logValue: Double) -> Double {
        var asLarge = 0
        var largest = logThreshold
        var excess = 0.0
        for other in beyond {
            if other >= logValue - Self.tolerance { asLarge += 1 }
            largest = max(largest, other)
            excess += max(0, other - logThreshold)
        }
        let known = Double(beyond.count)
        let surprise = -Self.logPart - log(Double(1 + asLarge) / (known + 1))
        guard logValue > largest else { return surprise }
        // Two exceedances of weight one stand in for what is not known at the beginning.
        let weight = (excess + 2) / (known + 2)
        return surprise + min(Self.furthest, (logValue - largest) / weight)
    }

    private mutating func keep(_ logValue: Double) {
        if beyond.count < Self.kept {
            beyond.append(logValue)
        } else {
            beyond[oldest] = logValue
            oldest = (oldest + 1) % Self.kept
        }
    }
}
