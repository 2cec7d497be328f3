import PoiseEngine
import PoiseLinux
import PoiseModel

/// Units of systemd that are features: started where they do not run, given their budgets by
/// systemd until the next boot at most, and given back what they had.
///
/// systemd answers when it has done something, so each step goes on in a closure; what came of it
/// is posted like everything else that happens.
final class UnitFeatures {
    /// One unit that is a feature now.
    final class Unit {
        let name: String
        /// What it had before; nil until systemd has told.
        var origin: UnitOrigin?
        var state: UnitState?
        /// The budget that it was given, and the texts of its control files then.
        fileprivate var wanted: [UnitProperty] = []
        fileprivate var settled: [String: String]?
        fileprivate var isSetting = false
        fileprivate var watch: UnitWatch?
        fileprivate var isReleased = false

        var load = LoadMeter()

        /// The folder of its cgroup, where there is one to be read.
        func folder(cgroupMount: String?) -> String? {
            guard let cgroupMount, let group = state?.controlGroup, group.count > 1 else {
                return nil
            }
            return cgroupMount + group
        }

        fileprivate init(_ name: String, origin: UnitOrigin? = nil) {
            self.name = name
            self.origin = origin
        }
    }

    private(set) var units: [FeatureID: Unit] = [:]
    /// Nil until the first unit needs it, and after the connection was lost.
    private(set) var bus: SystemBus?
    let cgroupMount: String?
    private let machine: () -> Machine
    private let post: (Input) -> Void
    private let say: (String, FeatureID, String) -> Void
    /// Writes down what units had, before that is changed.
    private let remember: () -> Void
    /// Called with a new connection, to be watched.
    private let opened: (SystemBus) -> Void

    init(
        cgroupMount: String?, machine: @escaping () -> Machine,
        post: @escaping (Input) -> Void,
        say: @escaping (String, FeatureID, String) -> Void,
        remember: @escaping () -> Void, opened: @escaping (SystemBus) -> Void
    ) {
        self.cgroupMount = cgroupMount
        self.machine = machine
        self.post = post
        self.say = say
        self.remember = remember
        self.opened = opened
    }

    /// Does what the bus is ready for; a connection that is lost is opened again when it is needed.
    func process() {
        guard let bus else { return }
        do throws(SystemError) {
            try bus.process()
        } catch {
            self.bus = nil
            for (feature, unit) in units {
                unit.watch = nil
                say("degraded", feature, "systemd cannot be asked any more: \(error)")
            }
        }
    }

    /// Opens the connection again that was lost, and follows the units anew.
    func reconnect() {
        guard bus == nil, !units.isEmpty else { return }
        do throws(SystemError) {
            let new = try SystemBus()
            bus = new
            opened(new)
            for (feature, unit) in units where !unit.isReleased { follow(feature, unit) }
        } catch {
            // It is tried again in a second; that it was lost has been told.
            return
        }
    }

    /// Starts a unit where it does not run, and gives it its budget.
    func start(_ feature: FeatureID, _ name: String, _ budget: [UnitProperty]) {
        guard let bus = connection(for: feature) else { return }
        let unit = Unit(name)
        units[feature] = unit
        bus.unit(name) { [weak self] result in
            switch result {
            case .failure(let error): self?.fail(feature, "\(error)", permanent: false)
            case .success(let state): self?.take(state, of: feature, unit, budget)
            }
        }
    }

    /// Takes over a unit that an earlier daemon had given a budget.
    func resume(
        _ feature: FeatureID, _ name: String, _ origin: UnitOrigin, _ budget: [UnitProperty]
    ) {
        guard connection(for: feature) != nil else { return }
        let unit = Unit(name, origin: origin)
        unit.wanted = budget
        units[feature] = unit
        follow(feature, unit)
    }

