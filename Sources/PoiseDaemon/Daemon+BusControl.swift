import PoiseBus
import PoiseEngine
import PoiseLinux
import PoiseModel
import PoiseWire

// What the control socket tells of the bus.
extension Daemon {
    /// `io.poise.BusRoutes`: the routing table, and the links of each route.
    func busRoutesJSON() -> JSON {
        let plan = featureBus.plan
        let policy = engine.given.bus
        let known = Set(policy.routes.map(\.name))
        let left = Set(plan.links.map(\.route)).subtracting(known).sorted()
        let gone = left.map { name in
            JSON.object([
                .init("route", .string(name)), .init("removed", true),
                .init("links", linksJSON(of: name)),
            ])
        }
        return [
            "arenaBytes": .integer(policy.arenaBytes),
            "routes": .array(
                policy.routes.map { route in
                    [
                        "route": .string(route.name), "removed": false,
                        "topics": .array(route.topics.map { .string($0) }),
                        "from": .array(route.from.map { .string($0.name) }),
                        "to": .array(route.to.map { .string($0.name) }),
                        "delivery": .string(route.delivery.rawValue), "full": route.full.json,
                        "ringBytes": .integer(route.ringBytes),
                        "wait": .string(route.wait.rawValue), "shared": .bool(route.isShared),
                        "links": linksJSON(of: route.name),
                    ]
                } + gone),
        ]
    }

    private func linksJSON(of route: String) -> JSON {
        .array(
            featureBus.plan.links.filter { $0.route == route }.map { link in
                JSON.object(members(of: link))
            })
    }

    /// What a link is: its name, its ends, and where they are.
    private func members(of link: BusLink) -> [JSON.Member] {
        let files = featureBus.store.links[link.name]
        let shares = link.producers.map { producer in
            featureBus.plan.table(of: producer.feature).share(of: link.name)
        }
        return [
            .init("link", .string(link.name)), .init("route", .string(link.route)),
            .init("from", .array(link.producers.map { .string($0.feature.name) })),
            .init("to", .string(link.consumer.name)),
            .init("addressee", .string(link.addressee.name)),
            .init("incarnation", JSON(files?.incarnation)),
            .init("ringBytes", JSON(files?.layout.ringBytes)), .init("node", JSON(link.node)),
            .init("full", link.full.json), .init("wait", .string(link.wait.rawValue)),
            .init("draining", .bool(link.isDraining)),
            .init("shares", .array(shares.map { JSON($0) })),
            .init("written", .bool(isHeld(link, by: link.producers.map(\.feature)))),
            .init("read", .bool(isHeld(link, by: [link.consumer]))),
        ]
    }

    private func isHeld(_ link: BusLink, by features: [FeatureID]) -> Bool {
        features.contains { featureBus.book.held[$0]?[link.name]?.isLeaving == false }
    }

    /// `io.poise.BusCounters`: what each link has counted since it was made.
    func busCountersJSON() -> JSON {
        [
            "seconds": .number((MonotonicClock.now - startedAt).inSeconds),
            "links": .array(
                featureBus.plan.links.map { link in
                    let counters = featureBus.store.links[link.name].flatMap {
                        self.counters(of: $0)
                    }
                    return .object(self.members(of: link) + (counters?.members ?? []))
                }),
        ]
    }

