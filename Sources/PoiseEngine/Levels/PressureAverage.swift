import PoiseModel

/// A mean of pressure that forgets what is longer ago than ten seconds, much as the kernel's
/// `avg10` does, in whole numbers so that it can be computed again.
struct PressureAverage: Sendable, Equatable, Codable {
    /// Millionths of the time.
    private(set) var perMillion = 0
    private var at: Instant?

    private static let memory = 10_000

    var percent: Int? { at == nil ? nil : (perMillion + 5000) / 10_000 }

    /// Takes in how much of the time since the value before somebody waited.
    mutating func take(perMille: Int, now: Instant) {
        // What the first one is of is not known: a second at most.
        let passed = at.map { now - $0 } ?? .seconds(1)
        at = now
        let milliseconds = max(0, min(passed, .seconds(60)).wholeMilliseconds)
        let value = min(max(perMille, 0), 1000) * 1000
        perMillion += (value - perMillion) * milliseconds / (Self.memory + milliseconds)
    }
}

extension PressureAverage: SelfChecking {
    var contradiction: String? {
        (0...1_000_000).contains(perMillion) ? nil : "is no share of the time"
    }
}
