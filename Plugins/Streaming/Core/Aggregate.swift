/// What is known of the values of one key in one stretch of time; mean and variance by Welford,
/// merged by Chan, Golub and LeVeque's formula.
struct Aggregate: Sendable, Equatable {
    private(set) var count = 0
    private(set) var sum = 0.0
    private(set) var min = Double.infinity
    private(set) var max = -Double.infinity
    private(set) var mean = 0.0
    private var squares = 0.0
    private(set) var last = 0.0
    private var lastTime = EventTime.beginning
    private(set) var sketch = QuantileSketch()

    mutating func add(_ value: Double, at time: EventTime) {
        count += 1
        sum += value
        if value < min { min = value }
        if value > max { max = value }
        let difference = value - mean
        mean += difference / Double(count)
        squares += difference * (value - mean)
        if time >= lastTime {
            last = value
            lastTime = time
        }
        sketch.add(value)
    }

    /// Adds a later stretch of the same key.
    mutating func merge(_ other: Aggregate) {
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let total = Double(count + other.count)
        let difference = other.mean - mean
        squares +=
            other.squares
            + difference * difference * Double(count) * Double(other.count) / total
        mean += difference * Double(other.count) / total
        count += other.count
        sum += other.sum
        min = Swift.min(min, other.min)
        max = Swift.max(max, other.max)
        if other.lastTime >= lastTime {
            last = other.last
            lastTime = other.lastTime
        }
        sketch.merge(other.sketch)
    }

    /// The variance of the values themselves (divided by their count).
    var variance: Double { count > 0 ? squares / Double(count) : 0 }

    /// A quantile, never outside of what was seen.
    func quantile(_ part: Double) -> Double? {
        sketch.value(at: part).map { Swift.min(Swift.max($0, min), max) }
    }
}
