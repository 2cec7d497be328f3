import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Circuit breakers and features that are turned off.
extension Daemon {
    func commandBreaker(_ call: ControlCall) -> ControlReply {
        let words = BreakerCommand.allCases.map(\.rawValue)
        guard let command = call.parameters["command"]?.string.flatMap(BreakerCommand.init) else {
            return ControlReply(
                .badParameters, "the parameter command is \(words.joined(separator: " or "))")
        }
        let text = command == .reset ? "has its breaker reset" : "is held open by hand"
        return operate(call, text) { .breaker($0, command) }
    }

    /// A feature did what it must not; once a second is often enough to say so.
    func accuse(_ feature: FeatureID, _ because: String) {
        let now = MonotonicClock.now
        guard let process = processes[feature],
            process.accusedAt.map({ now - $0 >= .seconds(1) }) ?? true
        else { return }
        process.accusedAt = now
        inbox.post(.failed(feature, .security, because: because))
    }

    /// Why a feature cannot be started; nil when it can.
    func refusalToStart(_ call: ControlCall) -> ControlReply? {
        guard let name = call.parameters["feature"]?.string, let feature = FeatureID(name),
            let record = engine.records[feature]
        else { return nil }
        if record.isDisabled {
            return ControlReply(
                .refused, "\(name) is disabled (poise feature enable \(name))")
        }
        if case .held = record.breaker.state {
            return ControlReply(
                .refused, "\(name)'s breaker is held open (poise breaker reset \(name))")
        }
        guard let why = engine.policy[feature].flatMap(engine.keptOutByLevel) else { return nil }
        return ControlReply(.refused, "\(name) is not started: \(why) (poise level)")
    }
}

extension Breaker {
    /// The word for its state.
    package var word: String {
        switch state {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "halfOpen"
        case .held(.byHand): "held"
        case .held(.quarantine): "quarantined"
        }
    }

    /// The member `breaker` of a feature in the status.
    func json(_ policy: BreakerPolicy?, now: Instant) -> JSON {
        let policy = policy ?? BreakerPolicy()
        var passed: Int?
        if case .halfOpen(let count) = state { passed = count }
        let pause = opensAgainAt.map { max(.zero, $0 - now) }
        return [
            "state": .string(word), "enforced": .bool(isEnforced),
            "mode": .string(policy.mode.rawValue),
            "failures": .integer(failures.count(within: policy.within, now: now)),
            "failuresToOpen": .integer(policy.failures),
            "withinSeconds": .number(policy.within.inSeconds),
            "triesAgainInSeconds": JSON(pause?.inSeconds), "probesPassed": JSON(passed),
            "probesToClose": .integer(policy.probes),
            "cause": JSON(cause?.kind.rawValue), "because": JSON(cause?.because),
            "sinceSeconds": JSON(cause.map { (now - $0.at).inSeconds }),
            "detected": .integer(detected), "enforcedTrips": .integer(enforced),
            "overflows": .integer(overflows),
        ]
    }
}
