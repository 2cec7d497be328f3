import PoiseBus
import PoiseModel
import Synchronization
import Testing

/// Threads on one shared ring; under ThreadSanitizer too, since they share one mapping.
@Suite struct SharedThreadTests {
    @Test(arguments: [(1, BusWait.adaptive), (2, .spin), (4, .block), (8, .adaptive)])
    func `nothing is lost, torn or out of order between threads`(
        producers: Int, wait: BusWait
    ) throws {
        let ring = TestShared(ringBytes: 16 << 10)
        let count: UInt64 = 20_000
        let failure = Mutex<String?>(nil)
        let threads = (0..<producers).map { owner in
            TestThread {
                do {
                    try SharedThreadTests.produce(ring, owner, count, wait)
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
            }
        }
        var reader = try ring.reader()
        var next = [UInt64](repeating: 0, count: producers)
        var left = count * UInt64(producers)
        while left > 0 {
            let isThere = reader.waitForMessages(until: BusClock.now + 20_000_000_000, wait)
            try #require(isThere, "\(left) messages are missing")
            while let message = try reader.next() {
                let owner = message.producerIndex
                let isWhole = message.payload.allSatisfy {
                    $0 == UInt8(truncatingIfNeeded: message.sequence)
                }
                guard isWhole, message.sequence == next[owner],
                    message.payload.count == Int(message.sequence % 300)
                else {
                    Issue.record("message \(message.sequence) where \(next[owner]) is next")
                    return
                }
                next[owner] += 1
                left -= 1
                if left % 13 == 0 { reader.commit() }
            }
            reader.commit()
        }
        for thread in threads { thread.join() }
        let told = failure.withLock { $0 }
        #expect(told == nil)
    }

    private static func produce(
        _ ring: TestShared, _ owner: Int, _ count: UInt64, _ wait: BusWait
    ) throws {
        var writer = ring.writer(owner)
        for number in 0..<count {
            while true {
                if number % 97 == 96 {
                    _ = try writer.reserve(17, topic: 1, priority: .normal)
                    writer.abort()
                }
                let room = try writer.reserve(Int(number % 300), topic: 1, priority: .normal)
                if let room {
                    for index in room.indices { room[index] = UInt8(truncatingIfNeeded: number) }
                    break
                }
                let end = BusClock.now + 20_000_000_000
                guard writer.waitForRoom(until: end, wait) else { return }
            }
            writer.stage()
            if number % 5 == 0 { writer.publish() }
        }
        writer.publish()
    }
}
