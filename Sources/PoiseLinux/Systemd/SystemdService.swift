import CSystemd
import Glibc
package import PoiseModel

/// This process as a service of systemd: what it was started with and what it tells
/// (`sd_notify(3)`, `sd_listen_fds(3)`, `sd_watchdog_enabled(3)`).
///
/// Started by anything but systemd, it tells nobody, says so by `false`, and was given nothing.
/// A notice is put into the queue of process 1 and waits while that is full.
package struct SystemdService: Sendable {
    /// Whether somebody takes notices (`NOTIFY_SOCKET`).
    package let isThere: Bool
    /// The longest time between two `watchdog` notices; nil where nobody waits for them
    /// (`WATCHDOG_USEC` for this process).
    package let watchdogInterval: Duration?

    package init() {
        isThere = getenv("NOTIFY_SOCKET").map { $0.pointee != 0 } ?? false
        var microseconds: UInt64 = 0
        watchdogInterval =
            sd_watchdog_enabled(0, &microseconds) > 0
            ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    /// The variables that are for this process alone; `OwnEnvironment` leaves them out, so that no
    /// child speaks to systemd in our name or takes numbers for descriptors that it does not have.
    static let variables: Set<String> = [
        "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES",
        "WATCHDOG_PID", "WATCHDOG_USEC", "FDSTORE", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID",
        "INVOCATION_ID", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE",
    ]

    /// The descriptors that this process was started with, in systemd's order: of sockets that it
    /// listens on for us, and of what was stored. All are closed on exec.
    ///
    /// A second call gives none. Call it on the first thread before there is another: it changes
    /// the environment (`sd_listen_fds_with_names(3)`).
    package func takeDescriptors() throws(SystemError) -> [(
        name: String, descriptor: FileDescriptor
    )] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = try linuxCall("sd_listen_fds_with_names", on: "LISTEN_FDS") {
            sd_listen_fds_with_names(1, &names)
        }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        return (0..<Int(count)).map { index in
            let name = names?[index].map { String(cString: $0) } ?? "unknown"
            let number = SystemdService.firstDescriptor + Int32(index)
            return (name, FileDescriptor(adopting: number, name: "\(name), from systemd"))
        }
    }

    /// `SD_LISTEN_FDS_START`.
    private static let firstDescriptor: Int32 = 3
}

extension SystemdService {
    /// What a service tells (`sd_notify(3)`).
    package enum Notice: Equatable, Sendable {
        /// It has started, or has reloaded (`READY=1`).
        case ready
        /// It reads its configuration again since this moment (`RELOADING=1`, `MONOTONIC_USEC`).
        case reloading(since: Instant)
        /// It is about to end (`STOPPING=1`).
        case stopping
        /// What it does, in a line for people (`STATUS=`).
        case status(String)
        /// It is alive (`WATCHDOG=1`).
        case watchdog
        /// It needs so much longer to start, reload or stop (`EXTEND_TIMEOUT_USEC=`).
        case stillBusy(for: Duration)

        /// The lines of it.
        var lines: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let since):
                "RELOADING=1\nMONOTONIC_USEC=\(max(0, since.nanoseconds) / 1000)"
            case .stopping: "STOPPING=1"
            // A line break would begin another assignment.
            case .status(let text):
                "STATUS=" + String(text.map { $0.isNewline || $0 == "\0" ? " " : $0 })
            case .watchdog: "WATCHDOG=1"
            case .stillBusy(let time):
                "EXTEND_TIMEOUT_USEC=\(max(0, time.wholeNanoseconds) / 1000)"
            }
        }
    }

    /// Tells all of `notices` in one message; false when there is nobody to tell
    /// (`sd_notify(3)`).
    @discardableResult
    package func notify(_ notices: Notice...) throws(SystemError) -> Bool {
        try send(notices.map(\.lines).joined(separator: "\n"), [])
    }

    /// Has systemd keep a copy of `descriptor` until this service is stopped, so that its next
    /// process finds it in `takeDescriptors`; false when there is nobody to keep it.
    ///
    /// What is stored under a name already stays there beside it: `forget` it first. systemd says
    /// nothing when it keeps no more (`FileDescriptorStoreMax=`). The descriptor stays stored when
    /// the other end is closed or the process behind it ends (`FDSTORE=1`, `FDPOLL=0`).
    ///
    /// - Parameter name: 1 to 255 printable ASCII characters, no colon.
    @discardableResult
    package func store(_ descriptor: FileDescriptor, name: String) throws(SystemError) -> Bool {
        try check(name)
        return try withExtendedLifetime(descriptor) { () throws(SystemError) in
            try send("FDSTORE=1\nFDNAME=\(name)\nFDPOLL=0", [descriptor.number])
        }
    }

    /// Has systemd close what is stored under `name`; false when there is nobody who stores
    /// (`FDSTOREREMOVE=1`).
    @discardableResult
    package func forget(name: String) throws(SystemError) -> Bool {
        try check(name)
        return try send("FDSTOREREMOVE=1\nFDNAME=\(name)", [])
    }

    /// Whether systemd keeps descriptors under this name.
    static func isStoreName(_ name: String) -> Bool {
        let bytes = name.utf8
        return (1...255).contains(bytes.count)
            && bytes.allSatisfy { (32..<127).contains($0) && $0 != UInt8(ascii: ":") }
    }

    private func check(_ name: String) throws(SystemError) {
        guard SystemdService.isStoreName(name) else {
            throw SystemError(
                "sd_notify", on: "the stored descriptor \"\(name)\"", .invalid,
                advice: "a name has 1 to 255 printable ASCII characters and no colon")
        }
    }

    private func send(_ state: String, _ descriptors: [Int32]) throws(SystemError) -> Bool {
        // Asked here, because libsystemd would look at an environment that may have changed.
        guard isThere else { return false }
        let sent = try linuxCall("sd_notify", on: "NOTIFY_SOCKET") {
            sd_pid_notify_with_fds(0, 0, state, descriptors, UInt32(descriptors.count))
        }
        return sent > 0
    }
}
