import PoiseBus
import PoiseModel
import PoiseTestSupport
import Testing

/// Many messages written or read in one go are the same messages.
@Suite struct RingRunTests {
    @Test(arguments: 1...20)
    func `runs and single messages mix, and nothing is lost or out of order`(
        seed: UInt64
    ) throws {
        let link = try TestLink(ringBytes: 4096 << (seed % 4))
        var writer = try link.writer()
        var reader = try link.reader()
        var random = SplitMix64(seed: seed)
        var sent: UInt64 = 0
        var expected: UInt64 = 0
        var wrong = 0
        for _ in 0..<4000 {
            switch random.next() % 4 {
            case 0:
                let first = sent
                let bytes = 8 * (1 + Int(random.next() % 20))
                sent += UInt64(
                    try writer.stage(
                        Int(random.next() % 70), bytes: bytes, topic: 3, priority: .high
                    ) { $1.storeBytes(of: first + UInt64($0), as: UInt64.self) })
                writer.publish()
            case 1:
                if try put(&writer, bytes(of: Int(sent)), .high, random.next() % 2 == 0) {
                    sent += 1
                }
            case 2:
                _ = try reader.take(Int(random.next() % 50)) { message in
                    let isNext =
                        message.payload.load(as: UInt64.self) == expected
                        && message.sequence == expected && message.priority == .high
                    if !isNext { wrong += 1 }
                    expected += 1
                }
                if random.next() % 2 == 0 { reader.commit() }
            default:
                if let message = try take(&reader) {
                    if UInt64(number(of: message.bytes)) != expected { wrong += 1 }
                    expected += 1
                }
            }
        }
        writer.publish()
        while true {
            let count = try reader.take(64) { message in
                if message.payload.load(as: UInt64.self) != expected { wrong += 1 }
                expected += 1
            }
            reader.commit()
            if count == 0 { break }
        }
        #expect(wrong == 0)
        #expect(expected == sent)
        #expect(sent > 5000)
    }

    @Test func `a run to no room gives what had some`() throws {
        let link = try TestLink()
        var writer = try link.writer()
        let staged = try writer.stage(1000, bytes: 100, topic: 1, priority: .low) { _, _ in }
        #expect(staged > 20)
        #expect(staged < 42)
        #expect(throws: BusError.self) {
            try writer.stage(1, bytes: 1 << 30, topic: 1, priority: .low) { _, _ in }
        }
        #expect(throws: BusError.self) {
            try writer.stage(1, bytes: -1, topic: 1, priority: .low) { _, _ in }
        }
    }
}
