import Glibc
import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoiseWire

// Starting, moving, sampling and ending features.
extension Daemon {
    func start(_ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int) {
        guard let policy = engine.policy[feature] else { return }
        if case .unit(let name) = policy.source {
            units.start(feature, name, unitBudget(allocation, policy))
            return
        }
        do {
            let birth = try birth(of: policy, allocation)
            let message = HostAllocation(allocation, generation: generation, on: machine.machine)
            let process = try launcher.start(policy, message, birth)
            process.placement = birth.placement
            process.cgroup = enforcer.groups?.identity(of: feature)
            reaction.began(allocation)
            for step in process.child?.refused ?? [] {
                say("degraded", feature, "\(step.call) was refused; it runs without")
            }
            try follow(process)
            for line in enforcer.groups?.notHeld[feature] ?? [] {
                say("advisory", feature, "\(line.setting) is not held: \(line.because)")
            }
            // A command says nothing of itself: it works once it runs.
            if process.channel == nil { inbox.post(.started(feature)) }
        } catch let failure as HostLauncher.Failure {
            forget(feature)
            inbox.post(
                .spawnFailed(feature, because: failure.text, permanent: failure.permanent))
        } catch {
            forget(feature)
            inbox.post(.spawnFailed(feature, because: "\(error)", permanent: false))
        }
    }

    /// What a process of the feature is born with: all of its limits are set before it is there.
    private func birth(
        of policy: FeaturePolicy, _ allocation: ResourceAllocation
    ) throws -> HostLauncher.Birth {
        let feature = policy.id
        if enforcer.groups != nil {
            try enforcer.groups?.makeRoom(for: feature)
            try hold([feature: allocation])
        }
        return HostLauncher.Birth(
            placement: enforcer.placement(of: allocation),
            mostMemory: engine.given(for: feature)?.memory.max,
            cgroup: try enforcer.groups?.folder.descriptor(of: feature),
            user: hostUsers?.user(of: feature)
        ) { [service] (descriptor, kind) throws(SystemError) in
            try service.store(descriptor, name: kind.name(of: feature))
        }
    }

    /// Watches all that comes from the processes of a feature.
    func follow(_ process: FeatureProcess) throws(SystemError) {
        let feature = process.feature
        processes[feature] = process
        beginSensing(process)
        try watch(process.handle.descriptor, .exit(feature), .read)
        try watch(process.output.pipe, .output(feature), .read)
        if let channel = process.channel { try watch(channel, .channel(feature), .read) }
    }

    /// Has nothing of a feature kept for the next daemon.
    func forget(_ feature: FeatureID) {
        for kind in Inherited.Kind.allCases {
            attempt(feature) { () throws(SystemError) in
                try service.forget(name: kind.name(of: feature))
            }
        }
    }

    /// Holds features to new allocations, all or none, then tells each.
    func enforce(_ changes: [Directive.Change]) {
        if let because = refusesByChaos() { return inbox.post(.refused(because: because)) }
        if enforcer.groups != nil {
            let isUnit = { (feature: FeatureID) in self.units.units[feature] != nil }
            var targets: FeatureGroups.Targets = [:]
            for change in changes where !isUnit(change.feature) {
                targets[change.feature] = change.allocation
            }
            do throws(FeatureGroups.Refusal) {
                try hold(targets)
            } catch {
                inbox.post(.refused(because: error.description))
                return
            }
        }
        let orphans = orphans
        var moved = 0
        for change in changes {
            guard let process = processes[change.feature] else { continue }
            moved += enforcer.apply(change.allocation, to: process, orphans: orphans)
            for refusal in process.refusals { say("refused", change.feature, refusal) }
        }
        reaction.applied(
            changes.map(\.allocation), threads: moved, decided: decidedAt,
            now: MonotonicClock.now)
        for change in changes { tell(change.feature, change.allocation, change.generation) }
    }

