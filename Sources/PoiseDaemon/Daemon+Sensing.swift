import Glibc
import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel

// Looking at the load: often while something is going on, seldom when nothing is.
extension Daemon {
    /// Asks the kernel to tell when anybody on this machine waits for CPUs.
    func watchPressure() {
        do throws(SystemError) {
            let trigger = try PressureTrigger.open("/proc/pressure/cpu")
            let token = try watch(trigger.descriptor, .pressure(nil), .urgent)
            sensing.machineTrigger = Sensing.Watched(trigger: trigger, token: token)
        } catch {
            sensing.whyNoTrigger = "\(error)"
        }
    }

    /// Features of which there may be something to read.
    var sensed: [FeatureID] { (Array(processes.keys) + units.units.keys).sorted() }

    /// When the load is to be looked at next; nil while only the tick does.
    var senseDue: Instant? { sensing.rhythm.nextMoment ?? sensing.nextGlance }

    /// Looks at what is due.
    func sense() {
        let now = MonotonicClock.now
        glance(now)
        guard let moment = sensing.rhythm.nextMoment, moment <= now else { return }
        look(at: sensing.rhythm.due(of: sensed, now: now), isThorough: false)
    }

    /// Where the kernel does not tell in time: one cheap counter of the whole machine.
    private func glance(_ now: Instant) {
        guard !sensing.isTold, !sensing.rhythm.isActive else {
            sensing.nextGlance = nil
            sensing.glance = nil
            return
        }
        guard sensing.nextGlance.map({ $0 <= now }) ?? true else { return }
        sensing.nextGlance = now + Sensing.glances
        guard let stalled = sensing.machine.cpuStalledMicroseconds else {
            // We are running ourselves; whoever else could run may be one of ours.
            if let count = sensing.machine.processCount, count.runnable > 1 {
                sensing.rhythm.signOfSomebody(now: now)
            }
            return
        }
        if let before = sensing.glance,
            stalled - before.stalled > (now - before.at).wholeNanoseconds / 1000 / 10
        {
            sensing.rhythm.signOfSomebody(now: now)
        }
        sensing.glance = (stalled, now)
    }

    /// The kernel tells that a feature waits, or somebody.
    func takePressure(on feature: FeatureID?, _ ready: Epoll.Ready) {
        if ready.hungUp { return endTriggers(of: feature) }
        let now = MonotonicClock.now
        sensing.signs += 1
        guard let feature else { return sensing.rhythm.signOfSomebody(now: now) }
        reaction.waits(feature, since: now)
        sensing.rhythm.sign(of: feature, now: now)
    }

    /// Looks at features and posts what was seen; the engine takes it with this turn.
    func look(at features: [FeatureID], isThorough: Bool) {
        let start = MonotonicClock.now
        let spent = ThreadClock.now
        var turn = LoadTurn(wallSeconds: Int(wallNow))
        let roots = Roots(self, isThorough: isThorough)
        for feature in features {
            guard let reading = reading(of: feature, roots, isThorough: isThorough) else {
                continue
            }
            turn.features[feature] = reading
            reaction.looked(feature, waits: reading.isStalled(100), now: start)
        }
        turn.machine = machineLoad(start)
        if isThorough, wantsTemperature {
            turn.machine?.temperatureMillicelsius = sensing.temperature.read()
        }
        sensing.looks += 1
        // What others take of its CPU is no reason to look less often.
        let took = ThreadClock.now - spent
        reaction.looked(MonotonicClock.now - start)
        sensing.rhythm.looked(
            at: features, isQuiet: turn.features.values.allSatisfy(\.isQuiet), took: took,
            every: engine.policy.rebalance.every, now: start)
        // With nobody running, the level must still come back.
        let isForLevel = isThorough && !engine.policy.levels.isEmpty && turn.machine != nil
        if !turn.features.isEmpty || isForLevel { inbox.post(.load(turn)) }
    }

    private func machineLoad(_ now: Instant) -> MachineLoad? {
        let totals = sensing.machine.read()
        defer { sensing.before = (totals, now) }
        return sensing.before.map { totals.load(since: $0.totals, over: now - $0.at) }
    }

    /// The processes of features, where they must be listed again: only when there is a process or
    /// a thread that was not there at the look before, and once a second in any case.
    private struct Roots {
        let isNew: Bool
        private let daemon: Daemon
        private let orphans: [ProcessID]

