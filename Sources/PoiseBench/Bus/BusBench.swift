import PoiseBus
import PoiseLinux
import PoiseModel

/// Measures the bus between two processes on two CPUs, and its peers in turn with it.
package struct BusBench {
    let program: String
    let cpus: BusCPUs
    let effort: BusEffort
    let progress: (String) -> Void

    /// - Parameters:
    ///   - program: this program, to be started again for each end.
    ///   - progress: is told what is measured next.
    package init(
        program: String, cpus: BusCPUs, effort: BusEffort,
        progress: @escaping (String) -> Void = { _ in }
    ) {
        self.program = program
        self.cpus = cpus
        self.effort = effort
        self.progress = progress
    }

    package func run() throws(BenchFailure) -> BusFigures {
        var figures = BusFigures(rounds: effort.rounds)
        figures.routes = [2, 8, 32, 128].map { .init(count: $0) }
        figures.slow = SlowEnds.Full.allCases.map { .init(policy: $0.name) }
        let peers = peers(&figures)
        for round in 1...effort.rounds {
            let name = "round \(round) of \(effort.rounds)"
            progress("\(name): streams and round trips, beside peers")
            try streams(peers, &figures)
            try trips(peers, &figures)
            progress("\(name): routes, slow and restarted consumers, lanes")
            try routes(&figures)
            try slowConsumers(&figures)
            try lanes(&figures)
            try restart(&figures)
        }
        progress("counting system calls and allocations")
        try costs(&figures)
        try idle(&figures)
        progress("loss audit")
        let audit = BusAudit(
            program: program,
            plan: AuditPlan(messages: effort.auditMessages, kills: effort.auditKills, seed: 1))
        figures.audit = try audit.run()
        return figures
    }

    private func peers(_ figures: inout BusFigures) -> BusPeers? {
        progress("building the peers")
        do throws(BenchFailure) {
            let peers = try BusPeers(executable: program)
            figures.missingPackages = peers.missing
            figures.peers = peers.peers.map { QueueFigures(name: $0.name, title: $0.title) }
            return peers
        } catch {
            figures.peersProblem = error.description
            return nil
        }
    }

    private func streams(
        _ peers: BusPeers?, _ figures: inout BusFigures
    ) throws(BenchFailure) {
        for mode in StreamMode.all {
            let messages = effort.messages / (mode.bytes == 64 ? 1 : 8)
            let pair = try BusPair(ringBytes: mode.bytes == 64 ? 256 << 10 : 1 << 20)
            let (sent, came) = try pair.run(
                self, .produce, .consume,
                ["bytes": mode.bytes, "messages": messages, "batch": mode.batchSize, "links": 1])
            figures.wrong += came["wrong"] ?? 0
            let speed = perSecond(messages, sent, came)
            figures.ours.perSecond[mode.name, default: Figure()].add(speed)
            guard let peers else { continue }
            for (index, peer) in peers.peers.enumerated() where peer.batches || !mode.isBatched {
                let speed = try peers.stream(
                    peer, bytes: mode.bytes, messages: peer.isSlow ? messages / 40 : messages,
                    batch: mode.batchSize, cpus: cpus)
                figures.peers[index].perSecond[mode.name, default: Figure()].add(speed)
            }
        }
    }

    private func trips(_ peers: BusPeers?, _ figures: inout BusFigures) throws(BenchFailure) {
        let pair = try BusPair(ringBytes: 64 << 10, answers: true)
        let (ping, _) = try pair.run(
            self, .ping, .pong, ["bytes": 64, "messages": effort.trips, "links": 1])
        figures.ours.tripP50.add(Double(ping["p50"] ?? 0))
        figures.ours.tripP99.add(Double(ping["p99"] ?? 0))
        figures.wrong += ping["wrong"] ?? 0
        guard let peers else { return }
        for (index, peer) in peers.peers.enumerated() {
            let trip = try peers.trip(
                peer, messages: peer.isSlow ? effort.trips / 20 : effort.trips, cpus: cpus)
            figures.peers[index].tripP50.add(trip.p50)
            figures.peers[index].tripP99.add(trip.p99)
        }
    }

    private func routes(_ figures: inout BusFigures) throws(BenchFailure) {
        for index in figures.routes.indices {
            let links = figures.routes[index].count
            let messages = effort.messages / 4
            let pair = try BusPair(ringBytes: 32 << 10, links: links)
            let (sent, came) = try pair.run(
                self, .produce, .consume,
                ["bytes": 64, "messages": messages, "batch": StreamMode.batch, "links": links])
            figures.routes[index].perSecond.add(perSecond(messages, sent, came))
            figures.wrong += came["wrong"] ?? 0
            let trips = try BusPair(ringBytes: 32 << 10, links: links, answers: true)
            let (ping, _) = try trips.run(
                self, .ping, .pong, ["bytes": 64, "messages": effort.trips / 4, "links": links])
            figures.routes[index].tripP50.add(Double(ping["p50"] ?? 0))
            figures.wrong += ping["wrong"] ?? 0
        }
    }

    private func slowConsumers(_ figures: inout BusFigures) throws(BenchFailure) {
        let tenth = Int((figures.ours.perSecond(.small) ?? 1e7) / 10)
        for (index, full) in SlowEnds.Full.allCases.enumerated() {
            let pair = try BusPair(ringBytes: 64 << 10)
            let (pressed, dawdled) = try pair.run(
                self, .press, .dawdle,
                [
                    "bytes": 64, "milliseconds": 100, "full": full.rawValue, "perSecond": tenth,
                    "dropsOldest": full == .dropOldest ? 1 : 0,
                ])
            let attempts = pressed["attempts"] ?? 0
            let delivered = dawdled["delivered"] ?? 0
            let dropped = (pressed["dropped"] ?? 0) + (dawdled["missed"] ?? 0)
            figures.slow[index].attemptsPerSecond.add(rate(attempts, pressed["nanoseconds"]))
            figures.slow[index].deliveredPerSecond.add(rate(delivered, dawdled["nanoseconds"]))
            figures.slow[index].dropped += dropped
            figures.slow[index].unaccounted += abs(attempts - delivered - dropped)
            figures.wrong += dawdled["wrong"] ?? 0
        }
    }

    private func lanes(_ figures: inout BusFigures) throws(BenchFailure) {
        for floods in [false, true] {
            let pair = try BusPair(ringBytes: 256 << 10)
            let (_, sorted) = try pair.run(
                self, .mix, .sort,
                ["bytes": 64, "messages": effort.trips / 10, "floods": floods ? 1 : 0])
            let p99 = Double(sorted["p99"] ?? 0)
            if floods { figures.urgentP99InFlood.add(p99) } else { figures.urgentP99.add(p99) }
            figures.wrong += sorted["wrong"] ?? 0
        }
    }

    private func costs(_ figures: inout BusFigures) throws(BenchFailure) {
        let messages = effort.messages
        let library = AllocationCount.path(program: program)
        let pair = try BusPair(ringBytes: 256 << 10, library: library)
        let (sent, came) = try pair.run(
            self, .produce, .consume,
            ["bytes": 64, "messages": messages, "batch": 1, "links": 1, "counts": 1])
        let perMessage = { (name: String) -> Double? in
            guard let ours = sent[name], let theirs = came[name] else { return nil }
            return Double(ours + theirs) / Double(messages)
        }
        figures.allocationsPerMessage = perMessage("allocations")
        figures.systemCallsPerMessage = perMessage("systemCalls")
        figures.switchesPerMillion = perMessage("switches").map { $0 * 1e6 }
    }

    private func idle(_ figures: inout BusFigures) throws(BenchFailure) {
        let seconds = effort.rounds > 3 ? 5 : 2
        let pair = try BusPair(ringBytes: 64 << 10)
        let report = try pair.runAlone(self, .idle, ["milliseconds": seconds * 1000])
        figures.idleMicrosecondsPerSecond = report["cpuNanoseconds"].map {
            Double($0) / 1000 / Double(seconds)
        }
    }

    private func restart(_ figures: inout BusFigures) throws(BenchFailure) {
        let messages = effort.messages
        let pair = try BusPair(ringBytes: 256 << 10)
        let run = try pair.runKilled(
            self, ["bytes": 64, "messages": messages, "batch": StreamMode.batch, "links": 1])
        figures.restartPerSecond.add(perSecond(messages, run.sent, run.came))
        figures.restartMilliseconds.add(run.pauseMilliseconds)
        figures.wrong += run.came["wrong"] ?? 0
    }

    private func perSecond(_ messages: Int, _ sent: EndReport, _ came: EndReport) -> Double {
        rate(messages, (came["ended"] ?? 0) - (sent["started"] ?? 0))
    }

    private func rate(_ count: Int, _ nanoseconds: Int?) -> Double {
        Double(count) * 1e9 / Double(max(1, nanoseconds ?? 1))
    }
}
