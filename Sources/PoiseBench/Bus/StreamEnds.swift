import PoiseBus
import PoiseModel

/// The two ends of a stream: so many messages as fast as they go, over one link or over several in
/// turn.
enum StreamEnds {
    static func produce(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var report = EndReport()
        guard order["links"] > 1 else {
            var writer = try GivenLinks.writer(0, order)
            BusEnd.ready()
            var meter = CostMeter(counts: order["counts"] != 0)
            let count = UInt64(order["messages"])
            let batch = order["batch"]
            let started = BusClock.now
            meter.start()
            if batch > 1 {
                try batches(&writer, message, count, batch)
            } else {
                try singles(&writer, message, count)
            }
            meter.stop(&report)
            report["started"] = Int(started)
            return report
        }
        let links = try LinkList<RingWriter>(count: order["links"]) { index throws(BusError) in
            try GivenLinks.writer(index, order)
        }
        BusEnd.ready()
        report["started"] = Int(BusClock.now)
        try spread(links, message, order)
        return report
    }

    static func consume(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        var report = EndReport()
        guard order["links"] > 1 else {
            var reader = try GivenLinks.reader(0, order)
            BusEnd.ready()
            var meter = CostMeter(counts: order["counts"] != 0)
            let count = UInt64(order["messages"])
            let batch = order["batch"]
            let isKnown = order["resumes"] == 0
            meter.start()
            let wrong = try take(&reader, message, count, batch, isKnown)
            meter.stop(&report)
            report["ended"] = Int(wrong.ended)
            report["wrong"] = wrong.count
            return report
        }
        let links = try LinkList<RingReader>(count: order["links"]) { index throws(BusError) in
            try GivenLinks.reader(index, order)
        }
        BusEnd.ready()
        report["wrong"] = try gather(links, message, order)
        report["ended"] = Int(BusClock.now)
        return report
    }

    private static func singles(
        _ writer: inout RingWriter, _ message: borrowing BenchMessage, _ count: UInt64
    ) throws(BusError) {
        let bytes = message.bytes
        var number: UInt64 = 0
        while number < count {
            guard
                let room = try writer.reserve(bytes, topic: BenchMessage.topic, priority: .normal)
            else {
                spinForSome()
                continue
            }
            message.fill(room, number)
            writer.commit()
            number += 1
        }
    }

    private static func batches(
        _ writer: inout RingWriter, _ message: borrowing BenchMessage, _ count: UInt64,
        _ batch: Int
    ) throws(BusError) {
        let bytes = message.bytes
        var number: UInt64 = 0
        while number < count {
            let first = number
            let most = min(batch, Int(count - number))
            let staged = try writer.stage(
                most, bytes: bytes, topic: BenchMessage.topic, priority: .normal
            ) { message.fill($1, first &+ UInt64($0)) }
            if staged > 0 { writer.publish() } else { spinForSome() }
            number += UInt64(staged)
        }
    }

    /// Takes all messages and gives how many were not what they had to be, and when the last came.
    private static func take(
        _ reader: inout RingReader, _ message: borrowing BenchMessage, _ count: UInt64,
        _ batch: Int, _ startsAtZero: Bool
    ) throws(BusError) -> (count: Int, ended: UInt64) {
        var number: UInt64 = 0
        var isKnown = startsAtZero
        var wrong = 0
        while number < count {
            let taken = try reader.take(batch) { next in
                let found = message.take(next.payload)
                if !isKnown, let found { number = found }
                isKnown = true
                if found != number { wrong += 1 }
                number += 1
            }
            if taken > 0 { reader.commit() } else { spinForSome() }
        }
        reader.commit()
        return (wrong, BusClock.now)
    }

    /// Batches go to one link after the other.
    private static func spread(
        _ links: borrowing LinkList<RingWriter>, _ message: borrowing BenchMessage,
        _ order: BusEndOrder
    ) throws(BusError) {
        var left = order["messages"]
        var numbers = [UInt64](repeating: 0, count: links.count)
        var index = 0
        while left > 0 {
            var staged = 0
            while staged < order["batch"], left > 0,
                let room = try links[index].reserve(
                    message.bytes, topic: BenchMessage.topic, priority: .normal)
            {
                message.fill(room, numbers[index])
                links[index].stage()
                numbers[index] += 1
                staged += 1
                left -= 1
            }
            if staged > 0 { links[index].publish() } else { spinForSome() }
            index = index + 1 == links.count ? 0 : index + 1
        }
    }

    private static func gather(
        _ links: borrowing LinkList<RingReader>, _ message: borrowing BenchMessage,
        _ order: BusEndOrder
    ) throws(BusError) -> Int {
        var left = order["messages"]
        var numbers = [UInt64](repeating: 0, count: links.count)
        var wrong = 0
        var index = 0
        while left > 0 {
            var taken = 0
            while taken < order["batch"], let next = try links[index].next() {
                if message.take(next.payload) != numbers[index] { wrong += 1 }
                numbers[index] += 1
                taken += 1
            }
            if taken > 0 { links[index].commit() }
            left -= taken
            index = index + 1 == links.count ? 0 : index + 1
        }
        return wrong
    }
}
