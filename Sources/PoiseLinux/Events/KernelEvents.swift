import CLinux
import Glibc
import PoiseModel

/// Hears what happens to the machine: CPUs that go and come, memory, devices
/// (`netlink(7)`, `NETLINK_KOBJECT_UEVENT`).
///
/// Every user may listen; only what the kernel itself sent is believed.
package final class KernelEvents: Sendable {
    /// What came since the last time.
    package struct Received: Equatable, Sendable {
        /// In the kernel's order.
        package var events: [KernelEvent] = []
        /// Whether more came than was kept; look at everything again (`ENOBUFS`).
        package var missedSome = false

        package init(events: [KernelEvent] = [], missedSome: Bool = false) {
            self.events = events
            self.missedSome = missedSome
        }
    }

    /// Readable once something came.
    package let descriptor: FileDescriptor
    /// The longest message of the kernel's is 2048 bytes of fields and a path.
    private static let longest = 8192

    /// - Parameter bufferBytes: how much is kept until it is received; nil for the kernel's usual.
    package init(bufferBytes: Int? = nil) throws(SystemError) {
        let number = try linuxCall("socket(NETLINK_KOBJECT_UEVENT)", on: "kernel events") {
            poise_kernel_events(Int32(bufferBytes ?? 0))
        }
        descriptor = FileDescriptor(adopting: number, name: "kernel events")
    }

    /// What came since the last time, at most `most` events; what is left makes the descriptor
    /// readable again (`recvmsg(2)`, `SCM_CREDENTIALS`).
    package func receive(atMost most: Int = 1024) throws(SystemError) -> Received {
        var received = Received()
        var bytes = [UInt8](repeating: 0, count: KernelEvents.longest)
        while received.events.count < most {
            var isKernels: Int32 = 0
            do throws(SystemError) {
                let count = try linuxCall("recvmsg", on: descriptor.name) {
                    poise_receive_kernel_event(
                        descriptor.number, &bytes, UInt32(bytes.count), &isKernels)
                }
                guard isKernels == 1 else { continue }
                if let event = KernelEventFormat.parse(bytes.prefix(Int(count))) {
                    received.events.append(event)
                }
            } catch {
                if error.errno == .tryAgain { return received }
                guard error.errno == Errno(ENOBUFS) else { throw error }
                received.missedSome = true
            }
        }
        return received
    }
}
