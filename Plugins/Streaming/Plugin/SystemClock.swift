import Glibc
package import PoiseModel
package import StreamingCore

/// The machine's clocks; only sources and the plugin itself read them.
package enum SystemClock {
    /// `CLOCK_MONOTONIC`.
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    /// `CLOCK_REALTIME`, as event time.
    package static func wallTime() -> EventTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return EventTime(microseconds: time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
    }
}