    private func hold(_ targets: FeatureGroups.Targets) throws(FeatureGroups.Refusal) {
        // A group without processes is in nobody's way.
        var all = targets
        for feature in enforcer.groups?.held.keys.sorted() ?? []
        where processes[feature] == nil && targets[feature] == nil {
            all[feature] = engine.plan[feature].map { .some($0) } ?? .some(nil)
        }
        try enforcer.groups?.hold(
            all, engine.policy, on: machine.machine, reserved: engine.plan.reserved)
    }

    /// A command has nobody to tell; a host that cannot be told will be seen as late.
    func tell(_ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int) {
        if units.units[feature] != nil {
            return tellUnit(feature, allocation, generation)
        }
        guard let process = processes[feature] else { return }
        guard process.channel != nil else {
            inbox.post(.applied(feature, generation: generation))
            return
        }
        _ = process.send(
            .apply(HostAllocation(allocation, generation: generation, on: machine.machine)))
    }

    func askToStop(_ feature: FeatureID, within: Duration) {
        if units.units[feature] != nil { return units.release(feature) }
        guard let process = processes[feature] else { return }
        let told =
            process.send(.drain(milliseconds: within.wholeMilliseconds * 4 / 5))
            && process.send(.stop)
        if !told { process.signal(SIGTERM, orphans: orphans) }
    }

    func kill(_ feature: FeatureID) {
        if units.units[feature] != nil { return units.release(feature) }
        if enforcer.groups == nil {
            processes[feature]?.end { orphans }
        } else {
            processes[feature]?.signal(SIGKILL, orphans: orphans)
        }
        killGroup(feature)
    }

    private func killGroup(_ feature: FeatureID) {
        guard let folder = enforcer.groups?.folder, folder.isPopulated(feature) else { return }
        attempt(feature) { () throws(SystemError) in try folder.kill(feature) }
    }

    func takeExit(of feature: FeatureID, token: UInt64) {
        guard let process = processes[feature] else { return }
        var status: ProcessEnd?
        if let child = process.child {
            let end = attempt(feature) { () throws(SystemError) in try child.reap() }
            guard let known = end ?? nil else { return }
            status = known
        } else if process.handle.isAlive {
            return
        }
        unwatch(process.handle.descriptor, token)
        let killed = process.load.kills
        stopSensing(feature)
        if process.channel != nil { takeNews(of: feature, Epoll.Ready.everything) }
        endChaos("the feature has ended", of: feature)
        _ = process.output.read()
        process.output.finish()
        // What it left behind.
        process.end { orphans }
        killGroup(feature)
        processes[feature] = nil
        endBus(of: feature)
        forget(feature)
        reapOrphans()
        let (ending, because, kind) = process.ending(status)
        let isStarved = ending == .failure && (killed ?? 0) > 0
        inbox.post(
            .ended(
                feature, ending, because: because + memoryWords(killed, feature),
                kind: isStarved ? .outOfMemory : kind))
    }

    private func memoryWords(_ killed: Int?, _ feature: FeatureID) -> String {
        guard let killed, killed > 0 else { return "" }
        let limit = engine.records[feature]?.allocation?.memory.maxBytes
            .map { ": memory.max is \(QuantityText.bytes($0))" }
        // With memory.oom.group the count has the first one twice.
        return "; the kernel killed it for want of memory\(limit ?? "")"
    }

    func takeOutput(of feature: FeatureID, token: UInt64) {
        guard let process = processes[feature] else { return }
        if process.output.read() != .open {
            // Watched again at the next tick when it was only too much.
            unwatch(process.output.pipe, token)
        }
    }

