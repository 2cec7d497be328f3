import Glibc
import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel
import PoisePolicyFile
import PoiseWire

// The control socket.
extension Daemon {
    func acceptCallers() {
        let accept = { () throws(SystemError) in try LocalSocket.accept(self.server.listener) }
        // Others get their turn between many callers; those who wait are told of again.
        for _ in 0..<64 {
            guard let socket = attempt(nil, accept) ?? nil else { return }
            let peer = attempt { () throws(SystemError) in try LocalSocket.peer(of: socket) }
            let connection = ControlConnection(socket: socket, peer: peer, now: MonotonicClock.now)
            connection.process = peer.flatMap { found in
                attempt { () throws(SystemError) in try ProcessHandle(opening: found.process) }
            }
            connection.feature = peer.flatMap { feature(of: $0.process) }
            let level = peer.map { access.level(user: $0.user, groups: Array($0.groups)) } ?? .none
            if !server.hasRoom(for: peer, level) {
                connection.isLast = true
                _ = connection.queue(
                    ControlReply(.busy, "too many callers are connected; try again in a minute"))
                _ = connection.flush()
                continue
            }
            do throws(SystemError) {
                let token = try watch(socket, .connection, [.read, .hangup])
                server.connections[token] = connection
            } catch {
                say("degraded", nil, "a caller cannot be served: \(error)")
            }
        }
    }

    func serve(_ ready: Epoll.Ready) {
        guard let connection = server.connections[ready.token] else { return }
        if ready.canRead || ready.hungUp { read(connection) }
        settle(ready.token, connection, hungUp: ready.hungUp && !ready.canRead)
    }

    private func read(_ connection: ControlConnection) {
        do {
            switch try connection.socket.read() {
            case .bytes(let bytes):
                connection.heardAt = MonotonicClock.now
                for message in try connection.splitter.add(bytes) where !connection.isLast {
                    answer(message, connection)
                }
            case .nothing: break
            case .end: connection.isLast = true
            }
        } catch let error as WireError {
            refuse(connection, error.description)
        } catch {
            connection.isLast = true
        }
    }

    private func answer(_ message: [UInt8], _ connection: ControlConnection) {
        guard connection.awaited == nil else {
            connection.postponed.append(message)
            if connection.postponed.count > ControlConnection.mostPostponed {
                refuse(connection, "too many calls wait for an answer")
            }
            return
        }
        do {
            let call = try ControlCall(json: JSON.parse(message))
            guard let reply = answer(call, connection) else { return }
            if !connection.queue(reply) { connection.isLast = true }
        } catch {
            refuse(connection, "\(error)")
        }
    }

    /// Answers what a caller has waited for, and what it has said since.
    func answerAwaited(_ token: UInt64, _ reply: (String) -> ControlReply) {
        guard let connection = server.connections[token], let name = connection.awaited
        else { return }
        connection.awaited = nil
        if !connection.queue(reply(name)) { connection.isLast = true }
        let postponed = connection.postponed
        connection.postponed = []
        for message in postponed where !connection.isLast { answer(message, connection) }
        settle(token, connection, hungUp: false)
    }

    /// Who sends what is no call is told so, and no more is read from it.
    private func refuse(_ connection: ControlConnection, _ text: String) {
        _ = connection.queue(ControlReply(.badParameters, text))
        connection.isLast = true
    }

    /// Sends what can be sent and lets go of callers that are gone or done.
    func settle(_ token: UInt64, _ connection: ControlConnection, hungUp: Bool) {
        if !connection.flush() || hungUp {
            unwatch(connection.socket, token)
            server.connections[token] = nil
            return
        }
        let interest: Epoll.Interest =
            connection.hasUnsent ? [.write, .hangup] : [.read, .hangup]
        attempt { () throws(SystemError) in
            try epoll.modify(connection.socket, token: token, interest)
        }
    }

    func tellFollowers(_ entry: EventLog.Entry) {
        for (token, connection) in server.connections
        where connection.follows?.takes(entry) ?? false {
            let reply = ControlReply(["events": [entry.json]], continues: true)
            if !connection.queue(reply) { connection.isLast = true }
            settle(token, connection, hungUp: false)
        }
    }

