import CLinux
import Glibc
import PoiseModel

/// Signals that are read like messages instead of interrupting (`signalfd(2)`).
package final class SignalDescriptor: Sendable {
    /// One signal that came.
    package struct Received: Equatable, Sendable {
        package var signal: Int32
        /// Who sent it; 0 for the kernel.
        package var sender: Int32
    }

    /// Readable once one of the signals came.
    package let descriptor: FileDescriptor

    /// Blocks `signals` in the calling thread and in those it makes from now on.
    ///
    /// So call it on the main thread before there is another. They stay blocked; spawned processes
    /// do not inherit it.
    package init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError("pthread_sigmask", on: "signals", Errno(code)) }
        let number = try systemCall("signalfd", on: "signals \(signals)") {
            signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number, name: "a signal descriptor")
    }

    /// The signals that came since, in the kernel's order.
    package func receive() throws(SystemError) -> [Received] {
        var result: [Received] = []
        while true {
            var news = signalfd_siginfo()
            let size = try systemCallUnlessBlocked("read", on: descriptor.name) {
                read(descriptor.number, &news, MemoryLayout<signalfd_siginfo>.size)
            }
            guard size == MemoryLayout<signalfd_siginfo>.size else { return result }
            result.append(Received(signal: Int32(news.ssi_signo), sender: Int32(news.ssi_pid)))
        }
    }
}
