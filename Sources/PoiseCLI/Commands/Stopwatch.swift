import Glibc
import PoiseModel

/// Reads the monotonic clock (`clock_gettime(2)`).
enum Stopwatch {
    static var now: Instant { read(CLOCK_MONOTONIC) }

    /// What this thread has spent on a CPU, so that other load does not count
    /// (`CLOCK_THREAD_CPUTIME_ID`).
    static var ownTime: Instant { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Instant {
        var time = timespec()
        clock_gettime(clock, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }
}
