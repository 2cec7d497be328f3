import CLinux
import Glibc

/// Wakes a thread that polls or waits. `eventfd(2)`.
///
/// It lives as long as the process, so it is never closed.
struct Doorbell: Sendable {
    let descriptor: Int32

    /// `blocking`: `wait` waits for a ring instead of only taking it.
    init(blocking: Bool) {
        descriptor = poise_host_doorbell(blocking ? 1 : 0)
        guard descriptor >= 0 else {
            HostExit.end(.outside, "making an eventfd failed: errno \(-descriptor)")
        }
    }

    func ring() {
        var one: UInt64 = 1
        write(descriptor, &one, 8)
    }

    func wait() {
        var count: UInt64 = 0
        while read(descriptor, &count, 8) < 0, errno == EINTR {}
    }
}
