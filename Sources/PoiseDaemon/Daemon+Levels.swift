import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Service levels, from and for people.
extension Daemon {
    /// Tells the level, or sets it: the parameter `set` is a level or `auto`.
    func level(_ call: ControlCall) -> ControlReply {
        guard let set = call.parameters["set"] else { return ControlReply(levelJSON()) }
        let words = ServiceLevel.allCases.reversed().map(\.rawValue) + ["auto"]
        guard let word = set.string, words.contains(word) else {
            return ControlReply(
                .badParameters, "the parameter set is one of \(words.joined(separator: ", "))")
        }
        guard !engine.isShuttingDown else { return ControlReply(.refused, "poised is stopping") }
        let level = ServiceLevel(rawValue: word)
        inbox.post(.level(level))
        let text =
            level.map { "the service level is \($0.rawValue) by hand (poise level auto ends that)" }
            ?? "the load decides on the service level"
        say("operator", nil, text)
        return ControlReply(["text": .string(text)])
    }

    func levelJSON() -> JSON {
        let now = MonotonicClock.now
        let levels = engine.levels
        let triggers = levels.gauges(engine.policy).map { gauge -> JSON in
            let since = gauge.isReached ? levels.reachedSince(gauge.level) : nil
            return [
                "level": .string(gauge.level.rawValue), "trigger": .string(gauge.kind.rawValue),
                "value": JSON(gauge.value), "threshold": .integer(gauge.threshold),
                "reachedSeconds": JSON(since.map { (now - $0).inSeconds }),
            ]
        }
        let features = engine.policy.features.map { feature -> JSON in
            [
                "feature": .string(feature.id.name), "level": .string(feature.level.rawValue),
                "keptOut": JSON(engine.keptOutByLevel(feature)),
            ]
        }
        return [
            "level": .string(levels.level.rawValue), "byHand": JSON(levels.byHand?.rawValue),
            "byLoad": .string(levels.byLoad.rawValue),
            "because": JSON(levels.loadBecause.isEmpty ? nil : levels.loadBecause),
            "sinceSeconds": JSON(levels.since.map { (now - $0).inSeconds }),
            "triggers": .array(triggers), "features": .array(features),
        ]
    }

    func tell(_ feature: FeatureID, _ level: ServiceLevel) {
        _ = processes[feature]?.send(.serviceLevel(level))
    }

    /// Whether the policy wants to know how hot the processors are.
    var wantsTemperature: Bool {
        engine.policy.levels.values.contains { $0.temperatureCelsius != nil }
    }
}