    /// Nil when the answer comes later.
    private func answer(_ call: ControlCall, _ connection: ControlConnection) -> ControlReply? {
        guard let method = ControlMethod(rawValue: call.method) else {
            return ControlReply(.unknownMethod, "there is no method \(call.method)")
        }
        if let refusal = refusal(of: method, call, connection) {
            connection.isLast = true
            return refusal
        }
        switch method {
        case .status: return ControlReply(statusJSON())
        case .allocations: return allocations(call.parameters["feature"]?.string)
        case .explain: return withFeature(call) { ControlReply(self.explainJSON($0, $1)) }
        case .snapshot: return snapshot()
        case .events: return events(call, connection)
        case .history: return askHistory(call, connection)
        case .plugins: return ControlReply(pluginsJSON())
        case .topology:
            return ControlReply(["machine": machine.machine.json, "plan": planJSON()])
        case .featureStart:
            return refusalToStart(call) ?? operate(call, "is started") { .operatorStart($0) }
        case .featureStop:
            return operate(call, "is asked to stop") { .operatorStop($0) }
        case .featureRestart:
            return refusalToStart(call)
                ?? operate(call, "is started anew") { .operatorRestart($0) }
        case .featureEnable:
            return operate(call, "is enabled") { .operatorEnable($0, true) }
        case .featureDisable:
            return operate(call, "is disabled") { .operatorEnable($0, false) }
        case .breaker: return commandBreaker(call)
        case .health: return ControlReply(healthJSON())
        case .level: return level(call)
        case .rollout: return rollout(call)
        case .rollback: return rollback(call)
        case .rollouts: return ControlReply(rolloutsJSON())
        case .chaos: return commandChaos(call)
        case .busRoutes: return ControlReply(busRoutesJSON())
        case .busCounters: return ControlReply(busCountersJSON())
        case .busTrace: return traceTopic(call, connection)
        case .policyApply: return applyPolicy(call.parameters, connection)
        case .run: return run(call, connection)
        }
    }

    /// Nil when the caller may ask for it. What a feature runs may ask for nothing, whoever it
    /// runs as.
    private func refusal(
        of method: ControlMethod, _ call: ControlCall, _ connection: ControlConnection
    ) -> ControlReply? {
        guard let peer = connection.peer, let process = connection.process, process.isAlive else {
            return ControlReply(
                .notAllowed, "the process that connected has ended, or is not known")
        }
        if let feature = connection.feature ?? feature(of: peer.process) {
            accuse(feature, "one of its processes called the control socket (\(call.method))")
            return ControlReply(
                .notAllowed, "a process of the feature \(feature) may not use the control socket")
        }
        // What a feature or a check left behind is still no operator.
        if enforcer.groups == nil, ProcessTree.descendants(of: getpid()).contains(peer.process) {
            return ControlReply(
                .notAllowed, "what poised has started may not use the control socket")
        }
        let isDry = method == .policyApply && call.parameters["dryRun"]?.bool == true
        // Asking for the level is not setting it.
        let isQuestion = method == .level && call.parameters["set"] == nil
        // What features say is for who may change things; that they say something is not.
        let isOutside = method == .busTrace && call.parameters["payload"]?.bool != true
        let needs = isDry || isQuestion || isOutside ? .read : method.needs
        let level = access.level(user: peer.user, groups: Array(peer.groups))
        return level < needs ? ControlReply(.notAllowed, access.refusal(of: method)) : nil
    }

    /// The feature that a process belongs to.
    private func feature(of pid: ProcessID) -> FeatureID? {
        if let folder = enforcer.groups?.folder { return folder.feature(of: pid) }
        let orphans = orphans
        return processes.values.first {
            ProcessTree.tree(of: $0.roots(orphans: orphans)).contains(pid)
        }?.feature
    }

    /// Puts the caller's own process into a feature's budget; it then becomes the command.
    private func run(_ call: ControlCall, _ connection: ControlConnection) -> ControlReply {
        withFeature(call) { feature, record in
            guard let peer = connection.peer, ProcessFiles.user(of: peer.process) == peer.user
            else { return ControlReply(.notAllowed, "the caller's process is another user's now") }
            let pid = peer.process
            guard record.life.state == .running, let process = processes[feature] else {
                return ControlReply(
                    .refused,
                    "\(feature) is \(record.life.state.word) and has no budget to run in "
                        + "(poise feature start \(feature))")
            }
            do throws(SystemError) {
                if let folder = enforcer.groups?.folder {
                    try folder.move(pid, to: feature)
                } else {
                    process.guests.append(try ProcessHandle(opening: pid))
                    if let allocation = record.allocation {
                        _ = enforcer.apply(allocation, to: process, orphans: orphans)
                    }
                }
            } catch {
                return ControlReply(.refused, "process \(pid) cannot be moved: \(error)")
            }
            say(
                "operator", feature,
                "process \(pid) of user \(peer.user) runs in its budget")
            return ControlReply(["cpus": JSON(record.allocation?.cpus.description)])
        }
    }

    /// Lets go of callers that have said nothing for long.
    func dropSilentCallers() {
        let now = MonotonicClock.now
        for (token, connection) in server.connections
        where connection.follows == nil && featureBus.traces[token] == nil
            && now - connection.heardAt > ControlServer.patience
        {
            unwatch(connection.socket, token)
            server.connections[token] = nil
        }
    }

    func withFeature(
        _ call: ControlCall, _ answer: (FeatureID, Supervisor.Record) -> ControlReply
    ) -> ControlReply {
        guard let name = call.parameters["feature"]?.string else {
            return ControlReply(.badParameters, "the parameter feature names a feature")
        }
        guard let feature = FeatureID(name), let record = engine.records[feature] else {
            return noFeature(name)
        }
        return answer(feature, record)
    }

