import PoiseEngine
import PoiseModel
import PoiseWire

// Harm on purpose.
extension Daemon {
    func chaos(_ call: ControlCall) -> ControlReply { ControlReply(.refused, "not there yet") }
}
