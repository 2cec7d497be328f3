import CLinux
import Glibc
package import PoiseModel

/// An alarm on the monotonic clock that can be set again and again (`timerfd_create(2)`).
package final class TimerDescriptor: Sendable {
    /// Readable once the time has come.
    package let descriptor: FileDescriptor

    /// A timer that is not set.
    package init() throws(SystemError) {
        let number = try systemCall("timerfd_create", on: "a new timer") {
            timerfd_create(
                CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number, name: "a timer")
    }

    /// Rings once at `moment`, at once when that has passed.
    package func set(at moment: Instant) throws(SystemError) {
        // Zero would stop the timer instead.
        let first = Duration.nanoseconds(Swift.max(moment.nanoseconds, 1))
        try arm(first, every: .zero, flags: Int32(TFD_TIMER_ABSTIME))
    }

    /// Rings after `delay`, and every `period` after that when one is given.
    package func set(
        after delay: Duration, repeatingEvery period: Duration = .zero
    ) throws(SystemError) {
        try arm(Swift.max(delay, .nanoseconds(1)), every: period, flags: 0)
    }

    /// Does not ring any more until it is set again.
    package func stop() throws(SystemError) { try arm(.zero, every: .zero, flags: 0) }

    /// How often it rang since the last time this was asked.
    package func expirations() throws(SystemError) -> Int {
        var count: UInt64 = 0
        let size = try systemCallUnlessBlocked("read", on: descriptor.name) {
            read(descriptor.number, &count, MemoryLayout<UInt64>.size)
        }
        return size == nil ? 0 : Int(count)
    }

    private func arm(
        _ first: Duration, every period: Duration, flags: Int32
    ) throws(SystemError) {
        var setting = itimerspec(it_interval: timespec(period), it_value: timespec(first))
        _ = try systemCall("timerfd_settime", on: descriptor.name) {
            timerfd_settime(descriptor.number, flags, &setting, nil)
        }
    }
}

extension timespec {
    fileprivate init(_ duration: Duration) {
        let nanoseconds = Swift.max(duration.wholeNanoseconds, 0)
        self.init(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }
}
