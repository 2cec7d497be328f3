import PoiseModel
import Synchronization
import Testing

@testable import PoiseBus

/// Ends that died at the worst moments.
@Suite struct RingCrashTests {
    @Test(arguments: [false, true])
    func `an unpublished message over the beginning of the lap does not confuse the next producer`(
        dropsOldest: Bool
    ) throws {
        let link = try TestLink(dropsOldest: dropsOldest)
        var writer = try link.writer()
        var reader = try link.reader()
        var count: UInt64 = 0
        while count < 120 {
            let room = try writer.reserve(3, topic: 1, priority: .high)
            try #require(room).storeBytes(of: UInt8(count), as: UInt8.self)
            writer.commit()
            count += 1
        }
        while try reader.next() != nil {}
        reader.commit()
        // It ends where no earlier one ended.
        let bytes = link.layout.longestPayload - 16
        let long = try writer.reserve(bytes, topic: 1, priority: .high)
        try #require(long).copyBytes(from: repeatElement(0xAB, count: bytes))
        // It dies here.
        var second = try link.writer()
        #expect(second.nextSequence(.high) == count)
        let room = try second.reserve(8, topic: 1, priority: .high)
        try #require(room).storeBytes(of: 99, as: UInt64.self)
        second.commit()
        let got = try reader.next()
        #expect(got?.sequence == count)
        #expect(got?.payload.load(as: UInt64.self) == 99)
    }

    @Test func `a consumer that died between its record and its heads does not block for ever`()
        throws
    {
        let link = try TestLink()
        var writer = try link.writer()
        while try writer.reserve(900, topic: 1, priority: .low) != nil { writer.commit() }
        var reader = try link.reader()
        while try reader.next() != nil {}
        let memory = try link.consumer(writable: true)
        let head = LinkWords.word(memory.base, LinkWords.heads, BusPriority.low.rawValue)
        let before = head.pointee.load(ordering: .relaxed)
        withUnsafeBytes(of: 1) { reader.commit(state: $0) }
        // As if it had died before it told the producer.
        head.pointee.store(before, ordering: .relaxed)
        let second = try link.reader()
        #expect(second.state.load(as: Int.self) == 1)
        let room = try writer.reserve(900, topic: 1, priority: .low)
        #expect(room != nil)
    }
}