    func take(_ news: HostNews, from process: FeatureProcess) {
        let feature = process.feature
        switch news {
        case .loaded(let name, let version, _): process.plugin = (name, version)
        case .created, .drained: break
        case .stopped: process.saidStopped = true
        case .started: inbox.post(.started(feature))
        case .applied(let generation): inbox.post(.applied(feature, generation: generation))
        case .report(let report):
            process.askedAt = nil
            process.report = report
            process.reportedAt = MonotonicClock.now
            process.errorRate.take(report, at: MonotonicClock.now)
        case .health(let health): take(health, from: process)
        case .need(let coreClass, let millicores, let milliseconds, let signalled):
            if millicores > 0 { reaction.needs(feature, since: Daemon.moment(signalled)) }
            inbox.post(
                .need(
                    feature, coreClass, millicores: millicores, for: .milliseconds(milliseconds)))
        case .log(let level, let text, let fields):
            process.output.append("\(level.rawValue): \(text)\(Daemon.text(of: fields))")
            if level == .error { say("error", feature, text) }
        case .event(let name, let fields):
            say("event", feature, name + Daemon.text(of: fields))
        case .failed(let stage, let text, _):
            process.toldFailure = "\(stage): \(text)"
        case .dropped(let counts): process.traffic.droppedByHost(counts)
        case .busDamaged(let link, let byPeer, let text):
            takeDamage(link, byPeer: byPeer, text, from: process)
        case .busDetached(let link): takeDetached(link, from: process)
        }
    }

    /// When a need was signalled; a host's word that cannot be is not taken.
    private static func moment(_ signalled: Instant?) -> Instant {
        let now = MonotonicClock.now
        guard let signalled, signalled <= now, now - signalled <= .seconds(60) else { return now }
        return signalled
    }

    private func take(_ word: HealthWord, from process: FeatureProcess) {
        process.askedAt = nil
        let text = word.words
        // While its breaker is half open each answer is a probe.
        let isTried = engine.records[process.feature]?.breaker.isHalfOpen ?? false
        if isTried || process.health != text { inbox.post(.health(process.feature, word)) }
        if process.health != nil || text != "good", process.health != text {
            say("health", process.feature, text)
        }
        process.health = text
    }

    private static func text(of fields: [HostNews.Field]) -> String {
        fields.map { " \($0.key)=\($0.value)" }.joined()
    }

    func checkFeatures() {
        let orphans = orphans
        for feature in processes.keys.sorted() {
            guard let process = processes[feature] else { continue }
            if engine.records[feature]?.life.state == .running {
                ask(process)
                let drifted = enforcer.verify(process, orphans: orphans)
                if drifted > 0 { say("drift", feature, "\(drifted) threads put back on its CPUs") }
                noteDrift(of: process, threads: drifted)
            }
            bringBack(process)
            process.newsSinceTick = 0
            if process.isMuted, let channel = process.channel {
                process.isMuted = false
                attempt(feature) { () throws(SystemError) in
                    try watch(channel, .channel(feature), .read)
                }
            }
            if process.output.tick() {
                do throws(SystemError) {
                    try watch(process.output.pipe, .output(feature), .read)
                } catch {
                    say("degraded", feature, "its output cannot be read: \(error)")
                }
            }
            if let failure = process.output.takeFailure() {
                say("degraded", feature, "its log cannot be written: \(failure)")
            }
        }
    }
}

extension Daemon {
    /// Asks a host how its plugin is; one that answers nothing for too long has failed, whatever
    /// keeps it: a plugin that does not return, a host that was stopped.
    private func ask(_ process: FeatureProcess) {
        guard process.channel != nil else { return }
        let now = MonotonicClock.now
        if let asked = process.askedAt, now - asked >= engine.deadlines.answer {
            let time = QuantityText.duration(engine.deadlines.answer)
            process.askedAt = nil
            inbox.post(
                .failed(
                    process.feature, .missedDeadline,
                    because: "has not answered its host's questions for \(time)"))
        }
        _ = process.send(.sample)
        _ = process.send(.checkHealth)
        process.askedAt = process.askedAt ?? now
    }

    /// A process that somebody moved out of its cgroup is not held any more.
    private func bringBack(_ process: FeatureProcess) {
        let feature = process.feature
        guard let folder = enforcer.groups?.folder, process.handle.isAlive,
            folder.feature(of: process.pid) != feature
        else { return }
        process.drifted += 1
        say("drift", feature, "process \(process.pid) was moved out of its cgroup; it is back")
        attempt(feature) { () throws(SystemError) in
            try folder.move(process.pid, to: feature)
        }
    }

}

extension Epoll.Ready {
    /// Stands for "read whatever is there".
    static let everything = Epoll.Ready(
        token: 0, canRead: true, canWrite: false, hungUp: false)
}
