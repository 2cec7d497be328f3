import PoiseModel
import PoiseWire

/// Calls of the daemon, with failures as the command line tells them.
struct DaemonCall {
    private let socket: String

    init(_ invocation: Invocation) {
        let folder = RuntimeFolder.callersPath(
            option: invocation[.runtimeFolder], environment: RuntimeFolder.environment)
        socket = RuntimeFolder.socket(in: folder)
    }

    /// A connection that follows events as they come, for who does other things meanwhile.
    func eventStream() throws(CommandFailure) -> EventStream { try EventStream(socket: socket) }

    init(runtimeFolder: String) { socket = RuntimeFolder.socket(in: runtimeFolder) }

    /// The parameters of the daemon's one reply.
    func ask(
        _ method: ControlMethod, _ parameters: JSON = .object([])
    ) throws(CommandFailure) -> JSON {
        var answer: JSON = .null
        try follow(method, parameters, more: false) { (reply) throws(CommandFailure) in
            answer = reply
        }
        return answer
    }

    /// Hands each reply to `take`, until the daemon says that it was the last.
    func follow(
        _ method: ControlMethod, _ parameters: JSON, more: Bool = true,
        take: (JSON) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        let connection: DaemonConnection
        do throws(ControlError) {
            connection = try DaemonConnection(socket: socket)
        } catch {
            throw DaemonCall.failure(error)
        }
        var reply = try connection.call(ControlCall(method.rawValue, parameters, more: more))
        while true {
            if let failure = reply.failure {
                throw DaemonCall.failure(failure, text: reply.text, of: method)
            }
            try take(reply.parameters)
            guard reply.continues else { return }
            reply = try connection.next()
        }
    }

    static func failure(_ error: ControlError) -> CommandFailure {
        switch error {
        case .unreachable, .broken: CommandFailure(.unreachable, error.description)
        case .notAllowed: CommandFailure(.notAllowed, error.description)
        }
    }

    /// What a refusal of the daemon means here.
    static func failure(
        _ failure: ControlReply.Failure, text: String, of method: ControlMethod
    ) -> CommandFailure {
        let name = method.rawValue.dropFirst(ControlReply.interface.count)
        let said = text.isEmpty ? "the daemon refused \(name): \(failure.rawValue)" : text
        switch failure {
        case .unknownMethod:
            return CommandFailure(
                .no, "the daemon does not know \(name): it is of another version (restart poised)")
        case .badParameters: return CommandFailure(.wrongUse, said)
        case .notFound, .refused, .busy: return CommandFailure(.no, said)
        case .notAllowed: return CommandFailure(.notAllowed, said)
        }
    }

    /// Reads a plan that the daemon sent.
    static func plan(_ json: JSON) throws(CommandFailure) -> AllocationPlan {
        do throws(WireError) {
            return try AllocationPlan(json: json)
        } catch {
            throw CommandFailure(.unreachable, "the daemon sent no plan: \(error)")
        }
    }
}

/// One connection, kept where a closure may use it.
private final class DaemonConnection {
    private var client: ControlClient

    init(socket: String) throws(ControlError) { client = try ControlClient(socket: socket) }

    func call(_ call: ControlCall) throws(CommandFailure) -> ControlReply {
        do throws(ControlError) {
            return try client.call(call)
        } catch {
            throw DaemonCall.failure(error)
        }
    }

    func next() throws(CommandFailure) -> ControlReply {
        do throws(ControlError) {
            return try client.next()
        } catch {
            throw DaemonCall.failure(error)
        }
    }
}

/// Events as they come, asked for piece by piece.
final class EventStream {
    private var client: ControlClient

    fileprivate init(socket: String) throws(CommandFailure) {
        do throws(ControlError) {
            client = try ControlClient(socket: socket)
            // Only those from now on.
            let parameters: JSON = ["follow": true, "since": 0]
            try client.send(ControlCall(ControlMethod.events.rawValue, parameters, more: true))
        } catch {
            throw DaemonCall.failure(error)
        }
    }

    /// What comes within a time; returns as soon as something does.
    func next(within time: Duration) throws(CommandFailure) -> [JSON] {
        let reply: ControlReply?
        do throws(ControlError) {
            reply = try client.next(within: time)
        } catch {
            throw DaemonCall.failure(error)
        }
        guard let reply else { return [] }
        if let failure = reply.failure {
            throw DaemonCall.failure(failure, text: reply.text, of: .events)
        }
        return reply.parameters["events"]?.array ?? []
    }
}
