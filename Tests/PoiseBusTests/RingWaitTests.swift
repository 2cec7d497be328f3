import Glibc
import PoiseBus
import PoiseModel
import Synchronization
import Testing

/// Two threads, each with its own mapping, that wait for each other.
@Suite struct RingWaitTests {
    private static let messages = 100_000

    @Test(arguments: BusWait.allCases)
    func `nothing is lost, and nobody sleeps for ever, however they wait`(
        wait: BusWait
    ) throws {
        let link = try TestLink()
        let failure = Mutex<String?>(nil)
        let producer = TestThread {
            do {
                var writer = try link.writer()
                for number in 0..<RingWaitTests.messages {
                    var room: UnsafeMutableRawBufferPointer?
                    while true {
                        room = try writer.reserve(8, topic: 1, priority: .normal)
                        if room != nil { break }
                        let end = BusClock.now + 20_000_000_000
                        if !writer.waitForRoom(until: end, wait) {
                            failure.withLock { $0 = "no room for \(number)" }
                            return
                        }
                    }
                    room?.storeBytes(of: number, as: Int.self)
                    writer.commit()
                }
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
        }
        var reader = try link.reader()
        var expected = 0
        while expected < RingWaitTests.messages {
            let isThere = reader.waitForMessages(until: BusClock.now + 20_000_000_000, wait)
            try #require(isThere, "nothing after \(expected)")
            while let message = try reader.next() {
                let number = message.payload.load(as: Int.self)
                guard number == expected else {
                    Issue.record("\(number) where \(expected) is next")
                    return
                }
                expected += 1
                if expected % 7 == 0 { reader.commit() }
            }
            reader.commit()
        }
        producer.join()
        let told = failure.withLock { $0 }
        #expect(told == nil)
    }

    @Test func `a wait ends when its time is over`() throws {
        let link = try TestLink()
        var reader = try link.reader()
        let began = BusClock.now
        let found = reader.waitForMessages(until: began + 30_000_000, .block)
        #expect(!found)
        #expect(BusClock.now - began >= 30_000_000)
    }

    @Test func `an overwriting producer never hands out a torn message`() throws {
        let link = try TestLink(dropsOldest: true)
        let isOver = Atomic(false)
        let producer = TestThread {
            do {
                var writer = try link.writer()
                var number: UInt64 = 0
                while !isOver.load(ordering: .relaxed) {
                    let room = try writer.reserve(
                        8 + Int(number % 90) * 8, topic: 1, priority: .low)
                    guard let room else { return }
                    for word in 0..<room.count / 8 {
                        room.storeBytes(of: number, toByteOffset: 8 * word, as: UInt64.self)
                    }
                    writer.commit()
                    number += 1
                }
            } catch {
                Issue.record("\(error)")
            }
        }
        var reader = try link.reader()
        var last: UInt64 = 0
        var count = 0
        while count < 20_000 {
            guard let message = try reader.next() else { continue }
            let number = message.payload.load(as: UInt64.self)
            let isWhole =
                message.sequence == number && message.payload.count == 8 + Int(number % 90) * 8
                && (0..<message.payload.count / 8).allSatisfy {
                    message.payload.load(fromByteOffset: 8 * $0, as: UInt64.self) == number
                }
            guard isWhole, count == 0 || number > last else {
                Issue.record("message \(number) after \(last) is torn")
                break
            }
            last = number
            count += 1
            if count % 64 == 0 { reader.commit() }
        }
        isOver.store(true, ordering: .relaxed)
        producer.join()
    }
}
