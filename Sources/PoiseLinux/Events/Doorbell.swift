import CLinux
import Glibc
import PoiseModel

/// Wakes the loop from another thread; any number of rings before it is answered count as one
/// (`eventfd(2)`).
package final class Doorbell: Sendable {
    /// Readable once it was rung.
    package let descriptor: FileDescriptor

    package init() throws(SystemError) {
        let number = try systemCall("eventfd", on: "a new doorbell") {
            eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number, name: "a doorbell")
    }

    /// Rings; safe on any thread.
    package func ring() throws(SystemError) {
        // A full counter would have to wait, and is rung already.
        _ = try systemCallUnlessBlocked("eventfd_write", on: descriptor.name) {
            eventfd_write(descriptor.number, 1)
        }
    }

    /// Takes back all rings; whether there was one.
    package func answer() throws(SystemError) -> Bool {
        var rings: eventfd_t = 0
        return try systemCallUnlessBlocked("eventfd_read", on: descriptor.name) {
            eventfd_read(descriptor.number, &rings)
        } != nil
    }
}
