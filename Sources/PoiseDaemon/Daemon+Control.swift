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
        while let socket = attempt(nil, accept) ?? nil {
            let connection = ControlConnection(socket: socket)
            if server.connections.count >= ControlServer.mostConnections {
                connection.isLast = true
                _ = connection.queue(ControlReply(.busy, "too many callers; try again"))
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
        do {
            let call = try ControlCall(json: JSON.parse(message))
            let reply = answer(call, connection)
            if !connection.queue(reply) { connection.isLast = true }
        } catch {
            refuse(connection, "\(error)")
        }
    }

    /// Who sends what is no call is told so, and no more is read from it.
    private func refuse(_ connection: ControlConnection, _ text: String) {
        _ = connection.queue(ControlReply(.badParameters, text))
        connection.isLast = true
    }

    /// Sends what can be sent and lets go of callers that are gone or done.
    private func settle(_ token: UInt64, _ connection: ControlConnection, hungUp: Bool) {
        if !connection.flush() || hungUp {
            unwatch(connection.socket, token)
            server.connections[token] = nil
            return
        }
        let interest: Epoll.Interest =
            connection.hasUnsent ? [.read, .write, .hangup] : [.read, .hangup]
        attempt { () throws(SystemError) in
            try epoll.modify(connection.socket, token: token, interest)
        }
    }

    func tellFollowers(_ entry: EventLog.Entry) {
        for (token, connection) in server.connections where connection.followsEvents {
            let reply = ControlReply(["events": [entry.json]], continues: true)
            if !connection.queue(reply) { connection.isLast = true }
            settle(token, connection, hungUp: false)
        }
    }

    private func answer(_ call: ControlCall, _ connection: ControlConnection) -> ControlReply {
        guard let method = ControlMethod(rawValue: call.method) else {
            return ControlReply(.unknownMethod, "there is no method \(call.method)")
        }
        switch method {
        case .status: return ControlReply(statusJSON())
        case .allocations: return allocations(call.parameters["feature"]?.string)
        case .explain: return withFeature(call) { ControlReply(self.explainJSON($0, $1)) }
        case .events: return events(call, connection)
        case .plugins: return ControlReply(pluginsJSON())
        case .topology:
            return ControlReply(["machine": machine.machine.json, "plan": planJSON()])
        case .featureStart:
            return operate(call, "is started") { .operatorStart($0) }
        case .featureStop:
            return operate(call, "is asked to stop") { .operatorStop($0) }
        case .featureRestart:
            return operate(call, "is started anew") { .operatorRestart($0) }
        case .policyApply: return applyPolicy(call.parameters)
        }
    }

    private func withFeature(
        _ call: ControlCall, _ answer: (FeatureID, Supervisor.Record) -> ControlReply
    ) -> ControlReply {
        guard let name = call.parameters["feature"]?.string else {
            return ControlReply(.badParameters, "the parameter feature names a feature")
        }
        guard let feature = FeatureID(name), let record = engine.records[feature] else {
            let names = engine.records.keys.sorted().map(\.name).joined(separator: ", ")
            return ControlReply(
                .notFound, "there is no feature \(name); there are: \(names)")
        }
        return answer(feature, record)
    }

    private func operate(
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
        let entries = events.since(since, now: WallClock.now)
        connection.followsEvents = follows
        return ControlReply(["events": .array(entries.map(\.json))], continues: follows)
    }

    private func applyPolicy(_ parameters: JSON) -> ControlReply {
        guard let path = parameters["path"]?.string, path.hasPrefix("/") else {
            return ControlReply(.badParameters, "the parameter path is a whole path")
        }
        let reading = Policy.read(path: path)
        let mistakes = JSON.array(reading.mistakes.map { .string($0.description) })
        guard let policy = reading.policy else {
            return ControlReply(["applied": false, "mistakes": mistakes, "changes": []])
        }
        let changes = JSON.array(dryRun(policy).lines.map(\.json))
        let isDry = parameters["dryRun"]?.bool ?? false
        if !isDry {
            say("operator", nil, "policy \(path) is applied")
            followPolicy(path)
            if policy != engine.policy { inbox.post(.policy(policy)) }
        }
        return ControlReply(
            ["applied": .bool(!isDry), "mistakes": mistakes, "changes": changes])
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
