import Glibc
import PoiseModel

/// Reads the monotonic clock (`clock_gettime(2)`).
enum Stopwatch {
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }
}
