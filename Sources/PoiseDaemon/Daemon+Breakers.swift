import PoiseEngine
import PoiseModel
import PoiseWire

// Circuit breakers, from the command line.
extension Daemon {
    func commandBreaker(_ call: ControlCall) -> ControlReply {
        let words = BreakerCommand.allCases.map(\.rawValue)
        guard let command = call.parameters["command"]?.string.flatMap(BreakerCommand.init) else {
            return ControlReply(
                .badParameters, "the parameter command is \(words.joined(separator: " or "))")
        }
        let text = command == .reset ? "has its breaker reset" : "is held by its breaker"
        return operate(call, text) { .breaker($0, command) }
    }
}
