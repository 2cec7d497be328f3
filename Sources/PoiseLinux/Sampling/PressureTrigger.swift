import Glibc
import PoiseModel

/// Has the kernel tell when a group, or the machine, waits for a resource for more than a tenth of
/// a window, or 20 ms of it (`Documentation/accounting/psi.rst`); it tells once a window at most.
package final class PressureTrigger {
    /// Ready for `Epoll.Interest.urgent` when it has fired; broken when the group is gone.
    package let descriptor: FileDescriptor
    /// What the kernel accepted: without CAP_SYS_RESOURCE only whole multiples of 2 s (before
    /// Linux 6.5 nothing at all).
    package let window: Duration

    /// The windows that are tried, smallest first; Linux before 6.5 takes none below 500 ms.
    package static let windows: [Duration] = [
        .milliseconds(100), .milliseconds(500), .seconds(2),
    ]

    private init(_ descriptor: FileDescriptor, _ window: Duration) {
        self.descriptor = descriptor
        self.window = window
    }

    /// A trigger on a pressure file, with the smallest window that the kernel takes.
    ///
    /// `ENOENT` and `EOPNOTSUPP` where pressure is not measured, `EACCES`, `EPERM` and `EINVAL`
    /// where this process may have none.
    package static func open(_ path: String) throws(SystemError) -> PressureTrigger {
        var failure = SystemError("open", on: path, .invalid)
        for window in windows {
            do throws(SystemError) {
                return try open(path, window)
            } catch {
                failure = error
                if error.errno != .invalid { break }
            }
        }
        throw failure
    }

    private static func open(
        _ path: String, _ window: Duration
    ) throws(SystemError) -> PressureTrigger {
        let file = try FileDescriptor.open(path, O_RDWR | O_NONBLOCK)
        let microseconds = window.wholeNanoseconds / 1000
        // In a long window a tenth would take long to come together.
        let stall = min(microseconds / 10, 20_000)
        // The kernel wants the zero byte at the end of the text.
        try file.writeAll(Array("some \(stall) \(microseconds)".utf8) + [0])
        return PressureTrigger(file, window)
    }
}