    /// `io.poise.BusTrace`: the parameters `topic`, `count` (how many messages, nil without end)
    /// and `payload` (whether the first bytes of each are shown).
    func traceTopic(_ call: ControlCall, _ connection: ControlConnection) -> ControlReply? {
        guard let topic = call.parameters["topic"]?.string, topic.utf8.count <= 256 else {
            return ControlReply(.badParameters, "the parameter topic names a topic")
        }
        let routes = engine.given.bus.routes
        guard routes.contains(where: { $0.topics.contains(topic) }) else {
            return ControlReply(.notFound, Daemon.noTopic(topic, routes))
        }
        let carrying = routes.filter { $0.topics.contains(topic) }
        guard carrying.contains(where: { !$0.isShared }) else {
            return ControlReply(.refused, Daemon.onlyShared(topic, carrying))
        }
        var left: Int?
        if let given = call.parameters["count"], given != .null {
            guard let count = given.integer, (1...1_000_000).contains(count) else {
                return ControlReply(.badParameters, "count is a whole number from 1 to 1000000")
            }
            left = count
        }
        guard featureBus.traces.count < Daemon.mostTraces,
            let token = server.connections.first(where: { $0.value === connection })?.key
        else {
            return ControlReply(.busy, "\(Daemon.mostTraces) topics are followed already")
        }
        let bytes = call.parameters["payload"]?.bool == true ? Daemon.payloadBytes : 0
        var trace = BusTrace(topic: topic, payloadBytes: bytes, left: left)
        observeLinks(of: &trace)
        featureBus.traces[token] = trace
        return ControlReply(["messages": []], continues: true)
    }

    private static let mostTraces = 8
    private static let payloadBytes = 96

    private static func onlyShared(_ topic: String, _ routes: [BusRoute]) -> String {
        "the topic '\(topic)' goes only by rings that senders share "
            + "(\(routes.map(\.name).joined(separator: ", "))), which cannot be followed; "
            + "poise bus top shows what they count, and producers: one makes a ring for each sender"
    }

    private static func noTopic(_ topic: String, _ routes: [BusRoute]) -> String {
        let topics = Set(routes.flatMap(\.topics)).sorted()
        guard !topics.isEmpty else {
            return "no route has the topic '\(topic)': the policy has no bus"
        }
        let near = Nearest.name(to: topic, among: topics)
        return "no route has the topic '\(topic)'"
            + Nearest.hint(for: topic, among: near.map { [$0] } ?? Array(topics.prefix(20)))
    }
}

extension BusPlan.Table {
    /// How much of a route's messages goes to a link, of the sum of its member; nil when none does.
    fileprivate func share(of link: String) -> Int? {
        rows.flatMap { $0.members.flatMap(\.self) }.first { $0.link == link }?.share
    }
}

extension LinkCounters {
    /// How long sampled messages lay in the ring: buckets that have any.
    private var waitsJSON: [JSON] {
        waits.indices.filter { waits[$0] > 0 }.map { bucket in
            [
                "upToNanoseconds": .integer(
                    Int(clamping: WaitHistogram.upperNanoseconds(of: bucket))),
                "count": .integer(Int(clamping: waits[bucket])),
            ]
        }
    }

    /// As the control socket says them; what cannot be is null.
    fileprivate var members: [JSON.Member] {
        let whole = { (number: UInt64) in JSON.integer(Int(clamping: number)) }
        return [
            .init("depth", JSON(depth)), .init("depthBytes", JSON(depthBytes)),
            .init("wakes", whole(wakes)), .init("sleeps", whole(sleeps)),
            .init("producerSleeps", producerSleeps.map { .bool($0) } ?? .null),
            .init("consumerSleeps", .bool(consumerSleeps)),
            .init("waits", .array(waitsJSON)),
            .init(
                "lanes",
                .array(
                    zip(BusPriority.allCases, lanes).map { priority, lane in
                        [
                            "lane": .string(priority.word), "sent": whole(lane.sent),
                            "taken": whole(lane.taken), "bytes": whole(lane.tail),
                            "depth": JSON(lane.depth(ring: ringBytes)),
                            "droppedOldest": whole(lane.droppedOldest),
                            "droppedNewest": whole(lane.droppedNewest),
                            "refused": whole(lane.refused), "spilled": whole(lane.spilled),
                            "missed": whole(lane.missed),
                            "blockedNanoseconds": whole(lane.blockedNanoseconds),
                        ]
                    })),
        ]
    }
}
