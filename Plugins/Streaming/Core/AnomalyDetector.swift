// How strange a value is for its series, online and causally, in bounded memory.
//
// Problem: series of any scale, with daily rhythm or none, with ordinary spikes or none, and no
// labels. One number between 0 and 1 has to mean the same for all of them.
//
// Method, after conformal anomaly detection (Laxhammar and Falkman, "Conformal Prediction for
// Distribution-Independent Anomaly Detection in Streaming Vessel Data", 2010) and peaks over
// threshold (Siffer, Fouque, Termier and Largouet, "Anomaly Detection in Streams with Extreme Value
// Theory", KDD 2017):
// 1. Expect: a slow level plus a profile by hour of day, both learnt with clipped errors so that an
//    anomaly teaches little (Huber, "Robust Estimation of a Location Parameter", 1964).
// 2. Three measures of strangeness: distance from what was expected, from the value before, and of
//    the mean of the last values from what was expected.
// 3. Each is compared with its own past: how many of the recent exceedances of a high quantile were
//    as large (the conformal part), and, beyond the largest, by the weight of their tail (Hill, "A
//    Simple General Approach to Inference About the Tail of a Distribution", 1975). What happens
//    again and again so becomes ordinary, however far from the mean it is.
// 4. The rarest of the three gives the score, 1 - p. A second value is only told when it is rarer
//    than the last, less a decay: an anomaly is one event, not every value until it has passed.
//
// Parameters are frozen, chosen once on the public part of the Numenta Anomaly Benchmark where the
// result does not depend on them much.

/// Scores values of one series in order of time; 1 minus about how probable such a value was.
package struct AnomalyDetector: Sendable {
    /// Values before the first that is scored.
    static let warmUp = 60
    private static let rate = 0.001
    private static let profileRate = 0.01
    private static let clip = 5.0
    private static let decay = 0.997
    private static let recentCount = 16

    private var count = 0
    private var level = 0.0
    /// Mean absolute errors: of what was expected, and of the level alone.
    private var error = 0.0
    private var spread = 0.0
    private var previous = 0.0
    private var profile = HourProfile()
    private var recent = [Double](repeating: 0, count: recentCount)
    private var distance = TailModel()
    private var jump = TailModel()
    private var drift = TailModel()
    private var told = 0.0

    package init() {}

    /// The score, 0…1, of the next value, which must be finite; 0 while too little is known.
    package mutating func score(value: Double, at time: EventTime) -> Double {
        count += 1
        if count == 1 {
            level = value
            previous = value
        }
        let hour = HourProfile.hour(of: time)
        let expected = level + profile.offset(hour)
        let scale = max(error, 0.05 * spread, level.magnitude * 1e-4, 1e-9)
        let strangeness = measure(value, expected: expected, scale: scale)
        learn(value, expected: expected, clip: Self.clip * scale, hour: hour)
        return tell(strangeness)
    }

    /// How surprising the value is, as -ln p, by the rarest of the three measures.
    private mutating func measure(_ value: Double, expected: Double, scale: Double) -> Double {
        let residual = min(max((value - expected) / scale, -1e12), 1e12)
        let change = min(max((value - previous) / scale, -1e12), 1e12)
        let slot = count % Self.recentCount
        recent[slot] = residual
        // Summed anew each time: a running sum would keep the rounding of a huge value for ever.
        var sum = 0.0
        for index in 0..<Self.recentCount { sum += recent[index] }
        let first = distance.surprise(residual.magnitude)
        let second = jump.surprise(change.magnitude)
        let third = drift.surprise(sum.magnitude / Double(Self.recentCount))
        return max(first, second, third)
    }

    private mutating func learn(_ value: Double, expected: Double, clip: Double, hour: Int) {
        let isNew = count < 50
        let rate = max(Self.rate, 1 / Double(count))
        let bound = isNew ? .infinity : clip
        let fromLevel = value - level
        let clipped = min(max(fromLevel, -bound), bound)
        error += rate * (min((value - expected).magnitude, bound) - error)
        spread += rate * (min(fromLevel.magnitude, isNew ? bound : 10 * max(spread, clip)) - spread)
        level += rate * clipped
        profile.learn(min(max(value - level, -clip), clip), hour, rate: Self.profileRate)
        previous = value
    }

    private mutating func tell(_ surprise: Double) -> Double {
        defer { told *= Self.decay }
        guard surprise > told, count >= Self.warmUp else {
            told = max(told, surprise)
            return 0
        }
        told = surprise
        return TailModel.score(surprise: surprise)
    }
}

/// How far the values of each hour of the day lie from the level.
struct HourProfile: Sendable {
    private var offsets = [Double](repeating: 0, count: 24)
    private var counts = [Double](repeating: 0, count: 24)

    static func hour(of time: EventTime) -> Int {
        let hour = time.microseconds / 3_600_000_000 % 24
        return hour < 0 ? hour + 24 : hour
    }

    /// What is known of an hour, trusted by how often it was seen.
    func offset(_ hour: Int) -> Double {
        guard counts[hour] > 6 else { return 0 }
        return offsets[hour] * min(1, counts[hour] / 24)
    }

    mutating func learn(_ difference: Double, _ hour: Int, rate: Double) {
        counts[hour] += 1
        offsets[hour] += max(rate, 1 / counts[hour]) * (difference - offsets[hour])
    }
}
