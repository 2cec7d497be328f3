import Glibc
import PoiseModel

/// Where one thread waits until another lets it go on: a binary permit over a condition variable.
///
/// A permit that is given while nobody waits is kept, so no wake-up is lost.
// tidy: allow, the pointed-to mutex guards all else; Swift cannot see that
final class Parking: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var permit = false

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let failure = pthread_mutex_init(mutex, nil) | pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        precondition(failure == 0, "making a condition variable failed: errno \(failure)")
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Waits for the permit and takes it. `pthread_cond_wait(3)`.
    func wait() {
        pthread_mutex_lock(mutex)
        while !permit { pthread_cond_wait(condition, mutex) }
        permit = false
        pthread_mutex_unlock(mutex)
    }

    /// Waits for the permit and takes it; false when `deadline` came first.
    /// `pthread_cond_timedwait(3)`.
    func wait(until deadline: Instant) -> Bool {
        var time = timespec(
            tv_sec: deadline.nanoseconds / 1_000_000_000,
            tv_nsec: deadline.nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !permit {
            guard pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT else { break }
        }
        defer { permit = false }
        return permit
    }

    /// Gives the permit. `pthread_cond_signal(3)`.
    func wake() {
        pthread_mutex_lock(mutex)
        permit = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }
}

extension Instant {
    /// This moment on the monotonic clock. `clock_gettime(2)`.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    /// This moment and `time` later; the end of time when that is too far for a number.
    func later(by time: Duration) -> Instant {
        let seconds = Int(clamping: time.components.seconds)
        guard seconds < 1 << 32 else { return Instant(nanoseconds: Int.max) }
        return self + (seconds < 0 ? .zero : time)
    }
}
