import PoiseLinux
import PoiseModel
import PoiseWire

/// One caller on the control socket.
final class ControlConnection {
    let socket: FileDescriptor
    /// Who called, as the kernel vouches for it; nil when it does not.
    let peer: LocalSocket.Peer?
    /// The process that connected: whoever has its descriptor now speaks for it only while it
    /// lives.
    var process: ProcessHandle?
    /// The feature that it belonged to then.
    var feature: FeatureID?
    /// When it last said something.
    var heardAt: Instant
    var splitter = MessageSplitter()
    private var unsent: [UInt8] = []
    /// The feature whose history it waits for; what it says meanwhile waits too.
    var awaited: String?
    var postponed: [[UInt8]] = []
    /// Which new events it gets; nil gets none.
    var follows: EventLog.Filter?
    /// Set once nothing more is to be said: it is closed when all is sent.
    var isLast = false

    /// So many calls may wait for the answer to one before.
    static let mostPostponed = 16
    /// What may wait for a slow reader; beyond it the reader is cut off.
    private static let mostUnsent = 4 << 20

    init(socket: FileDescriptor, peer: LocalSocket.Peer?, now: Instant) {
        self.socket = socket
        self.peer = peer
        heardAt = now
    }

    var hasUnsent: Bool { !unsent.isEmpty }

    /// Queues a reply; false when the reader is too slow to be kept.
    func queue(_ reply: ControlReply) -> Bool {
        unsent += Array(reply.json.description.utf8) + [0]
        return unsent.count <= ControlConnection.mostUnsent
    }

    /// Sends what the socket takes now; false when the caller is gone.
    func flush() -> Bool {
        while !unsent.isEmpty {
            do throws(SystemError) {
                guard let count = try LocalSocket.send(unsent[...], to: socket) else { return true }
                unsent.removeFirst(count)
            } catch {
                return false
            }
        }
        return !isLast
    }
}

/// The callers on the control socket, by number.
struct ControlServer {
    /// More callers at one time are refused.
    static let mostConnections = 1024
    /// Of one user that is not root; others are to be served too.
    static let mostOfOneUser = 512
    /// Of one user who may ask for nothing.
    static let mostOfAStranger = 16
    /// A caller that says nothing for so long, and follows no events, is let go.
    static let patience = Duration.seconds(60)

    let listener: FileDescriptor
    var connections: [UInt64: ControlConnection] = [:]

    init(listener: FileDescriptor) { self.listener = listener }

    /// Tells all who are waiting at a socket why nobody will serve them. Whoever woke us by calling
    /// would wake us again and again if its connection stayed there.
    static func refuseAll(_ listener: FileDescriptor, _ text: String) {
        let reply = Array(ControlReply(.refused, text).json.description.utf8) + [0]
        do throws(SystemError) {
            try listener.setNonBlocking()
            while let caller = try LocalSocket.accept(listener) {
                _ = try LocalSocket.send(reply[...], to: caller)
                // What it has said is taken, so that it gets the answer and no reset.
                _ = try caller.read()
            }
        } catch {
            // Then they see the end of their connections.
            return
        }
    }

    /// Whether one more caller of this user can be served.
    func hasRoom(for peer: LocalSocket.Peer?, _ level: ControlAccess.Level) -> Bool {
        // Root is never kept out by others.
        if peer?.user == 0 { return connections.count < 2 * ControlServer.mostConnections }
        guard connections.count < ControlServer.mostConnections, let user = peer?.user
        else { return false }
        let same = connections.values.count { $0.peer?.user == user }
        return same < (level == .none ? ControlServer.mostOfAStranger : ControlServer.mostOfOneUser)
    }
}
