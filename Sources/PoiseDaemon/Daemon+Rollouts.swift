import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// Two versions of a plugin side by side.
extension Daemon {
    /// `io.poise.Rollout`: the parameters `plugin` and `version`, and of `RolloutSettings` what is
    /// to be otherwise.
    func rollout(_ call: ControlCall) -> ControlReply {
        guard let plugin = call.parameters["plugin"]?.string,
            PluginVersion.parts(of: plugin)?.version == .plain
        else { return Daemon.wrong("the parameter plugin is a plugin's name, such as streaming") }
        guard let version = call.parameters["version"]?.string.flatMap(PluginVersion.init) else {
            return Daemon.wrong(
                "the parameter version is 1 to 32 of a-z A-Z 0-9 . _ + -, such as 2 or 1.4.0, "
                    + "or plain")
        }
        let settings: RolloutSettings
        do throws(WireError) {
            settings = try RolloutSettings(json: call.parameters)
        } catch {
            return Daemon.wrong(error.description)
        }
        if let mistake = settings.mistake { return Daemon.wrong(mistake) }
        if let obstacle = launcher.plugins.obstacle(to: version, of: plugin) {
            return ControlReply(.notFound, obstacle)
        }
        let because = "the rollout of \(plugin) \(version)"
        return order(.begin(plugin: plugin, version: version, settings), because)
    }

    /// `io.poise.Rollback`: the parameter `plugin`.
    func rollback(_ call: ControlCall) -> ControlReply {
        guard let plugin = call.parameters["plugin"]?.string, plugin.utf8.count <= 64 else {
            return Daemon.wrong("the parameter plugin is a plugin's name, such as streaming")
        }
        if engine.rollouts.active[plugin] == nil, let inForce = engine.rollouts.inForce[plugin],
            let obstacle = launcher.plugins.obstacle(to: inForce.before, of: plugin)
        {
            return ControlReply(.notFound, obstacle)
        }
        return order(.rollBack(plugin: plugin), "the rollback of \(plugin)")
    }

    private func order(_ command: RolloutCommand, _ what: String) -> ControlReply {
        if let refusal = engine.refusal(of: command) { return ControlReply(.refused, refusal) }
        inbox.post(.rollout(command))
        say("operator", nil, "\(what) is asked for")
        return ControlReply(["text": .string("\(what) begins")])
    }

    private static func wrong(_ text: String) -> ControlReply { ControlReply(.badParameters, text) }

    /// `io.poise.Rollouts`: those under way, how the last ones ended, and which versions are in
    /// force.
    func rolloutsJSON() -> JSON {
        let book = engine.rollouts
        let now = MonotonicClock.now
        return [
            "rollouts": .array(
                book.active.keys.sorted().compactMap { plugin in
                    book.active[plugin].map { json(of: $0, now) }
                }),
            "ended": .array(
                book.outcomes.keys.sorted().compactMap { plugin in
                    book.outcomes[plugin].map { $0.json(now) }
                }),
            "inForce": .array(
                book.inForce.sorted { $0.key < $1.key }.map { plugin, inForce in
                    [
                        "plugin": .string(plugin), "version": .string(inForce.version.name),
                        "before": .string(inForce.before.name),
                    ]
                }),
        ]
    }

    private func json(of rollout: Rollout, _ now: Instant) -> JSON {
        var members: [JSON.Member] = [
            .init("plugin", .string(rollout.plugin)), .init("from", .string(rollout.from.name)),
            .init("to", .string(rollout.to.name)), .init("stage", .string(rollout.stage.word)),
            .init("share", .integer(rollout.share)),
            .init("seconds", .number((now - rollout.since).inSeconds)),
            .init("stepForSeconds", .number(rollout.settings.stepFor.inSeconds)),
            .init("steps", .array(rollout.settings.steps.map { .integer($0) })),
        ]
        if case .step(let index) = rollout.stage { members.append(.init("step", .integer(index))) }
        if case .returning(let because) = rollout.stage {
            members.append(.init("because", .string(because)))
        }
        members.append(
            .init(
                "features",
                .array(
                    rollout.sides.map { side in
                        [
                            "feature": .string(side.feature.name),
                            "canary": .string(side.canary.name),
                            "oldState": JSON(engine.records[side.feature]?.life.state.word),
                            "newState": JSON(engine.records[side.canary]?.life.state.word),
                        ]
                    })))
        members.append(.init("results", .array(rollout.results.map(\.json))))
        members.append(.init("now", .array(rollout.comparisons().map(\.json))))
        return .object(members)
    }
}

extension Rollout.Stage {
    /// As the control socket says it.
    var word: String {
        switch self {
        case .preparing: "preparing"
        case .step: "step"
        case .takingOver: "takingOver"
        case .returning: "returning"
        }
    }
}

extension RolloutOutcome {
    fileprivate func json(_ now: Instant) -> JSON {
        [
            "plugin": .string(plugin), "from": .string(from.name), "to": .string(to.name),
            "result": .string(result.rawValue), "because": .string(because),
            "secondsAgo": JSON(at.map { (now - $0).inSeconds }),
            "results": .array(results.map(\.json)),
        ]
    }
}

extension Rollout.StepResult {
    fileprivate var json: JSON {
        [
            "share": .integer(share), "feature": .string(feature.name), "old": old.json,
            "new": new.json,
            "verdict": [
                "errors": .string(verdict.errors.rawValue),
                "latency": .string(verdict.latency.rawValue),
                "throughput": .string(verdict.throughput.rawValue),
            ],
        ]
    }
}

extension RolloutFigures {
    /// Unknown is null.
    fileprivate var json: JSON {
        [
            "readings": .integer(readings), "errorsPerMille": JSON(errorsPerMille),
            "latencyP99Microseconds": JSON(latencyP99Microseconds),
            "throughputPerCore": JSON(throughputPerCore),
        ]
    }
}

extension RolloutSettings {
    /// The defaults with what the parameters of a call say otherwise.
    fileprivate init(json: JSON) throws(WireError) {
        self.init()
        if let given = json["steps"], given != .null {
            let shares = given.array?.map(\.integer) ?? [nil]
            guard shares.allSatisfy({ $0 != nil }), shares.count <= RolloutSettings.mostSteps else {
                throw WireError("steps", "up to \(RolloutSettings.mostSteps) shares in per cent")
            }
            steps = shares.compactMap(\.self)
        }
        if let given = json["stepForMilliseconds"], given != .null {
            guard let number = given.integer, (0...1 << 40).contains(number) else {
                throw WireError("stepForMilliseconds", "a whole number")
            }
            stepFor = .milliseconds(number)
        }
        moreErrorsPerMille = try json.setting("moreErrorsPerMille") ?? moreErrorsPerMille
        moreLatencyPercent = try json.setting("moreLatencyPercent") ?? moreLatencyPercent
        lessThroughputPercent = try json.setting("lessThroughputPercent") ?? lessThroughputPercent
    }
}

extension JSON {
    fileprivate func setting(_ key: String) throws(WireError) -> Int? {
        guard let given = self[key], given != .null else { return nil }
        guard let number = given.integer else { throw WireError(key, "a whole number") }
        return number
    }
}
