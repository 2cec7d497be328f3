import PoiseModel

/// Tells what becomes of a unit, as long as it is held (`PropertiesChanged`, `UnitRemoved`).
///
/// Whatever changes, the whole state is asked for anew, once for any number of changes that come
/// meanwhile; so what is told is never older than what was told before.
package final class UnitWatch {
    package enum Event: Equatable, Sendable {
        /// The state now; the first one comes by itself.
        case state(UnitState)
        /// systemd has forgotten the unit: it does not run, and nothing refers to it.
        case removed
        /// The state could not be had; another change is told again.
        case lost(SystemError)
    }

    package let unit: String
    private weak var bus: SystemBus?
    private let tell: (Event) -> Void
    private var matches: [BusMatch] = []
    private var isAsking = false
    private var mustAskAgain = false

    fileprivate init(_ unit: String, on bus: SystemBus, tell: @escaping (Event) -> Void) {
        self.unit = unit
        self.bus = bus
        self.tell = tell
    }

    fileprivate func start(on bus: SystemBus) throws(SystemError) {
        let path = try bus.checkedPath(of: unit)
        let signal = "type='signal',sender='\(Systemd.name)'"
        let changed =
            "\(signal),path='\(path)',interface='\(Systemd.properties)',member='PropertiesChanged'"
        let removed =
            "\(signal),interface='\(Systemd.manager)',member='UnitRemoved',arg0='\(unit)'"
        matches = [
            try bus.match(changed, subject: unit) { [weak self] _ in self?.ask() },
            try bus.match(removed, subject: unit) { [weak self] _ in self?.tell(.removed) },
        ]
        bus.subscribe()
        ask()
    }

    private func ask() {
        guard !isAsking else {
            mustAskAgain = true
            return
        }
        isAsking = true
        bus?.unit(unit) { [weak self] result in
            guard let self else { return }
            self.isAsking = false
            switch result {
            case .success(let state): self.tell(.state(state))
            case .failure(let error): self.tell(.lost(error))
            }
            guard self.mustAskAgain else { return }
            self.mustAskAgain = false
            self.ask()
        }
    }
}

extension SystemBus {
    /// Watches a unit; let go of the result to end that.
    package func watch(
        _ unit: String, tell: @escaping (UnitWatch.Event) -> Void
    ) throws(SystemError) -> UnitWatch {
        let watch = UnitWatch(unit, on: self, tell: tell)
        try watch.start(on: self)
        return watch
    }
}
