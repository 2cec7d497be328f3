import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// What features send: as much as they may, and no more when the machine is under pressure.
extension Daemon {
    /// A host that never pauses gets its turn again after the others, and only so much a second:
    /// one that keeps to its own budget never comes near.
    private static let mostNewsPerTick = 2000

    func takeNews(of feature: FeatureID, _ ready: Epoll.Ready) {
        guard let process = processes[feature], let channel = process.channel else { return }
        for _ in 0..<64 {
            process.newsSinceTick += 1
            if process.newsSinceTick > Daemon.mostNewsPerTick, ready.token != 0 {
                process.isMuted = true
                unwatch(channel, ready.token)
                return
            }
            guard case .bytes(let bytes) = process.nextNews() else {
                if ready.hungUp { unwatch(channel, ready.token) }
                return
            }
            let now = MonotonicClock.now
            if !isDisturbed(bytes, of: feature, now: now) {
                receive(bytes, from: process, now: now)
            }
        }
    }

    /// Takes one datagram, if there is room for it: what is over a limit is not read.
    func receive(_ bytes: [UInt8], from process: FeatureProcess, now: Instant) {
        let kind = TrafficClass(peeking: bytes)
        guard process.traffic.budget.admit(.channelBytes, bytes.count, now: now) else {
            // The newest need is kept whatever comes with it.
            if kind == .needs {
                keepNeed(bytes, from: process, now: now)
            } else {
                process.traffic.budget.drop(kind)
            }
            return
        }
        if kind == .needs { return keepNeed(bytes, from: process, now: now) }
        guard process.traffic.budget.admit(kind, now: now) else {
            if kind == .garbage { noteGarbage(of: process, now: now) }
            return
        }
        do {
            take(try HostNews(json: JSON.parse(bytes)), from: process)
        } catch {
            refuse(kind, "\(error)", of: process, now: now)
        }
    }

    private func keepNeed(_ bytes: [UInt8], from process: FeatureProcess, now: Instant) {
        guard bytes.count <= FeatureTraffic.longestNeed else {
            return process.traffic.budget.drop(.needs)
        }
        do {
            let news = try HostNews(json: JSON.parse(bytes))
            guard case .need(let coreClass, _, _, _) = news else { return }
            if process.traffic.keptNeeds[coreClass] != nil { process.traffic.budget.drop(.needs) }
            process.traffic.keptNeeds[coreClass] = news
            takeKeptNeeds(of: process, now: now)
        } catch {
            refuse(nil, "\(error)", of: process, now: now)
        }
    }

    private func takeKeptNeeds(of process: FeatureProcess, now: Instant) {
        for coreClass in CoreClass.allCases {
            guard let need = process.traffic.keptNeeds[coreClass],
                process.traffic.budget.pass(.needs, now: now)
            else { continue }
            process.traffic.keptNeeds[coreClass] = nil
            take(need, from: process)
        }
    }

    /// What was let through as one class turned out to be no message.
    private func refuse(
        _ kind: TrafficClass?, _ error: String, of process: FeatureProcess, now: Instant
    ) {
        if kind == .garbage {
            process.traffic.budget.dropPassed(.garbage)
        } else {
            process.traffic.budget.drop(.garbage)
        }
        if process.traffic.budget.dropped[.garbage] == 1 {
            say("refused", process.feature, "its host sent what is no message: \(error)")
        }
        noteGarbage(of: process, now: now)
    }

    private func noteGarbage(of process: FeatureProcess, now: Instant) {
        guard process.traffic.garbage.take(now: now) else { return }
        inbox.post(
            .failed(
                process.feature, .security,
                because: "its host sent \(GarbageWatch.most) messages that are none within "
                    + "\(QuantityText.duration(GarbageWatch.within))"))
    }

    /// Once a second: how strict limits are now, who must be told, and which floods go on.
    func lookAfterTraffic(lateness: Duration) {
        let now = MonotonicClock.now
        pressure.look(
            stalledMicroseconds: sensing.machine.cpuStalledMicroseconds, lateness: lateness,
            now: now)
        for feature in processes.keys.sorted() {
            guard let process = processes[feature] else { continue }
            limit(process, to: pressure.percent, now: now)
            takeKeptNeeds(of: process, now: now)
            let lost = process.output.lostBytes
            if let text = process.traffic.note(outputBytes: lost, now: now) {
                say("dropped", feature, text)
            }
        }
    }

    private func limit(_ process: FeatureProcess, to percent: Int, now: Instant) {
        process.traffic.budget.limit(percent: percent, now: now)
        process.output.limit(percent: percent)
        guard process.channel != nil, process.traffic.toldPercent != percent,
            process.send(.limit(percent: percent))
        else { return }
        process.traffic.toldPercent = percent
    }

    /// The member `traffic` of the status.
    var trafficJSON: JSON { ["percent": .integer(pressure.percent)] }
}
