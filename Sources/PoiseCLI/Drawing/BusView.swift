import PoiseBench
import PoiseModel
import PoiseWire

/// What `poise bench bus` shows.
struct BusView {
    private let console: Console

    init(_ console: Console) { self.console = console }

    func show(_ figures: BusFigures) {
        print(queues(figures))
        console.print("")
        for line in facts(figures) { console.print(line) }
        if !figures.routes.isEmpty {
            console.print("")
            print(routes(figures))
        }
        console.print("")
        print(slow(figures))
        if let audit = figures.audit {
            console.print("")
            show(audit)
        }
        if let problem = figures.peersProblem { console.note("no peers: \(problem)") }
        if !figures.missingPackages.isEmpty {
            let packages = figures.missingPackages.joined(separator: " ")
            console.note("peers that are missing: apt-get install \(packages)")
        }
    }

    func show(_ audit: AuditOutcome) {
        let sound = audit.isClean ? "Nothing was lost" : "NOT CLEAN"
        console.print(
            "Loss audit: \(sound). \(audit.messages) messages in"
                + " \(QuantityText.decimal(audit.seconds, digits: 1)) s"
                + " (\(BusView.rate(audit.perSecond))), \(audit.kills.count) kills: lost"
                + " \(audit.lost), duplicated \(audit.duplicated),")
        console.print("out of order \(audit.outOfOrder), damaged \(audit.damaged).")
        for victim in AuditOutcome.Victim.allCases {
            guard let times = audit.recovery(victim) else { continue }
            let count = audit.kills.count { $0.victim == victim }
            console.print(
                "  \(victim.rawValue) killed \(count) times, back after"
                    + " \(QuantityText.decimal(times.median, digits: 1)) ms (median),"
                    + " \(QuantityText.decimal(times.longest, digits: 1)) ms at most")
        }
    }

    private func print(_ table: Table) {
        for line in table.lines(width: console.width, paint: console.paint) { console.print(line) }
    }

    private func queues(_ figures: BusFigures) -> Table {
        var table = Table([
            .init("QUEUE", wraps: true), .init("64 B", number: true),
            .init("BATCHED", number: true),
            .init("1 KiB", number: true), .init("BATCHED", number: true),
            .init("TRIP P50", number: true), .init("P99", number: true),
        ])
        for queue in [figures.ours] + figures.peers {
            table.add(
                [.init(queue.title, queue.name == "poise" ? .good : nil)]
                    + StreamMode.all.map { mode in
                        .init(queue.perSecond(mode).map(BusView.rate) ?? console.glyphs.unknown)
                    }
                    + [queue.tripP50, queue.tripP99].map { .init(time($0.median)) })
        }
        return table
    }

    private func facts(_ figures: BusFigures) -> [String] {
        let count = { (value: Double?) in
            value.map { QuantityText.decimal($0, digits: 6) } ?? console.glyphs.unknown
        }
        let ratio = { (peer: String, mode: StreamMode) in
            figures.ratio(to: peer, mode).map { QuantityText.decimal($0, digits: 2) }
                ?? console.glyphs.unknown
        }
        let switches = figures.switchesPerMillion.map { QuantityText.decimal($0, digits: 1) }
        let idle = figures.idleMicrosecondsPerSecond.map { QuantityText.decimal($0, digits: 1) }
        let unknown = console.glyphs.unknown
        return [
            "Messages of 64 bytes against ck_ring \(ratio("ckRing", .small)), against rte_ring"
                + " \(ratio("rteRing", .small)) (batched \(ratio("rteRing", .smallBatched))).",
            "A message costs \(count(figures.systemCallsPerMessage)) system calls and"
                + " \(count(figures.allocationsPerMessage)) allocations;"
                + " \(switches ?? unknown) context switches a million.",
            "Urgent lane p99 \(time(figures.urgentP99.median)), in a flood of the low lane"
                + " \(time(figures.urgentP99InFlood.median)).",
            "A consumer that waits uses \(idle ?? unknown) µs of CPU time a second.",
            "Stream over a killed and restarted consumer:"
                + " \(figures.restartPerSecond.median.map(BusView.rate) ?? unknown), pause"
                + " \(decimal(figures.restartMilliseconds.median)) ms.",
            "Messages that were not what they had to be, in all of this: \(figures.wrong).",
        ]
    }

    private func routes(_ figures: BusFigures) -> Table {
        var table = Table([
            .init("ROUTES", number: true), .init("64 B BATCHED", number: true),
            .init("TRIP P50", number: true),
        ])
        for one in figures.routes {
            table.add([
                .init("\(one.count)"),
                .init(one.perSecond.median.map(BusView.rate) ?? console.glyphs.unknown),
                .init(time(one.tripP50.median)),
            ])
        }
        return table
    }

    private func slow(_ figures: BusFigures) -> Table {
        var table = Table([
            .init("SLOW CONSUMER"), .init("TRIED", number: true),
            .init("DELIVERED", number: true), .init("DROPPED", number: true),
            .init("UNACCOUNTED", number: true),
        ])
        for one in figures.slow {
            table.add([
                .init(one.policy),
                .init(one.attemptsPerSecond.median.map(BusView.rate) ?? console.glyphs.unknown),
                .init(one.deliveredPerSecond.median.map(BusView.rate) ?? console.glyphs.unknown),
                .init("\(one.dropped)"),
                .init("\(one.unaccounted)", one.unaccounted == 0 ? .good : .bad),
            ])
        }
        return table
    }

