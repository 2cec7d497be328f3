import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel

// Features that are units of systemd.
extension Daemon {
    func unitBudget(_ allocation: ResourceAllocation, _ policy: FeaturePolicy) -> [UnitProperty] {
        let budget = ControlBudget(
            allocation, of: policy, on: machine.machine, ControlSupport())
        return UnitProperty.budget(budget.group)
    }

    /// A unit has been told when systemd holds it to its allocation.
    func tellUnit(_ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int) {
        guard let policy = engine.policy[feature] else { return }
        units.hold(feature, unitBudget(allocation, policy)) { [weak self] error in
            if let error {
                self?.say("refused", feature, "\(error)")
            } else {
                self?.inbox.post(.applied(feature, generation: generation))
            }
        }
    }

    /// Watches a new connection to systemd.
    func watchBus(_ bus: SystemBus) {
        if let old = busToken { forgetSource(old) }
        attempt { () throws(SystemError) in
            busToken = try watch(bus.descriptor, .bus, bus.events)
        }
    }

    /// What the connection waits for changes with every call.
    func settleBus() {
        guard let bus = units.bus, let busToken else { return }
        if let due = bus.timeout, due <= MonotonicClock.now { units.process() }
        attempt { () throws(SystemError) in
            try epoll.modify(bus.descriptor, token: busToken, bus.events)
        }
    }
}
