import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Service levels and memory.
extension Daemon {
    func level(_ call: ControlCall) -> ControlReply {
        ControlReply(["level": .string(engine.levels.level.rawValue)])
    }

    func tell(_ feature: FeatureID, _ level: ServiceLevel) {
        _ = processes[feature]?.send(.serviceLevel(level))
    }

    func reclaim(_ bytes: Int, of feature: FeatureID) {}

    func shrink(_ feature: FeatureID, by bytes: Int) {
        _ = processes[feature]?.send(.shrink(bytes: bytes))
    }
}