    /// Gives back what a unit had that is no feature any more.
    func giveBack(_ feature: FeatureID, _ name: String, _ origin: UnitOrigin) {
        guard connection(for: feature) != nil else { return }
        let unit = Unit(name, origin: origin)
        units[feature] = unit
        giveBack(feature, unit, .done, "given back")
    }

    private func take(
        _ state: UnitState, of feature: FeatureID, _ unit: Unit, _ budget: [UnitProperty]
    ) {
        guard !unit.isReleased else { return end(feature, .done, "given back") }
        unit.state = state
        if unit.origin == nil {
            guard state.loadState == "loaded" else {
                return fail(
                    feature,
                    "the unit \(unit.name) is \(state.loadState) (systemctl status \(unit.name))",
                    permanent: true)
            }
            unit.origin = UnitOrigin(state, cgroupMount: cgroupMount)
        }
        guard state.isRunning else { return startUnit(feature, unit, budget) }
        // A cgroup that came with this start has its original settings only now.
        if unit.origin?.files.isEmpty ?? false {
            unit.origin?.readFiles(of: state, cgroupMount: cgroupMount)
        }
        remember()
        set(budget, of: feature, unit) { [weak self] error in
            guard let self, !unit.isReleased else { return }
            if let error {
                return self.fail(feature, "its budget was refused: \(error)", permanent: false)
            }
            self.post(.started(feature))
            self.follow(feature, unit)
        }
    }

    private func startUnit(_ feature: FeatureID, _ unit: Unit, _ budget: [UnitProperty]) {
        guard unit.origin?.startedHere == false else {
            return fail(feature, "\(unit.name) does not stay up", permanent: false)
        }
        unit.origin?.startedHere = true
        remember()
        bus?.perform(.start, on: unit.name) { [weak self] result in
            switch result {
            case .success(.done):
                self?.bus?.unit(unit.name) { [weak self] result in
                    switch result {
                    case .failure(let error): self?.fail(feature, "\(error)", permanent: false)
                    case .success(let state): self?.take(state, of: feature, unit, budget)
                    }
                }
            case .success(let end):
                self?.fail(
                    feature, "systemd could not start \(unit.name): \(end)", permanent: false)
            case .failure(let error): self?.fail(feature, "\(error)", permanent: false)
            }
        }
    }

    /// Tells when the unit ends by itself.
    private func follow(_ feature: FeatureID, _ unit: Unit) {
        do throws(SystemError) {
            unit.watch = try bus?.watch(unit.name) { [weak self] event in
                guard let self, !unit.isReleased else { return }
                switch event {
                case .state(let state): self.see(state, of: feature, unit)
                case .removed:
                    self.giveBack(feature, unit, .done, "\(unit.name) is gone")
                case .lost(let error): self.say("degraded", feature, "\(error)")
                }
            }
        } catch {
            say("degraded", feature, "the end of \(unit.name) will not be seen: \(error)")
        }
    }

    private func see(_ state: UnitState, of feature: FeatureID, _ unit: Unit) {
        unit.state = state
        guard state.isRunning else {
            let isFailed = state.activeState == "failed"
            return giveBack(
                feature, unit, isFailed ? .failure : .done,
                "\(unit.name) is \(state.activeState) (\(state.subState))")
        }
    }

    /// Puts back what somebody else has set. systemd tells nobody of that, so the control files are
    /// compared with what they were once systemd had set ours.
    func mendDrift() {
        for (feature, unit) in units where !unit.isReleased && !unit.isSetting {
            guard let now = controls(of: unit) else { continue }
            guard let settled = unit.settled else {
                unit.settled = now
                continue
            }
            let foreign = settled.filter { now[$0.key] != nil && now[$0.key] != $0.value }
            guard !foreign.isEmpty else { continue }
            let names = foreign.keys.sorted().joined(separator: ", ")
            say("drift", feature, "somebody wrote \(names) of \(unit.name); it is as it was again")
            set(unit.wanted, of: feature, unit) { _ in }
        }
    }

