import PoiseEngine
import PoiseModel
import PoiseWire

// Two versions of a plugin side by side.
extension Daemon {
    func rollout(_ call: ControlCall) -> ControlReply { ControlReply(.refused, "not there yet") }

    func rollback(_ call: ControlCall) -> ControlReply { ControlReply(.refused, "not there yet") }

    func rolloutsJSON() -> JSON { [:] }
}
