import Glibc
import PoiseBus
import PoiseLinux
import PoiseModel

/// The links of one measurement, and the two processes at their ends.
final class BusPair {
    private let links: [BenchLink]
    /// Goes the other way, for answers.
    private let back: BenchLink?
    private let library: String?
    private let ringBytes: Int

    init(
        ringBytes: Int, links: Int = 1, answers: Bool = false, library: String? = nil
    ) throws(BenchFailure) {
        self.ringBytes = ringBytes
        self.library = library
        do throws(BusError) {
            var made: [BenchLink] = []
            for _ in 0..<links { made.append(try BenchLink(ringBytes: ringBytes)) }
            self.links = made
            back = answers ? try BenchLink(ringBytes: ringBytes) : nil
        } catch {
            throw BenchFailure("measuring failed on the bus: \(error)")
        }
    }

    /// Runs both ends and gives what each says.
    func run(
        _ bench: BusBench, _ first: BusEndOrder.Role, _ second: BusEndOrder.Role,
        _ values: [String: Int]
    ) throws(BenchFailure) -> (EndReport, EndReport) {
        do throws(SystemError) {
            let ends = try start(bench, first, second, values)
            return (try ends.0.report(), try ends.1.report())
        } catch {
            throw BenchFailure("measuring failed on the bus: \(error)")
        }
    }

    /// Runs only the consumer's end.
    func runAlone(
        _ bench: BusBench, _ role: BusEndOrder.Role, _ values: [String: Int]
    ) throws(BenchFailure) -> EndReport {
        do throws(SystemError) {
            let end = try self.end(bench, role, .consumer, values)
            try end.awaitReady()
            try end.go()
            return try end.report()
        } catch {
            throw BenchFailure("measuring failed on the bus: \(error)")
        }
    }

    /// A stream whose consumer is killed at half of it and started again.
    struct KilledRun {
        var sent: EndReport
        var came: EndReport
        /// From the kill until the new consumer had committed something.
        var pauseMilliseconds: Double
    }

    func runKilled(
        _ bench: BusBench, _ values: [String: Int]
    ) throws(BenchFailure) -> KilledRun {
        do {
            let watch = try links[0].watch()
            let (producer, consumer) = try start(bench, .produce, .consume, values)
            while watch.taken < (values["messages"] ?? 0) / 2 { usleep(50) }
            try consumer.kill()
            let killed = BusClock.now
            let before = watch.taken
            var again = values
            again["resumes"] = 1
            let second = try end(bench, .consume, .consumer, again)
            try second.awaitReady()
            try second.go()
            while watch.taken == before, try !second.isOver() { usleep(20) }
            let pause = Double(BusClock.now - killed) / 1e6
            return KilledRun(
                sent: try producer.report(), came: try second.report(), pauseMilliseconds: pause)
        } catch {
            throw BenchFailure("measuring failed on the bus: \(error)")
        }
    }

    private func start(
        _ bench: BusBench, _ first: BusEndOrder.Role, _ second: BusEndOrder.Role,
        _ values: [String: Int]
    ) throws(SystemError) -> (EndProcess, EndProcess) {
        let producer = try end(bench, first, .producer, values)
        let consumer = try end(bench, second, .consumer, values)
        try producer.awaitReady()
        try consumer.awaitReady()
        try consumer.go()
        try producer.go()
        return (producer, consumer)
    }

    private func end(
        _ bench: BusBench, _ role: BusEndOrder.Role, _ side: BusError.Side,
        _ values: [String: Int]
    ) throws(SystemError) -> EndProcess {
        var order = BusEndOrder(role, values)
        order.values["ring"] = ringBytes
        let other: BusError.Side = side == .producer ? .consumer : .producer
        let given =
            links.flatMap { $0.descriptors(of: side) } + (back?.descriptors(of: other) ?? [])
        return try EndProcess(
            order, program: bench.program,
            cpu: side == .producer ? bench.cpus.producer : bench.cpus.consumer, given: given,
            library: library)
    }
}
