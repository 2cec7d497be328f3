import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// The loss audit: numbered messages from several producers in four lanes to one consumer, while
/// producers, the consumer and the keeper of the memory are killed at random and started again.
package struct BusAudit {
    private let program: String
    private let plan: AuditPlan
    private let progress: (String) -> Void

    package init(
        program: String, plan: AuditPlan, progress: @escaping (String) -> Void = { _ in }
    ) {
        self.program = program
        self.plan = plan
        self.progress = progress
    }

    package func run() throws(BenchFailure) -> AuditOutcome {
        do {
            let run = try AuditRun(program: program, plan: plan, progress: progress)
            return try run.finish()
        } catch let failure as BenchFailure {
            throw failure
        } catch {
            throw BenchFailure("the loss audit failed: \(error)")
        }
    }
}

/// One audit while it goes on.
private final class AuditRun {
    private let program: String
    private let plan: AuditPlan
    private let progress: (String) -> Void
    private let links: [BenchLink]
    private let keeper: KeeperProcess
    private var producers: [EndProcess?]
    private var consumer: EndProcess?
    private var random: SplitMix
    private var outcome = AuditOutcome()
    private let started = MonotonicClock.now

    /// Without a message for so long, something hangs.
    private static let patience = Duration.seconds(30)

    init(program: String, plan: AuditPlan, progress: @escaping (String) -> Void) throws {
        self.program = program
        self.plan = plan
        self.progress = progress
        var links: [BenchLink] = []
        for _ in 0..<plan.producers { links.append(try BenchLink(ringBytes: plan.ringBytes)) }
        self.links = links
        keeper = try KeeperProcess(program: program, links: links)
        producers = Array(repeating: nil, count: plan.producers)
        random = SplitMix(seed: plan.seed &+ 1)
        consumer = try startConsumer()
        for index in 0..<plan.producers { producers[index] = try startProducer(index) }
    }

    func finish() throws -> AuditOutcome {
        var points = plan.killPoints()[...]
        var last = (taken: 0, at: MonotonicClock.now)
        var told = MonotonicClock.now
        while true {
            let taken = try self.taken()
            let now = MonotonicClock.now
            if taken != last.taken { last = (taken, now) }
            if now - last.at > AuditRun.patience {
                throw BenchFailure(
                    "the loss audit failed: nothing came for 30 s, after \(taken) of"
                        + " \(plan.total) messages")
            }
            if let point = points.first, taken >= point {
                points = points.dropFirst()
                try kill()
            }
            if now - told > .seconds(2) {
                told = now
                progress(
                    "\(taken / 1_000_000) of \(plan.total / 1_000_000) million messages,"
                        + " \(outcome.kills.count) kills")
            }
            if try isOver() { break }
            usleep(500)
        }
        return try result()
    }

    /// Whether the consumer has ended; an end that nobody asked for is a failure.
    private func isOver() throws -> Bool {
        for index in producers.indices {
            guard let producer = producers[index], try producer.isOver() else { continue }
            _ = try producer.report()
            producers[index] = nil
        }
        guard let consumer else { return true }
        return try consumer.isOver()
    }

    private func result() throws -> AuditOutcome {
        guard let report = try consumer?.report() else {
            throw BenchFailure("the loss audit failed: it has no consumer")
        }
        outcome.seconds = (MonotonicClock.now - started).inSeconds
        for index in producers.indices { _ = try producers[index]?.report() }
        outcome.messages = report["messages"] ?? 0
        outcome.lost = report["lost"] ?? 0
        outcome.duplicated = report["duplicated"] ?? 0
        outcome.outOfOrder = report["outOfOrder"] ?? 0
        outcome.damaged = report["damaged"] ?? 0
        let expected =
            AuditLedger.checksum(below: UInt64(plan.quota))
            &* UInt64(plan.producers * AuditPlan.lanes)
        // A second witness: no number can be missing or twice when all of them add up.
        if outcome.isClean, report["checksum"] != Int(truncatingIfNeeded: expected) {
            throw BenchFailure("the loss audit failed: the sum of all numbers is another")
        }
        return outcome
    }

    private func kill() throws {
        // At any moment of what it does, not only where the loop looks.
        usleep(UInt32(random.below(2000)))
        var victims: [AuditOutcome.Victim] = [.consumer, .keeper, .consumer]
        if producers.contains(where: { $0 != nil }) {
            victims += [.producer, .producer, .producer]
        }
        let victim = victims[random.below(victims.count)]
        let began = MonotonicClock.now
        switch victim {
        case .keeper: try keeper.restart()
        case .consumer:
            guard try consumer?.isOver() == false else { return }
            try consumer?.kill()
            let before = try taken()
            consumer = try startConsumer()
            try waitFor("the consumer") {
                try self.taken() != before || self.consumer?.isOver() == true
            }
        case .producer:
            let alive = producers.indices.filter { producers[$0] != nil }
            let index = alive[random.below(alive.count)]
            guard try producers[index]?.isOver() == false else { return }
            try producers[index]?.kill()
            let before = try sent(index)
            producers[index] = try startProducer(index)
            try waitFor("producer \(index)") {
                try self.sent(index) != before || self.producers[index]?.isOver() == true
            }
        }
        outcome.kills.append(
            .init(
                victim: victim,
                recoveryMilliseconds: (MonotonicClock.now - began).inSeconds * 1000))
    }

    private func waitFor(_ name: String, _ isBack: () throws -> Bool) throws {
        let end = MonotonicClock.now + AuditRun.patience
        while try !isBack() {
            guard MonotonicClock.now < end else {
                throw BenchFailure("the loss audit failed: \(name) did not go on in 30 s")
            }
            usleep(50)
        }
    }

    private func taken() throws -> Int {
        var sum = 0
        for link in links { sum += try link.watch().taken }
        return sum
    }

    private func sent(_ index: Int) throws -> Int { try links[index].watch().sent }

    private func startProducer(_ index: Int) throws -> EndProcess {
        let order = BusEndOrder(
            .auditProduce, ["producer": index, "quota": plan.quota, "ring": plan.ringBytes])
        return try start(order, try keeper.hand(index, to: .producer))
    }

    private func startConsumer() throws -> EndProcess {
        let order = BusEndOrder(
            .auditConsume, ["links": links.count, "quota": plan.quota, "ring": plan.ringBytes])
        var given: [FileDescriptor] = []
        for index in links.indices { given += try keeper.hand(index, to: .consumer) }
        return try start(order, given)
    }

    private func start(_ order: BusEndOrder, _ given: [FileDescriptor]) throws -> EndProcess {
        let end = try EndProcess(order, program: program, cpu: nil, given: given)
        try end.awaitReady()
        try end.go()
        return end
    }
}
