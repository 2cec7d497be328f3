import CLinux
import Glibc
import PoiseModel

/// Tells which of many descriptors can be read or written without waiting; level-triggered
/// (`epoll(7)`).
///
/// A descriptor that is closed takes itself out.
package final class Epoll: Sendable {
    /// What is to be told of a descriptor; errors and hangups always are.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// Something out of the ordinary: a pressure trigger has fired.
        package static let urgent = Interest(rawValue: EPOLLPRI.rawValue)
        /// The other end has closed its writing side.
        package static let hangup = Interest(rawValue: EPOLLRDHUP.rawValue)
    }

    /// One descriptor that something can be done with.
    package struct Ready: Equatable, Sendable {
        /// What the descriptor was added with.
        package var token: UInt64
        package var canRead: Bool
        package var canWrite: Bool
        /// Nothing more will come, or the descriptor is broken; what came before may still be read.
        package var hungUp: Bool

        package init(token: UInt64, canRead: Bool, canWrite: Bool, hungUp: Bool) {
            self.token = token
            self.canRead = canRead
            self.canWrite = canWrite
            self.hungUp = hungUp
        }
    }

    private let descriptor: FileDescriptor

    /// An empty set of descriptors (`epoll_create1(2)`).
    package init() throws(SystemError) {
        let number = try systemCall("epoll_create1", on: "a new epoll") {
            epoll_create1(Int32(EPOLL_CLOEXEC))
        }
        descriptor = FileDescriptor(adopting: number, name: "epoll")
    }

    /// Begins to watch `watched`, which must be held as long (`EPOLL_CTL_ADD`).
    package func add(
        _ watched: FileDescriptor, token: UInt64, _ interest: Interest
    ) throws(SystemError) {
        try control(EPOLL_CTL_ADD, watched, token, interest)
    }

    /// Changes what is to be told of `watched` (`EPOLL_CTL_MOD`).
    package func modify(
        _ watched: FileDescriptor, token: UInt64, _ interest: Interest
    ) throws(SystemError) {
        try control(EPOLL_CTL_MOD, watched, token, interest)
    }

    /// Ends the watch on `watched` (`EPOLL_CTL_DEL`).
    package func remove(_ watched: FileDescriptor) throws(SystemError) {
        try control(EPOLL_CTL_DEL, watched, 0, [])
    }

    /// Waits until something can be done or `timeout` has passed; nil waits without end
    /// (`epoll_wait(2)`).
    package func wait(timeout: Duration?, atMost: Int = 64) throws(SystemError) -> [Ready] {
        var events = [epoll_event](repeating: epoll_event(), count: atMost)
        let milliseconds = timeout.map(Self.milliseconds) ?? -1
        let count = try systemCall("epoll_wait", on: descriptor.name) {
            epoll_wait(descriptor.number, &events, Int32(atMost), milliseconds)
        }
        return events.prefix(Int(count)).map(Self.ready)
    }

    private func control(
        _ operation: Int32, _ watched: FileDescriptor, _ token: UInt64, _ interest: Interest
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        _ = try systemCall("epoll_ctl", on: watched.name) {
            epoll_ctl(descriptor.number, operation, watched.number, &event)
        }
    }

    private static func ready(_ event: epoll_event) -> Ready {
        let has = { (flags: EPOLL_EVENTS) in event.events & flags.rawValue != 0 }
        return Ready(
            token: event.data.u64, canRead: has(EPOLLIN), canWrite: has(EPOLLOUT),
            hungUp: has(EPOLLHUP) || has(EPOLLRDHUP) || has(EPOLLERR))
    }

    /// Rounds up, so that a wait never ends just before its time and is made again for nothing.
    private static func milliseconds(_ timeout: Duration) -> Int32 {
        let rounded = (Swift.max(timeout.wholeNanoseconds, 0) + 999_999) / 1_000_000
        return Int32(clamping: rounded)
    }
}
