import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoiseWire

// What a daemon leaves for the next one, and how that goes on with it.
extension Daemon {
    static func statePath(in folder: String) -> String { folder + "/state" }

    /// Writes what the next daemon would want to know, when it has changed.
    func leaveState() {
        guard !isDone else { return }
        let text = state.text
        guard text != leftState else { return }
        attempt { () throws(SystemError) in
            try AtomicFile.write(
                Daemon.statePath(in: options.runtimeFolder), Array(text.utf8), mode: 0o600)
            // What could not be written is tried again.
            leftState = text
        }
    }

    private var state: DaemonState {
        var state = DaemonState(bootID: Daemon.bootID, plan: engine.plan, features: [])
        for (feature, process) in processes.sorted(by: { $0.key < $1.key }) {
            guard let record = engine.records[feature], let allocation = record.allocation
            else { continue }
            state.features.append(
                DaemonState.Feature(
                    feature: feature, pid: process.pid,
                    startTicks: process.handle.startTicks ?? 0,
                    cgroup: process.cgroup.map { Int($0) }, source: process.identity,
                    generation: record.generation, restarts: record.restarts,
                    failures: record.life.failures, since: record.since, allocation: allocation,
                    plugin: process.plugin?.name, pluginVersion: process.plugin?.version))
        }
        for (feature, unit) in units.units.sorted(by: { $0.key < $1.key }) {
            guard let origin = unit.origin, let record = engine.records[feature],
                let allocation = record.allocation
            else { continue }
            state.units.append(
                DaemonState.Unit(
                    feature: feature, name: unit.name, generation: record.generation,
                    allocation: allocation, origin: origin))
        }
        state.needs = engine.needs.all.map {
            DaemonState.Need(
                feature: $0.feature, coreClass: $0.coreClass, millicores: $0.millicores,
                until: $0.until)
        }
        state.root = enforcer.groups?.folder.before ?? CgroupFolder.Before()
        return state
    }

    /// What the daemon before this one left: nil, and why, when that is nothing of use.
    static func leftState(in folder: String) -> (state: DaemonState?, because: String?) {
        let path = statePath(in: folder)
        guard let text = ProcessFiles.text(path) else { return (nil, nil) }
        do throws(DaemonState.Unusable) {
            return (try DaemonState(text: text, bootID: bootID), nil)
        } catch {
            return (nil, "\(path) says nothing: \(error); what runs is found out anew")
        }
    }

    static let bootID = (ProcessFiles.text("/proc/sys/kernel/random/boot_id") ?? "unknown")
        .filter { !$0.isNewline }

    /// Goes on with the features that an earlier daemon started and that still run.
    func recover(_ inherited: Inherited, _ state: DaemonState?) {
        let start = MonotonicClock.now
        var inherited = inherited
        for name in inherited.unknown {
            say("found", nil, "systemd keeps \(name), which says nothing")
        }
        for feature in inherited.features.keys.sorted() {
            let noted = state?.features.first { $0.feature == feature }
            if let because = resume(feature, inherited.take(feature), noted) {
                say("found", feature, because)
                forget(feature)
            }
        }
        for unit in state?.units ?? [] { resume(unit) }
        for need in state?.needs ?? [] where processes[need.feature] != nil {
            // What is noted includes the pause before something is taken back.
            let rest = need.until - start - engine.policy.rebalance.shrinkAfter
            inbox.post(
                .need(
                    need.feature, need.coreClass, millicores: need.millicores,
                    for: max(.milliseconds(1), rest)))
        }
        endWhatIsLeft()
        guard !processes.isEmpty else { return }
        let before = enforcer.groups?.writes ?? 0
        tellDrift()
        let took = (MonotonicClock.now - start).wholeNanoseconds / 1000
        say(
            "found", nil,
            "\(processes.count) features go on as they are (\(took) µs, "
                + "\((enforcer.groups?.writes ?? 0) - before) writes)")
    }

