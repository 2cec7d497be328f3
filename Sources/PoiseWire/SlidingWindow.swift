package import PoiseModel

/// At most `most` within any stretch of time as long as `length`; the time comes in from outside.
///
/// It counts by tenths of the window and looks back over eleven of them, the one that has just
/// begun included. So no stretch of the length ever holds more, wherever it begins, and what is let
/// through evenly is at least ten elevenths of what an exact list of moments would let through.
package struct SlidingWindow: Sendable, Equatable {
    package let length: Duration
    package private(set) var most: Int

    private static let parts = 10
    private let part: Int
    /// What went through in the newest part, at the end, and in the ten before it.
    private var counts = [Int](repeating: 0, count: SlidingWindow.parts + 1)
    private var sum = 0
    /// The number of the newest part since the clock began.
    private var newest: Int

    /// An empty window of at least ten nanoseconds.
    package init(_ length: Duration, most: Int, now: Instant) {
        precondition(length >= .nanoseconds(SlidingWindow.parts), "a window of \(length)")
        precondition(most >= 1, "a window for \(most)")
        self.length = length
        self.most = most
        // Rounded up: eleven parts must cover the whole length.
        part = (length.wholeNanoseconds + SlidingWindow.parts - 1) / SlidingWindow.parts
        newest = max(0, now.nanoseconds) / part
    }

    /// How much may go through now.
    package mutating func room(now: Instant) -> Int {
        move(to: now)
        return max(0, most - sum)
    }

    /// Counts what goes through.
    package mutating func add(_ amount: Int, now: Instant) {
        move(to: now)
        counts[SlidingWindow.parts] += amount
        sum += amount
    }

    /// Lets through so much from now on; what went through before counts.
    package mutating func resize(most: Int) {
        precondition(most >= 1, "a window for \(most)")
        self.most = most
    }

    // A clock that goes back stays in the newest part.
    private mutating func move(to now: Instant) {
        let current = max(0, now.nanoseconds) / part
        guard current > newest else { return }
        let steps = current - newest
        newest = current
        guard steps <= SlidingWindow.parts else {
            counts = [Int](repeating: 0, count: SlidingWindow.parts + 1)
            return sum = 0
        }
        for _ in 0..<steps {
            sum -= counts.removeFirst()
            counts.append(0)
        }
    }
}
