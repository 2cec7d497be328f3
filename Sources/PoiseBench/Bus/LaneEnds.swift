import PoiseBus
import PoiseModel

/// How long urgent messages take, alone or while the lowest lane is full.
enum LaneEnds {
    private static let gapNanoseconds: UInt64 = 20_000

    static func mix(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var writer = try GivenLinks.writer(0, order)
        let floods = order["floods"] != 0
        let count = order["messages"]
        BusEnd.ready()
        var low: UInt64 = 0
        var urgent = 0
        var due = BusClock.now
        while urgent < count {
            if BusClock.now >= due {
                let room = try writer.reserve(
                    message.bytes, topic: BenchMessage.topic, priority: .urgent)
                if let room {
                    message.fill(room, BusClock.now)
                    writer.commit()
                    urgent += 1
                    due = BusClock.now + gapNanoseconds
                }
            }
            guard floods else { continue }
            for _ in 0..<8 {
                guard
                    let room = try writer.reserve(
                        message.bytes, topic: BenchMessage.topic, priority: .low)
                else { break }
                message.fill(room, low)
                writer.commit()
                low += 1
            }
        }
        var report = EndReport()
        report["low"] = Int(low)
        return report
    }

    static func sort(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var reader = try GivenLinks.reader(0, order)
        var times = [Int](repeating: 0, count: order["messages"])
        BusEnd.ready()
        var urgent = 0
        var expected: UInt64 = 0
        var wrong = 0
        var open = 0
        while urgent < times.count {
            guard let next = try reader.next() else {
                if open > 0 { reader.commit() }
                open = 0
                spinOnce()
                continue
            }
            let number = message.take(next.payload)
            if next.priority == .urgent {
                times[urgent] = Int(BusClock.now &- (number ?? 0))
                urgent += 1
            } else {
                if number != expected { wrong += 1 }
                expected += 1
            }
            open += 1
            if open == 32 {
                reader.commit()
                open = 0
            }
        }
        reader.commit()
        times.sort()
        var report = EndReport()
        report["p50"] = times.percentile(50)
        report["p99"] = times.percentile(99)
        report["wrong"] = wrong
        return report
    }
}

/// A consumer that has nothing to do.
enum IdleEnd {
    static func run(_ order: BusEndOrder) throws(BusError) -> EndReport {
        var reader = try GivenLinks.reader(0, order)
        BusEnd.ready()
        var meter = CostMeter(counts: false)
        meter.start()
        let end = BusClock.now + UInt64(order["milliseconds"]) * 1_000_000
        while BusClock.now < end { _ = reader.waitForMessages(until: end, .block) }
        var report = EndReport()
        meter.stop(&report)
        return report
    }
}
