import CLinux
import Glibc
import PoiseModel
import PoiseWire

/// A real `poise-host` at the other end of a socket pair, as `poised` has it.
final class HostProcess {
    /// A test that waits longer than this has failed.
    static let patience: Duration = .seconds(30)

    let process: pid_t
    private var channel: Int32
    private var isReaped = false
    /// When the plugin signalled each need that came, which no test can know before.
    private(set) var signals: [Instant] = []
    private let keepsWarnings: Bool

    /// Starts a host for a plugin; its channel is descriptor 3.
    ///
    /// - Parameter keepsWarnings: whether what the sandbox lacks on this machine is among the news.
    init(plugin: String, sandbox: [String] = [], keepsWarnings: Bool = false) throws {
        self.keepsWarnings = keepsWarnings
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0 else {
            throw Errno(errno)
        }
        channel = ends[0]
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        defer { close(ends[1]) }
        process = try Programs.spawn(
            try Programs.host(),
            ["--feature", "tried", "--plugin", plugin, "--channel", "3"] + sandbox,
            channel: ends[1])
    }

    deinit {
        close(channel)
        if !isReaped {
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
        }
    }

    func tell(_ order: HostOrder) { tell(Array(order.json.description.utf8)) }

    func tell(_ bytes: [UInt8]) { send(channel, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// An order with descriptors, as those of the bus come.
    func tell(_ order: HostOrder, _ descriptors: [Int32]) {
        let bytes = Array(order.json.description.utf8)
        _ = poise_send_descriptors(
            channel, bytes, UInt64(bytes.count), descriptors, UInt32(descriptors.count))
    }

    /// Lets go of the channel, as a `poised` that dies does.
    func hangUp() {
        shutdown(channel, Int32(SHUT_RDWR))
    }

    func signal(_ number: Int32) { kill(process, number) }

    /// The next news; nil at the end of the channel.
    func next() throws -> HostNews? {
        var watched = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, Int32(HostProcess.patience.wholeMilliseconds)) > 0 else {
            throw Errno.timedOut
        }
        var bytes = [UInt8](repeating: 0, count: HostOrder.longest + 1)
        let count = recv(channel, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let news = try HostNews(json: JSON.parse(Array(bytes.prefix(count))))
        if case .log(.warning, let text, _) = news, text.hasPrefix("the sandbox is not whole"),
            !keepsWarnings
        {
            return try next()
        }
        if case .need(let coreClass, let millicores, let milliseconds, let signalled?) = news {
            signals.append(signalled)
            return .need(coreClass, millicores: millicores, milliseconds: milliseconds)
        }
        return news
    }

    /// The news up to the first that `isLast` takes, or up to the end of the channel.
    func news(until isLast: (HostNews) -> Bool) throws -> [HostNews] {
        var all: [HostNews] = []
        while let news = try next() {
            all.append(news)
            if isLast(news) { break }
        }
        return all
    }

    /// The rest of the news, and how the process ended.
    func end() throws -> (news: [HostNews], exit: HostProcessExit) {
        let rest = try news { _ in false }
        isReaped = true
        return (rest, try Programs.reap(process))
    }
}

/// How a process ended.
enum HostProcessExit: Equatable {
    case code(Int32)
    case signal(Int32)
}

extension Instant {
    /// This moment on the monotonic clock.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }
}
