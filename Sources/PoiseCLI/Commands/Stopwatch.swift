import Glibc
import PoiseModel

/// Reads the monotonic clock (`clock_gettime(2)`).
enum Stopwatch {
    static var now: Instant { read(CLOCK_MONOTONIC) }

    /// What this thread has spent on a CPU, so that other load does not count
    /// (`CLOCK_THREAD_CPUTIME_ID`).
    static var ownTime: Instant { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Instant {
        // A timespec by its layout: the compiler takes its fields to be of a module that cannot be
        // imported, in some orders of the files.
        var time = (seconds: 0, nanoseconds: 0)
        withUnsafeMutablePointer(to: &time) { pointer in
            pointer.withMemoryRebound(to: timespec.self, capacity: 1) {
                _ = clock_gettime(clock, $0)
            }
        }
        return Instant(nanoseconds: time.seconds * 1_000_000_000 + time.nanoseconds)
    }
}
