import CLinux
import Glibc
import PoiseModel

/// One process for good, whoever started it; a later process of its number is never meant
/// (`pidfd_open(2)`).
package final class ProcessHandle: Sendable {
    package let pid: ProcessID
    /// Readable once the process has ended.
    package let descriptor: FileDescriptor
    /// When it started (`/proc/PID/stat`, field 22), which no later process of this number shares;
    /// nil when it had ended before that could be read.
    package let startTicks: Int?

    /// Takes over a descriptor of the process `pid`.
    init(pid: ProcessID, descriptor: FileDescriptor) {
        self.pid = pid
        self.descriptor = descriptor
        startTicks = ProcessFiles.stat(of: pid)?.startTicks
    }

    /// The process that has this number now; `ESRCH` when there is none. To know that it is the one
    /// that had it before, compare `startTicks`.
    package convenience init(opening pid: ProcessID) throws(SystemError) {
        let number = try linuxCall("pidfd_open", on: "process \(pid)") { poise_pidfd_open(pid) }
        self.init(
            pid: pid, descriptor: FileDescriptor(adopting: number, name: "process \(pid)"))
    }

    /// The process behind a descriptor that came from elsewhere, such as systemd's store; nil when
    /// it has ended and is nobody's to wait for any more. `EINVAL` when the descriptor is of no
    /// process, or of one that is not in our namespace (`/proc/self/fdinfo`).
    package static func adopt(
        _ descriptor: FileDescriptor
    ) throws(SystemError) -> ProcessHandle? {
        let facts = ProcessFiles.text("/proc/self/fdinfo/\(descriptor.number)") ?? ""
        guard let pid = PidfdFormat.parse(facts), pid != 0 else {
            throw SystemError(
                "pidfd", on: descriptor.name, .invalid, advice: "it is no descriptor of a process")
        }
        return pid < 0 ? nil : ProcessHandle(pid: pid, descriptor: descriptor)
    }

    /// Whether it has not ended; one that has ended and is not waited for has (`poll(2)`).
    package var isAlive: Bool {
        var watched = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, 0) < 0, errno == EINTR {}
        return watched.revents == 0
    }

    /// Sends a signal to the process and never to a later one of its number; nothing happens when
    /// it has ended (`pidfd_send_signal(2)`).
    package func signal(_ number: Int32) throws(SystemError) {
        do throws(SystemError) {
            _ = try linuxCall("pidfd_send_signal", on: descriptor.name) {
                poise_pidfd_send_signal(descriptor.number, number)
            }
        } catch {
            if error.errno != .noSuchProcess { throw error }
        }
    }
}