    private func controls(of unit: Unit) -> [String: String]? {
        guard let state = unit.state else { return nil }
        return UnitOrigin.controls(of: state, cgroupMount: cgroupMount)
    }

    /// Sets a budget; what comes of it in the control files is what is compared with later.
    private func set(
        _ budget: [UnitProperty], of feature: FeatureID, _ unit: Unit,
        then: @escaping (SystemError?) -> Void
    ) {
        unit.isSetting = true
        unit.wanted = budget
        bus?.setUnitProperties(budget, of: unit.name) { [weak self] result in
            unit.isSetting = false
            if case .failure(let error) = result { return then(error) }
            unit.settled = self?.controls(of: unit)
            then(nil)
        }
    }

    /// Gives a unit a new budget; `then` is told whether systemd took it.
    func hold(
        _ feature: FeatureID, _ budget: [UnitProperty], then: @escaping (SystemError?) -> Void
    ) {
        guard let unit = units[feature], connection(for: feature) != nil else { return }
        set(budget, of: feature, unit, then: then)
    }

    /// Gives back what the unit had, and stops it when it was started here.
    func release(_ feature: FeatureID) {
        guard let unit = units[feature], !unit.isReleased else { return }
        let text = unit.origin?.startedHere == true ? "stopped" : "given back, and goes on"
        giveBack(feature, unit, .done, text)
    }

    /// Gives back what a unit had that is no feature any more, or has ended: before it is started
    /// again, so that nobody takes our settings for its own.
    private func giveBack(
        _ feature: FeatureID, _ unit: Unit, _ ending: FeatureLife.Ending, _ text: String
    ) {
        unit.isReleased = true
        unit.watch = nil
        guard let origin = unit.origin, let bus = connection(for: feature) else {
            return end(feature, ending, text)
        }
        bus.unit(unit.name) { [weak self] result in
            // What was not changed is not written: an empty set cannot be given to a cgroup in use.
            var changed = origin.properties
            var isRunning = false
            if case .success(let now) = result {
                changed.removeAll { now.budget.contains($0) }
                isRunning = now.isRunning
            }
            self?.restore(changed, origin, of: feature, unit) {
                guard origin.startedHere, isRunning else {
                    self?.end(feature, ending, text)
                    return
                }
                self?.bus?.perform(.stop, on: unit.name) { _ in self?.end(feature, ending, text) }
            }
        }
    }

    private func restore(
        _ properties: [UnitProperty], _ origin: UnitOrigin, of feature: FeatureID, _ unit: Unit,
        then: @escaping () -> Void
    ) {
        let machine = machine()
        bus?.restoreUnitProperties(
            properties, of: unit.name, cpus: machine.pus,
            nodes: NodeSet(machine.nodes.map(\.osIndex))
        ) { [weak self] result in
            guard let self else { return }
            if case .failure(let error) = result {
                self.say("refused", feature, "its old budget could not be given back: \(error)")
            }
            let (removed, failures) = origin.removeDropIns(of: unit.name)
            for failure in failures + origin.restoreFiles(cgroupMount: self.cgroupMount) {
                self.say("refused", feature, "\(failure)")
            }
            guard removed, failures.isEmpty else { return then() }
            self.bus?.reload { _ in then() }
        }
    }

    private func fail(_ feature: FeatureID, _ text: String, permanent: Bool) {
        units[feature] = nil
        post(.spawnFailed(feature, because: text, permanent: permanent))
    }

    private func end(_ feature: FeatureID, _ ending: FeatureLife.Ending, _ text: String) {
        guard units.removeValue(forKey: feature) != nil else { return }
        post(.ended(feature, ending, because: text))
    }

    private func connection(for feature: FeatureID) -> SystemBus? {
        if let bus { return bus }
        do throws(SystemError) {
            let new = try SystemBus()
            bus = new
            opened(new)
            return new
        } catch {
            post(
                .spawnFailed(
                    feature, because: "systemd cannot be asked: \(error)", permanent: false))
            return nil
        }
    }
}
