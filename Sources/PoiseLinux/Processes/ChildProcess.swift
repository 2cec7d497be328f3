import CLinux
import Glibc
import PoiseModel

/// A process that this one started and whose end only this one learns.
package final class ChildProcess: Sendable {
    package let pid: ProcessID
    /// Readable once the process has ended (`pidfd_open(2)`).
    package let descriptor: FileDescriptor
    /// What the kernel refused it for want of privilege; it runs without.
    package let refused: [SpawnStep]
    /// When it started (`/proc/PID/stat`, field 22), which no later process of this number shares;
    /// nil when it had ended before that could be read.
    package let startTicks: Int?

    init(pid: ProcessID, descriptor: FileDescriptor, refused: [SpawnStep]) {
        self.pid = pid
        self.descriptor = descriptor
        self.refused = refused
        startTicks = ProcessFiles.stat(of: pid)?.startTicks
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

    /// How it ended, once; nil while it runs (`waitid(2)`).
    package func reap() throws(SystemError) -> ProcessEnd? {
        var end = poise_exit()
        let found = try linuxCall("waitid", on: descriptor.name) {
            poise_reap_pidfd(descriptor.number, &end)
        }
        return found == 1 ? ProcessEnd(end) : nil
    }
}

/// How a process ended.
package enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
    case exited(code: Int32)
    case signalled(signal: Int32, coreDumped: Bool)

    init(_ end: poise_exit) {
        self =
            end.by_signal != 0
            ? .signalled(signal: end.status, coreDumped: end.core_dumped != 0)
            : .exited(code: end.status)
    }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal, let dumped):
            "signal \(signal)" + (dumped ? ", core dumped" : "")
        }
    }
}