    private static func rate(_ perSecond: Double) -> String {
        perSecond >= 1e5
            ? QuantityText.decimal(perSecond / 1e6, digits: perSecond >= 1e8 ? 0 : 1) + " M/s"
            : QuantityText.decimal(perSecond / 1e3, digits: 1) + " k/s"
    }

    private func time(_ nanoseconds: Double?) -> String {
        guard let nanoseconds else { return console.glyphs.unknown }
        // Round trips are told to the nanosecond.
        return nanoseconds < 10_000
            ? "\(Int(nanoseconds)) ns" : QuantityText.duration(.nanoseconds(Int(nanoseconds)))
    }

    private func decimal(_ value: Double?) -> String {
        value.map { QuantityText.decimal($0, digits: 1) } ?? console.glyphs.unknown
    }
}

// As JSON, with the names of the contracts.
extension BusView {
    static func json(_ figures: BusFigures) -> JSON {
        let audit = figures.audit
        var metrics = streams(figures.ours)
        metrics += [
            .init("ratioToCkRing", JSON(figures.ratio(to: "ckRing", .small))),
            .init("ratioToRteRing", JSON(figures.ratio(to: "rteRing", .smallBatched))),
            .init("ratioToRteRingUnbatched", JSON(figures.ratio(to: "rteRing", .small))),
            .init("lost", JSON(audit?.lost)), .init("duplicated", JSON(audit?.duplicated)),
            .init("outOfOrder", JSON(audit?.outOfOrder)),
            .init("wrong", .integer(figures.wrong)),
            .init("systemCallsPerMessage", JSON(figures.systemCallsPerMessage)),
            .init("allocationsPerMessage", JSON(figures.allocationsPerMessage)),
            .init("contextSwitchesPerMillion", JSON(figures.switchesPerMillion)),
            .init("urgentP99Nanoseconds", JSON(figures.urgentP99.median)),
            .init("urgentP99NanosecondsInFlood", JSON(figures.urgentP99InFlood.median)),
            .init("idleMicrosecondsPerSecond", JSON(figures.idleMicrosecondsPerSecond)),
            .init("restartMessagesPerSecond", JSON(figures.restartPerSecond.median)),
            .init("restartPauseMilliseconds", JSON(figures.restartMilliseconds.median)),
        ]
        return [
            "benchmark": "bus", "metrics": .object(metrics),
            "peers": .object(figures.peers.map { .init($0.name, .object(streams($0))) }),
            "rounds": .integer(figures.rounds), "batch": .integer(StreamMode.batch),
            "routes": .array(
                figures.routes.map { one in
                    [
                        "routes": .integer(one.count),
                        "messagesPerSecond64Batched": JSON(one.perSecond.median),
                        "roundTripP50Nanoseconds": JSON(one.tripP50.median),
                    ]
                }),
            "slowConsumer": .array(
                figures.slow.map { one in
                    [
                        "full": .string(one.policy),
                        "attemptsPerSecond": JSON(one.attemptsPerSecond.median),
                        "deliveredPerSecond": JSON(one.deliveredPerSecond.median),
                        "dropped": .integer(one.dropped),
                        "unaccounted": .integer(one.unaccounted),
                    ]
                }),
            "audit": audit.map { json($0, nil) } ?? .null,
            "missingPackages": .array(figures.missingPackages.map { .string($0) }),
            "peersUnknownBecause": JSON(figures.peersProblem),
        ]
    }

    private static func streams(_ queue: QueueFigures) -> [JSON.Member] {
        StreamMode.all.flatMap { mode -> [JSON.Member] in
            let perSecond = queue.perSecond(mode)
            let suffix = mode.name.dropFirst("messages".count)
            return [
                .init(mode.name, JSON(perSecond)),
                .init("bytes\(suffix)", JSON(perSecond.map { $0 * Double(mode.bytes) })),
            ]
        } + [
            .init("roundTripP50Nanoseconds", JSON(queue.tripP50.median)),
            .init("roundTripP99Nanoseconds", JSON(queue.tripP99.median)),
        ]
    }

    static func json(_ audit: AuditOutcome, _ plan: AuditPlan?) -> JSON {
        [
            "messages": .integer(audit.messages), "lost": .integer(audit.lost),
            "duplicated": .integer(audit.duplicated), "outOfOrder": .integer(audit.outOfOrder),
            "damaged": .integer(audit.damaged), "seconds": .number(audit.seconds),
            "messagesPerSecond": .number(audit.perSecond),
            "seed": JSON(plan.map { Int($0.seed) }),
            "kills": .array(
                audit.kills.map { kill in
                    [
                        "victim": .string(kill.victim.rawValue),
                        "recoveryMilliseconds": .number(kill.recoveryMilliseconds),
                    ]
                }),
        ]
    }
}
