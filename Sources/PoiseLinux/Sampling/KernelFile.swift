import Glibc
import PoiseModel

/// A file of the kernel that is read again and again: it stays open, and one read is one system
/// call (`pread(2)`).
final class KernelFile {
    private let descriptor: FileDescriptor
    private var buffer: [UInt8]

    /// Nil when it cannot be opened: the controller is not there, or the process has ended.
    init?(_ path: String, room: Int = 512) {
        do throws(SystemError) {
            descriptor = try FileDescriptor.open(path, O_RDONLY)
        } catch {
            return nil
        }
        buffer = [UInt8](repeating: 0, count: room)
    }

    /// What is in it now; nil when it cannot be read: the group or the process is gone, or the
    /// kernel was told not to measure.
    func read() -> ArraySlice<UInt8>? {
        while true {
            let count = buffer.withUnsafeMutableBytes {
                pread(descriptor.number, $0.baseAddress, $0.count, 0)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count < buffer.count { return buffer[..<count] }
            // Files of the kernel are as long as the machine is large.
            buffer = [UInt8](repeating: 0, count: buffer.count * 4)
        }
    }
}
