import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Features that are over their memory budget.
extension Daemon {
    /// Has the kernel take memory back; nothing can be done where it cannot, which is told once.
    func reclaim(_ bytes: Int, of feature: FeatureID) {
        guard !sensing.cannotReclaim, let folder = enforcer.groups?.folder,
            processes[feature] != nil
        else { return }
        do throws(SystemError) {
            _ = try folder.reclaim(bytes, from: feature)
        } catch {
            sensing.cannotReclaim = error.errno == .noSuchFile
            let advice = sensing.cannotReclaim ? " (Linux before 5.19 has no memory.reclaim)" : ""
            say("degraded", feature, "no memory can be taken back from it: \(error)\(advice)")
        }
    }

    func shrink(_ feature: FeatureID, by bytes: Int) {
        _ = processes[feature]?.send(.shrink(bytes: bytes))
    }
}
