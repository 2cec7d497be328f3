/// A moment on the monotonic clock, in nanoseconds since an arbitrary start (`CLOCK_MONOTONIC`).
///
/// Nobody but the loop reads a clock; decisions get the time as an argument.
package struct Instant: Hashable, Sendable, Comparable {
    package var nanoseconds: Int

    package init(nanoseconds: Int) { self.nanoseconds = nanoseconds }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (left: Instant, right: Duration) -> Instant {
        Instant(nanoseconds: left.nanoseconds + right.wholeNanoseconds)
    }

    package static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds, without what is smaller.
    package var wholeNanoseconds: Int {
        Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000)
    }

    /// The duration in seconds, without what is smaller.
    package var wholeSeconds: Int { wholeNanoseconds / 1_000_000_000 }

    /// The duration in milliseconds, without what is smaller.
    package var wholeMilliseconds: Int { wholeNanoseconds / 1_000_000 }

    /// The duration in seconds.
    package var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }
}
