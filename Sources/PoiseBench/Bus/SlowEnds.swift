import PoiseBus
import PoiseModel

/// A producer at full speed, and a consumer that takes a tenth of it.
enum SlowEnds {
    /// What the producer does with a message that has no room.
    package enum Full: Int, CaseIterable, Sendable {
        case block, dropOldest, dropNewest

        var name: String { "\(self)" }
    }

    /// The last message has this number; all before it were sent or dropped.
    private static let last = UInt64.max

    static func press(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var writer = try GivenLinks.writer(0, order)
        let waits = order["full"] == Full.block.rawValue
        BusEnd.ready()
        let started = BusClock.now
        let end = started + UInt64(order["milliseconds"]) * 1_000_000
        var number: UInt64 = 0
        var dropped = 0
        while number & 63 != 0 || BusClock.now < end {
            let room = try writer.reserve(
                message.bytes, topic: BenchMessage.topic, priority: .normal)
            if let room {
                message.fill(room, number)
                writer.commit()
            } else if waits {
                _ = writer.waitForRoom(until: BusClock.now + 1_000_000_000, .adaptive)
                continue
            } else {
                dropped += 1
            }
            number += 1
        }
        var report = EndReport()
        report["attempts"] = Int(number)
        report["dropped"] = dropped
        report["nanoseconds"] = Int(BusClock.now - started)
        while true {
            guard
                let room = try writer.reserve(
                    message.bytes, topic: BenchMessage.topic, priority: .normal)
            else { continue }
            message.fill(room, last)
            writer.commit()
            return report
        }
    }

    static func dawdle(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var reader = try GivenLinks.reader(0, order)
        BusEnd.ready()
        let started = BusClock.now
        var report = EndReport()
        var delivered = 0
        var expected: UInt64 = 0
        var disorder = 0
        while true {
            guard let next = try reader.next() else {
                _ = reader.waitForMessages(until: BusClock.now + 1_000_000_000, .adaptive)
                continue
            }
            let number = message.take(next.payload) ?? 0
            reader.commit()
            if number == last { break }
            if number < expected { disorder += 1 }
            expected = number + 1
            delivered += 1
            // Twenty at a time, since a pause is longer than what one message takes.
            if delivered % 20 == 0 {
                let due =
                    started + UInt64(Double(delivered) * 1e9 / Double(max(1, order["perSecond"])))
                while BusClock.now < due { spinOnce() }
            }
        }
        report["delivered"] = delivered
        report["missed"] = Int(reader.missed)
        report["wrong"] = disorder
        report["nanoseconds"] = Int(BusClock.now - started)
        return report
    }
}
