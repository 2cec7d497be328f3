import CLinux
import Glibc
package import PoiseModel

/// The clock that only goes forward (`CLOCK_MONOTONIC`).
package enum MonotonicClock {
    package static var now: Instant { Instant(nanoseconds: nanoseconds(of: CLOCK_MONOTONIC)) }
}

/// The clock that people set (`CLOCK_REALTIME`).
package enum WallClock {
    /// Seconds since 1970 began.
    package static var now: Double { Double(nanoseconds(of: CLOCK_REALTIME)) / 1e9 }
}

/// What the calling thread has spent on a CPU (`CLOCK_THREAD_CPUTIME_ID`).
package enum ThreadClock {
    package static var now: Instant {
        Instant(nanoseconds: nanoseconds(of: CLOCK_THREAD_CPUTIME_ID))
    }
}

private func nanoseconds(of clock: Int32) -> Int {
    var time = timespec()
    let result = clock_gettime(clock, &time)
    precondition(result == 0, "this kernel has no clock \(clock)")
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
