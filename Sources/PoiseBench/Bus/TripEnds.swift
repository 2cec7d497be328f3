import PoiseBus
import PoiseModel

/// Round trips: a message there and its answer back. The messages go over `links` links in turn,
/// the answers over one more.
enum TripEnds {
    static func ping(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        let out = try LinkList<RingWriter>(count: order["links"]) { index throws(BusError) in
            try GivenLinks.writer(index, order)
        }
        var back = try GivenLinks.reader(order["links"], order)
        let count = order["messages"]
        var times = [Int](repeating: 0, count: count)
        BusEnd.ready()
        var report = EndReport()
        var wrong = 0
        var link = 0
        for number in 0..<count {
            let before = BusClock.now
            while true {
                let room = try out[link].reserve(
                    message.bytes, topic: BenchMessage.topic, priority: .normal)
                guard let room else {
                    spinOnce()
                    continue
                }
                message.fill(room, UInt64(number))
                out[link].commit()
                break
            }
            while true {
                guard let answer = try back.next() else {
                    spinOnce()
                    continue
                }
                if message.take(answer.payload) != UInt64(number) { wrong += 1 }
                back.commit()
                break
            }
            times[number] = Int(BusClock.now &- before)
            link = link + 1 == out.count ? 0 : link + 1
        }
        times.sort()
        report["p50"] = times.percentile(50)
        report["p99"] = times.percentile(99)
        report["wrong"] = wrong
        return report
    }

    static func pong(_ order: BusEndOrder) throws(BusError) -> EndReport {
        let message = BenchMessage(bytes: order["bytes"])
        let links = try LinkList<RingReader>(count: order["links"]) { index throws(BusError) in
            try GivenLinks.reader(index, order)
        }
        var back = try GivenLinks.writer(order["links"], order)
        var left = order["messages"]
        BusEnd.ready()
        var index = 0
        while left > 0 {
            if let next = try links[index].next() {
                let number = message.take(next.payload) ?? .max
                links[index].commit()
                while true {
                    let room = try back.reserve(
                        message.bytes, topic: BenchMessage.topic, priority: .normal)
                    guard let room else { continue }
                    message.fill(room, number)
                    back.commit()
                    break
                }
                left -= 1
            } else {
                spinOnce()
            }
            index = index + 1 == links.count ? 0 : index + 1
        }
        return EndReport()
    }
}
