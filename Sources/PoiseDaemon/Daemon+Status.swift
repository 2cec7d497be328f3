import Glibc
import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoiseWire

// What the daemon tells of itself.
extension Daemon {
    func statusJSON() -> JSON {
        let features = engine.records.keys.sorted().map(featureJSON)
        return [
            "version": .string(PoiseVersion.text), "pid": .integer(Int(getpid())),
            "backend": .string(enforcer.backend.rawValue),
            "machine": .string(machine.machine.name), "policy": .string(engine.policy.name),
            "policyPath": .string(policyPath), "policyProblem": JSON(policyProblem),
            "uptimeSeconds": .number((MonotonicClock.now - startedAt).inSeconds),
            "turns": .integer(turns), "kernelWrites": JSON(enforcer.groups?.writes),
            "level": .string(engine.levels.level.rawValue),
            "traffic": trafficJSON, "chaos": chaosJSON, "sensing": sensing.json,
            "reaction": reaction.json,
            "features": .array(features),
        ]
    }

    private func featureJSON(_ feature: FeatureID) -> JSON {
        guard let record = engine.records[feature] else { return .null }
        let process = processes[feature]
        let sample = process?.load.sample ?? units.units[feature]?.load.sample
        let since = MonotonicClock.now - record.since
        let dropped = process.map { $0.traffic.dropped(outputBytes: $0.output.lostBytes) }
        return [
            "feature": .string(feature.name),
            "state": .string(record.life.state.word), "since": .number(since.inSeconds),
            "pid": JSON((process?.pid ?? units.units[feature]?.state?.mainPID).map { Int($0) }),
            "priority": JSON(engine.policy[feature]?.priority),
            "millicores": JSON(engine.plan[feature]?.millicores.total),
            "cpus": JSON(engine.plan[feature]?.cpus.description),
            "coresBusy": JSON(sample?.coresBusy), "memoryBytes": JSON(sample?.memoryBytes),
            "processes": JSON(sample?.processes), "threads": JSON(sample?.threads),
            "restarts": .integer(record.restarts), "lastProblem": JSON(record.lastProblem),
            "generation": .integer(record.generation),
            "load": (process?.load ?? units.units[feature]?.load)?.reading?.json ?? .null,
            "report": process?.report?.json ?? .null, "health": JSON(process?.health),
            "dropped": JSON(dropped?.messages), "droppedBy": dropped?.json ?? .null,
            "drifted": JSON(process?.drifted),
            "refused": .array((process?.refusals ?? []).map(JSON.string)),
            "keptOut": record.keptOut?.json ?? .null,
            "enabled": .bool(!record.isDisabled),
            "breaker": record.breaker.json(engine.given[feature]?.breaker, now: MonotonicClock.now),
        ]
    }

    func planJSON(only feature: FeatureID? = nil) -> JSON {
        var plan = engine.plan
        // What a feature is held to, also where the plan could not be brought into force.
        plan.features = plan.features.map { engine.records[$0.feature]?.allocation ?? $0 }
        if let feature {
            plan.features.removeAll { $0.feature != feature }
            plan.keptOut.removeAll { $0.feature != feature }
        }
        let json = plan.json(
            holding: enforcer.holding, solveMicroseconds: solveMicroseconds,
            notHeld: enforcer.groups?.notHeld ?? [:])
        return withAccounts(json)
    }

    /// With what each feature has had, used, lent and borrowed so far.
    private func withAccounts(_ plan: JSON) -> JSON {
        guard case .object(var members) = plan,
            let index = members.firstIndex(where: { $0.key == "features" }),
            let features = members[index].value.array
        else { return plan }
        members[index].value = .array(
            features.map { feature in
                guard case .object(let parts) = feature,
                    let id = feature["feature"]?.string.flatMap({ FeatureID($0) }),
                    let sums = engine.load.account.sums[id]
                else { return feature }
                let seconds = { (microseconds: Int) in JSON.number(Double(microseconds) / 1e6) }
                return .object(
                    parts + [
                        .init("allocatedCoreSeconds", seconds(sums.entitled)),
                        .init("usedCoreSeconds", seconds(sums.used)),
                        .init("lentCoreSeconds", seconds(sums.lent)),
                        .init("borrowedCoreSeconds", seconds(sums.borrowed)),
                    ])
            })
        return .object(members)
    }

    func explainJSON(_ feature: FeatureID, _ record: Supervisor.Record) -> JSON {
        let allocation = engine.plan[feature]
        let kept = record.keptOut
        let entries = events.since(nil, now: 0, .init(feature: feature))
            .filter { $0.kind != "event" }.suffix(10)
        let wanted = engine.demands[feature]?.wanted
        return [
            "feature": .string(feature.name), "state": .string(record.life.state.word),
            "allocation": allocation?.json(
                holding: enforcer.holding, notHeld: enforcer.groups?.notHeld[feature] ?? [])
                ?? .null,
            "because": .string(because(feature, record, allocation)),
            "unmet": .array((allocation?.unmet ?? kept?.unmet ?? []).map(\.json)),
            "demand": .object(
                CoreClass.allCases.map { .init($0.rawValue, JSON(wanted?[$0])) }),
            "events": .array(entries.map(\.json)),
        ]
    }

    func snapshot() -> ControlReply {
        do throws(CodingProblem) {
            return ControlReply(try JSONEncoding.encode(engine.situation))
        } catch {
            return ControlReply(.refused, "the snapshot cannot be written: \(error)")
        }
    }

    private func because(
        _ feature: FeatureID, _ record: Supervisor.Record, _ allocation: ResourceAllocation?
    ) -> String {
        if let allocation { return allocation.because }
        if let kept = record.keptOut { return kept.because }
        let problem = record.lastProblem.map { ": \($0)" } ?? ""
        return "it is \(record.life.state.word) and has no place in the plan\(problem)"
    }

    func pluginsJSON() -> JSON {
        var lines: [JSON] = []
        var all = launcher.plugins.all().map { (source: $0.name, path: $0.path) }
        for case .plugin(let source) in engine.policy.features.map(\.source)
        where source.contains("/") && !all.contains(where: { $0.source == source }) {
            all.append((source: source, path: source))
        }
        for found in all {
            let users = engine.policy.features.filter { $0.source == .plugin(found.source) }
            let running = users.compactMap { processes[$0.id]?.plugin }.first
            let parts = PluginVersion.parts(of: found.source)
            let isInForce = parts.map { engine.rollouts.version(of: $0.plugin) == $0.version }
            let name = parts?.plugin ?? PluginSearch.name(ofFile: found.path)
            lines.append([
                "name": .string(parts == nil ? running?.name ?? name : name),
                "fileVersion": JSON(parts?.version.name),
                "inForce": isInForce.map { .bool($0) } ?? .null,
                "path": .string(found.path), "version": JSON(running?.version),
                "usedBy": .array(users.map { .string($0.id.name) }),
            ])
        }
        return [
            "plugins": .array(lines), "folders": .array(launcher.plugins.folders.map(JSON.string)),
        ]
    }
}
