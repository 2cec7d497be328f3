import CLinux
import Glibc
import PoiseModel

/// A process that this one started and whose end only this one learns.
package final class ChildProcess: Sendable {
    /// The process itself, for whoever need not know that it is ours.
    package let handle: ProcessHandle
    /// What the kernel refused it for want of privilege; it runs without.
    package let refused: [SpawnStep]

    init(pid: ProcessID, descriptor: FileDescriptor, refused: [SpawnStep]) {
        handle = ProcessHandle(pid: pid, descriptor: descriptor)
        self.refused = refused
    }

    package var pid: ProcessID { handle.pid }

    /// Readable once the process has ended (`pidfd_open(2)`).
    package var descriptor: FileDescriptor { handle.descriptor }

    /// When it started (`/proc/PID/stat`, field 22), which no later process of this number shares;
    /// nil when it had ended before that could be read.
    package var startTicks: Int? { handle.startTicks }

    /// As `ProcessHandle.signal`.
    package func signal(_ number: Int32) throws(SystemError) { try handle.signal(number) }

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
