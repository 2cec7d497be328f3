import PoiseEngine
import PoiseModel
import PoiseWire

// Checks of features, and what they come to.
extension Daemon {
    func healthJSON() -> JSON { [:] }
}