    /// The answer to who names a feature that there is not.
    func noFeature(_ name: String) -> ControlReply {
        let names = engine.records.keys.sorted().map(\.name).joined(separator: ", ")
        return ControlReply(.notFound, "there is no feature \(name); there are: \(names)")
    }

    func operate(
        _ call: ControlCall, _ text: String, _ input: (FeatureID) -> Input
    ) -> ControlReply {
        withFeature(call) { feature, _ in
            guard !engine.isShuttingDown else {
                return ControlReply(.refused, "poised is stopping")
            }
            inbox.post(input(feature))
            say("operator", feature, text)
            return ControlReply(["text": .string("\(feature) \(text)")])
        }
    }

    private func allocations(_ name: String?) -> ControlReply {
        guard let name else { return ControlReply(planJSON()) }
        let call = ControlCall("", ["feature": .string(name)])
        return withFeature(call) { feature, _ in ControlReply(planJSON(only: feature)) }
    }

    private func events(_ call: ControlCall, _ connection: ControlConnection) -> ControlReply {
        let since = call.parameters["since"]?.number
        let follows = call.parameters["follow"]?.bool ?? false
        var filter = EventLog.Filter(kind: call.parameters["kind"]?.string)
        if let kind = filter.kind, !EventLog.kinds.contains(kind) {
            let hint = Nearest.hint(for: kind, among: EventLog.kinds)
            return ControlReply(.badParameters, "there are no events of the kind '\(kind)'\(hint)")
        }
        if let name = call.parameters["feature"]?.string {
            // One that is gone may still have events.
            filter.feature = FeatureID(name)
            let isKnown = filter.feature.map { id in
                engine.records[id] != nil || events.entries.contains { $0.feature == id }
            }
            guard isKnown ?? false else { return noFeature(name) }
        }
        let entries = events.since(since, now: wallNow, filter)
        connection.follows = follows ? filter : nil
        return ControlReply(["events": .array(entries.map(\.json))], continues: follows)
    }

    private func applyPolicy(
        _ parameters: JSON, _ connection: ControlConnection
    ) -> ControlReply {
        guard let path = parameters["path"]?.string, path.hasPrefix("/") else {
            return ControlReply(.badParameters, "the parameter path is a whole path")
        }
        // The caller reads the file: what it may not read must not be told to it by our mistakes.
        guard let text = parameters["text"]?.string else {
            return ControlReply(.badParameters, "the parameter text is what is in the file")
        }
        let reading = Policy.read(Array(text.utf8), name: path)
        let mistakes = JSON.array(reading.mistakes.map { .string($0.description) })
        guard let policy = reading.policy else {
            return ControlReply(["applied": false, "mistakes": mistakes, "changes": []])
        }
        let changes = JSON.array(dryRun(policy).lines.map(\.json))
        let effects = JSON.array(
            effects(of: policy).map { ["feature": .string($0), "text": .string($1)] })
        let isDry = parameters["dryRun"]?.bool ?? false
        if !isDry {
            say("operator", nil, "policy \(path) is applied")
            let isOurs = connection.peer.map { [0, geteuid()].contains($0.user) } ?? false
            if isOurs { followPolicy(path) } else { ceaseFollowing(path) }
            if policy != engine.given { inbox.post(.policy(policy)) }
        }
        return ControlReply(
            [
                "applied": .bool(!isDry), "mistakes": mistakes, "changes": changes,
                "effects": effects, "startPolicyPath": .string(startPolicyPath),
            ])
    }

    /// What a policy does to features beside their allocations.
    private func effects(of new: Policy) -> [(String, String)] {
        let old = engine.given.features
        var effects: [(String, String)] = []
        for feature in old where !new.features.contains(where: { $0.id == feature.id }) {
            effects.append((feature.id.name, "is stopped: this policy does not name it"))
        }
        for feature in new.features {
            guard let before = old.first(where: { $0.id == feature.id }) else {
                effects.append((feature.id.name, "is started: it is new"))
                continue
            }
            if before.source != feature.source {
                effects.append((feature.id.name, "is started anew: it runs something else"))
            } else if before.config != feature.config {
                effects.append((feature.id.name, "is started anew: its config is another"))
            }
        }
        return effects.sorted { $0.0 < $1.0 }
    }
}

extension PlanChange.Line {
    /// One entry of `changes` in the answer to a policy.
    var json: JSON {
        [
            "feature": .string(feature.name),
            "beforeMillicores": JSON(before?.millicores.total),
            "afterMillicores": JSON(after?.millicores.total),
            "beforeCpus": JSON(before?.cpus.description),
            "afterCpus": JSON(after?.cpus.description),
            "gained": .string(gained.description), "lost": .string(lost.description),
        ]
    }
}
