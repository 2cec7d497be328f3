import Glibc
import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoiseWire

// Starting, moving, sampling and ending features.
extension Daemon {
    func start(_ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int) {
        guard let policy = engine.policy.features.first(where: { $0.id == feature }) else { return }
        let placement = enforcer.placement(of: allocation)
        do {
            let message = HostAllocation(
                allocation, generation: generation, on: machine.machine)
            let process = try launcher.start(policy, message, placement: placement)
            process.placement = placement
            for step in process.child.refused {
                say("degraded", feature, "\(step.call) was refused; it runs without")
            }
            processes[feature] = process
            try watch(process.child.descriptor, .exit(feature), .read)
            try watch(process.output.pipe, .output(feature), .read)
            if let channel = process.channel {
                try watch(channel, .channel(feature), .read)
            } else {
                // A command says nothing of itself: it works once it runs.
                inbox.post(.started(feature))
            }
        } catch let failure as HostLauncher.Failure {
            inbox.post(
                .spawnFailed(feature, because: failure.text, permanent: failure.permanent))
        } catch {
            inbox.post(.spawnFailed(feature, because: "\(error)", permanent: false))
        }
    }

    /// Holds features to new allocations, then tells each.
    func enforce(_ changes: [Directive.Change]) {
        let orphans = orphans
        for change in changes {
            guard let process = processes[change.feature] else { continue }
            enforcer.apply(change.allocation, to: process, orphans: orphans)
            for refusal in process.refusals { say("refused", change.feature, refusal) }
        }
        for change in changes { tell(change.feature, change.allocation, change.generation) }
    }

    /// A command has nobody to tell; a host that cannot be told will be seen as late.
    func tell(_ feature: FeatureID, _ allocation: ResourceAllocation, _ generation: Int) {
        guard let process = processes[feature] else { return }
        guard process.channel != nil else {
            inbox.post(.applied(feature, generation: generation))
            return
        }
        _ = process.send(
            .apply(HostAllocation(allocation, generation: generation, on: machine.machine)))
    }

    func askToStop(_ feature: FeatureID, within: Duration) {
        guard let process = processes[feature] else { return }
        let told =
            process.send(.drain(milliseconds: within.wholeMilliseconds * 4 / 5))
            && process.send(.stop)
        if !told { process.signal(SIGTERM, orphans: orphans) }
    }

    func takeExit(of feature: FeatureID, token: UInt64) {
        guard let process = processes[feature] else { return }
        let end = attempt(feature) { () throws(SystemError) in try process.child.reap() }
        guard let status = end ?? nil else { return }
        unwatch(process.child.descriptor, token)
        if process.channel != nil { takeNews(of: feature, Epoll.Ready.everything) }
        _ = process.output.read()
        process.output.finish()
        let orphans = process.roots(orphans: orphans).filter { $0 != process.child.pid }
        for pid in ProcessTree.tree(of: orphans) { kill(pid, SIGKILL) }
        processes[feature] = nil
        reapOrphans()
        let ending = status.ending(isHost: process.channel != nil)
        let because = process.toldFailure.map { "\($0) (\(status))" } ?? "\(status)"
        inbox.post(.ended(feature, ending, because: because))
    }

    func takeOutput(of feature: FeatureID, token: UInt64) {
        guard let process = processes[feature] else { return }
        if process.output.read() != .open {
            // Watched again at the next tick when it was only too much.
            unwatch(process.output.pipe, token)
        }
    }

    func takeNews(of feature: FeatureID, _ ready: Epoll.Ready) {
        guard let process = processes[feature], let channel = process.channel else { return }
        // A host that never pauses gets its turn again after the others.
        for _ in 0..<64 {
            guard case .bytes(let bytes) = process.nextNews() else {
                if ready.hungUp { unwatch(channel, ready.token) }
                return
            }
            do {
                take(try HostNews(json: JSON.parse(bytes)), from: process)
            } catch {
                process.dropped += 1
                if process.dropped == 1 {
                    say("refused", feature, "its host sent what is no message: \(error)")
                }
            }
        }
    }

    private func take(_ news: HostNews, from process: FeatureProcess) {
        let feature = process.feature
        switch news {
        case .loaded(let name, let version, _): process.plugin = (name, version)
        case .created, .drained, .stopped: break
        case .started: inbox.post(.started(feature))
        case .applied(let generation): inbox.post(.applied(feature, generation: generation))
        case .report(let report): process.report = report
        case .health(let health): take(health, from: process)
        case .need(let coreClass, let millicores, let milliseconds):
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
        case .dropped(let logs, let events, let needs): process.dropped += logs + events + needs
        }
    }

    private func take(_ health: HostNews.Health, from process: FeatureProcess) {
        let text =
            switch health {
            case .good: "good"
            case .degraded(let text): "degraded: \(text)"
            case .failing(let text): "failing: \(text)"
            }
        if process.health != nil || text != "good", process.health != text {
            say("health", process.feature, text)
        }
        process.health = text
    }

    private static func text(of fields: [HostNews.Field]) -> String {
        fields.map { " \($0.key)=\($0.value)" }.joined()
    }

    func sampleFeatures() {
        let now = MonotonicClock.now
        let orphans = orphans
        for feature in processes.keys.sorted() {
            guard let process = processes[feature] else { continue }
            process.sample = process.sampler.sample(process.roots(orphans: orphans), now: now)
            if engine.records[feature]?.life.state == .running {
                _ = process.send(.sample)
                _ = process.send(.checkHealth)
                let drifted = enforcer.verify(process, orphans: orphans)
                if drifted > 0 { say("drift", feature, "\(drifted) threads put back on its CPUs") }
            }
            let lost = process.output.lostBytes
            if process.output.tick() {
                say("dropped", feature, "prints too much; \(lost) bytes were thrown away so far")
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

extension Epoll.Ready {
    /// Stands for "read whatever is there".
    static let everything = Epoll.Ready(
        token: 0, canRead: true, canWrite: false, hungUp: false)
}
