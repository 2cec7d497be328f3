import PoiseEngine
import PoiseLinux
import PoiseModel

// How the daemon tells of health: one answer for everybody who asks.
extension Daemon {
    /// `live` is true whenever it is answered: a daemon whose loop stands still answers nobody.
    func healthJSON() -> JSON {
        let health = engine.machineHealth
        let now = MonotonicClock.now
        return [
            "live": true, "ready": .bool(health.isReady), "degraded": .bool(health.isDegraded),
            "because": .array(health.because.map(JSON.string)),
            "features": .array(health.features.map { json($0, now) }),
        ]
    }

    private func json(_ health: FeatureHealth, _ now: Instant) -> JSON {
        let record = engine.records[health.feature]
        return [
            "feature": .string(health.feature.name), "state": JSON(record?.word),
            "wanted": .bool(health.isWanted), "live": .bool(health.isLive),
            "ready": .bool(health.isReady), "degraded": .bool(health.isDegraded),
            "notReadyBecause": .array(health.unreadyBecause.map(JSON.string)),
            "degradedBecause": .array(health.degradedBecause.map(JSON.string)),
            "says": JSON(record?.healthWord?.words),
            "dependencies": .array(
                health.lines.filter(\.isDependency).map { json($0, now) }),
            "checks": .array(
                health.lines.filter { !$0.isDependency }.map { json($0, now) }),
        ]
    }

    private func json(_ line: FeatureHealth.Line, _ now: Instant) -> JSON {
        [
            "name": .string(line.check.name), "target": .string("\(line.check.target)"),
            "critical": .bool(line.check.isCritical), "verdict": .string(line.verdict.rawValue),
            "because": JSON(line.because),
            "sinceSeconds": JSON(line.since.map { (now - $0).inSeconds }),
            "failuresInARow": .integer(line.failures),
        ]
    }
}