    /// Takes over one feature; gives why not.
    private func resume(
        _ feature: FeatureID, _ pieces: Inherited.Pieces, _ noted: DaemonState.Feature?
    ) -> String? {
        guard let stored = pieces.process, let output = pieces.output,
            let handle = attempt(
                feature,
                { () throws(SystemError) in
                    try ProcessHandle.adopt(stored)
                }) ?? nil, handle.isAlive
        else { return "ended while no poised was there" }
        guard let policy = engine.policy[feature] else {
            return end(handle, feature, "the policy does not name it any more; it is ended")
        }
        if let noted, noted.source != policy.identity {
            return end(handle, feature, "the policy has it run something else now")
        }
        if case .plugin = policy.source, pieces.channel == nil {
            return end(handle, feature, "its host cannot be spoken to any more")
        }
        if let because = doubt(handle, feature, noted) {
            return end(handle, feature, because)
        }
        let process = FeatureProcess(
            feature: feature, handle: handle, child: nil, identity: policy.identity,
            channel: pieces.channel, output: launcher.output(of: feature, output))
        process.cgroup = enforcer.groups?.identity(of: feature)
        if let name = noted?.plugin { process.plugin = (name, noted?.pluginVersion ?? "") }
        do throws(SystemError) {
            let allocation = try allocation(of: policy, noted, handle)
            process.placement = allocation.cpus.isEmpty ? nil : enforcer.placement(of: allocation)
            try enforcer.groups?.adopt(allocation, of: policy, on: machine.machine)
            try follow(process)
            inbox.post(
                .found(
                    feature,
                    Input.Found(
                        allocation: allocation, generation: noted?.generation ?? 1000,
                        restarts: noted?.restarts ?? 0, failures: noted?.failures ?? 0,
                        since: noted?.since ?? MonotonicClock.now)))
            // What it was told before is not known; a change is told by the engine.
            tell(feature, engine.levels.level)
            return nil
        } catch {
            processes[feature] = nil
            return end(handle, feature, "\(error)")
        }
    }

    /// A descriptor of a process is never of another one; that it is in its cgroup is what shows
    /// that it is held. What the state says otherwise is of an earlier start of the feature.
    private func doubt(
        _ handle: ProcessHandle, _ feature: FeatureID, _ noted: DaemonState.Feature?
    ) -> String? {
        guard let folder = enforcer.groups?.folder else { return nil }
        guard folder.processes(of: feature).contains(handle.pid) else {
            return "process \(handle.pid) is not in its cgroup"
        }
        if let noted, noted.pid == handle.pid, noted.startTicks == handle.startTicks,
            let number = noted.cgroup, UInt64(number) != enforcer.groups?.identity(of: feature)
        {
            return "its cgroup is another one now"
        }
        return nil
    }

    /// What it is held to: as the state says, or else as the kernel has it.
    private func allocation(
        of policy: FeaturePolicy, _ noted: DaemonState.Feature?, _ handle: ProcessHandle
    ) throws(SystemError) -> ResourceAllocation {
        if let noted, noted.pid == handle.pid { return noted.allocation }
        say("found", policy.id, "runs, but is not in the state; what it is held to is read")
        let cpus = try ThreadSettings.cpus(of: handle.pid)
        return ResourceAllocation(
            feature: policy.id, priority: policy.priority, shared: cpus)
    }

    private func resume(_ unit: DaemonState.Unit) {
        guard let policy = engine.policy[unit.feature],
            case .unit(unit.name) = policy.source
        else { return units.giveBack(unit.feature, unit.name, unit.origin) }
        units.resume(
            unit.feature, unit.name, unit.origin, unitBudget(unit.allocation, policy))
        inbox.post(
            .found(
                unit.feature,
                Input.Found(
                    allocation: unit.allocation, generation: unit.generation,
                    since: MonotonicClock.now)))
    }

    private func end(_ handle: ProcessHandle, _ feature: FeatureID, _ because: String) -> String {
        attempt(feature) { () throws(SystemError) in try handle.signal(9) }
        if let folder = enforcer.groups?.folder, folder.isPopulated(feature) {
            attempt(feature) { () throws(SystemError) in try folder.kill(feature) }
        }
        return because
    }

    /// Groups with processes that nobody can speak for.
    private func endWhatIsLeft() {
        guard let folder = enforcer.groups?.folder else { return }
        for feature in folder.groups() where processes[feature] == nil {
            guard folder.isPopulated(feature) else { continue }
            attempt(feature) { () throws(SystemError) in try folder.kill(feature) }
            say("found", feature, "processes without their descriptors were ended")
        }
    }
}