        init(_ daemon: Daemon, isThorough: Bool) {
            self.daemon = daemon
            guard daemon.enforcer.groups == nil else {
                (isNew, orphans) = (false, [])
                return
            }
            let newest = daemon.sensing.machine.processCount?.newest
            isNew = isThorough || newest == nil || newest != daemon.sensing.newest
            daemon.sensing.newest = newest
            orphans = isNew ? daemon.orphans : []
        }

        func of(_ process: FeatureProcess) -> [ProcessID] { process.roots(orphans: orphans) }
    }

    private func reading(
        of feature: FeatureID, _ roots: Roots, isThorough: Bool
    ) -> LoadReading? {
        let nodes = nodes(of: feature)
        let now = MonotonicClock.now
        if let process = processes[feature] {
            let listed = roots.isNew ? roots.of(process) : nil
            var reading = process.load.look(
                roots: listed, nodes: nodes, isThorough: isThorough, now: now)
            endIfTooMany(process)
            if let report = process.report, let at = process.reportedAt,
                now - at <= Daemon.reportsLast
            {
                reading?.take(report, errorsPerMille: process.errorRate.perMille)
            }
            return reading
        }
        guard let unit = units.units[feature] else { return nil }
        beginSensing(feature, unit)
        let reading = unit.load.look(roots: nil, nodes: nodes, isThorough: isThorough, now: now)
        // Its cgroup comes and goes with each start of the unit.
        if unit.load.isLost {
            unit.load = LoadMeter()
            endSensing(feature)
        }
        return reading
    }

    /// Plugins are asked for a report once a second; an old one says nothing of now.
    private static let reportsLast = Duration.seconds(3)

    private func nodes(of feature: FeatureID) -> NodeSet {
        guard let allocation = engine.records[feature]?.allocation else { return [] }
        if !allocation.nodes.isEmpty { return allocation.nodes }
        let cpus = allocation.cpus
        let own = machine.machine.nodes.filter { !$0.pus.isDisjoint(with: cpus) }
        return NodeSet(own.map(\.osIndex))
    }
}

// What is read of a feature, from its start to its end.
extension Daemon {
    func beginSensing(_ process: FeatureProcess) {
        if let folder = enforcer.groups?.folder.path(of: process.feature) {
            process.load = LoadMeter(CgroupCounters(at: folder))
            watchPressure(of: process.feature, folder)
        } else {
            process.load = LoadMeter(ProcessCounters(mostOpen: Daemon.mostOpenPerFeature))
        }
    }

    private func beginSensing(_ feature: FeatureID, _ unit: UnitFeatures.Unit) {
        guard !unit.load.isRead,
            let folder = unit.folder(cgroupMount: units.cgroupMount),
            Glibc.access(folder + "/cpu.stat", R_OK) == 0
        else { return }
        unit.load = LoadMeter(CgroupCounters(at: folder))
        watchPressure(of: feature, folder)
    }

    /// Of the files that this process may open (`RLIMIT_NOFILE`); threads beyond have theirs opened
    /// at each look.
    private static let mostOpenPerFeature = max(16, sysconf(Int32(_SC_OPEN_MAX)) / 32)

    private func watchPressure(of feature: FeatureID, _ folder: String) {
        for resource in ["cpu", "memory"] {
            do throws(SystemError) {
                let trigger = try PressureTrigger.open("\(folder)/\(resource).pressure")
                let token = try watch(trigger.descriptor, .pressure(feature), .urgent)
                sensing.triggers[feature, default: []].append(
                    Sensing.Watched(trigger: trigger, token: token))
            } catch {
                sensing.whyNoTrigger = "\(error)"
            }
        }
    }

    /// Forgets a feature whose processes have ended.
    func stopSensing(_ feature: FeatureID) {
        endSensing(feature)
        reaction.forget(feature)
    }

    private func endSensing(_ feature: FeatureID) {
        endTriggers(of: feature)
        sensing.rhythm.forget(feature)
    }

    private func endTriggers(of feature: FeatureID?) {
        let watched =
            feature.map { sensing.triggers.removeValue(forKey: $0) ?? [] }
            ?? [sensing.machineTrigger].compactMap(\.self)
        if feature == nil { sensing.machineTrigger = nil }
        for one in watched { unwatch(one.trigger.descriptor, one.token) }
    }
}

extension Input {
    /// Whether it is only a look at the load.
    var isLoad: Bool { if case .load = self { true } else { false } }
}
