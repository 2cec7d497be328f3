import Glibc
import PoiseModel
import Synchronization
import Testing

@testable import PoiseBus

/// Many producers, one ring.
@Suite struct SharedRingTests {
    @Test(arguments: 1...30)
    func `each producer's messages come whole, once and in order, whatever is mixed`(
        seed: UInt64
    ) throws {
        let ring = TestShared()
        var mix = try SharedMix(ring, seed: seed)
        for _ in 0..<3000 { try mix.step() }
        try mix.drain()
        #expect(mix.received > 500)
        #expect(mix.wrong == nil)
    }

    @Test func `a claim is waited for, and skipped when its producer is given up`() throws {
        let ring = TestShared()
        var dead = ring.writer(1)
        var alive = ring.writer(2)
        var reader = try ring.reader()
        let held = try dead.reserve(100, topic: 1, priority: .high)
        #expect(held != nil)
        try send(&alive, 7, .high)
        let before = try reader.next() == nil
        #expect(before, "order is that of claims")
        #expect(reader.waitsFor(.high) == 1)
        SharedRing.abandon(owner: 1, in: SharedMap(ring.data, ring.layout))
        let after = try reader.next()?.payload.load(as: UInt64.self)
        #expect(after == 7)
        // The one that was given up while it lived is told so, and nothing of it is sent.
        let isSent = dead.commit()
        #expect(!isSent)
        #expect(dead.nextSequence(.high) == 0)
        let isOver = try reader.next() == nil
        #expect(isOver)
    }

    @Test func `a claim that stands in the tail word only is given up too`() throws {
        let ring = TestShared()
        var dead = ring.writer(1)
        _ = try dead.reserve(100, topic: 1, priority: .low)
        SharedRing.abandon(owner: 1, in: SharedMap(ring.data, ring.layout))
        var alive = ring.writer(1)
        var reader = try ring.reader()
        try send(&alive, 5, .low)
        let got = try reader.next()?.payload.load(as: UInt64.self)
        #expect(got == 5)
    }

    @Test(arguments: [false, true], [false, true])
    func `a producer that died between commit and count goes on with the right number`(
        isCommitted: Bool, isOverwritten: Bool
    ) throws {
        let ring = TestShared()
        var first = ring.writer(3)
        try send(&first, 0, .normal)
        try send(&first, 1, .normal)
        let map = SharedMap(ring.data, ring.layout)
        if isCommitted {
            // As if it had died before it counted the second.
            map.committed(3, 2).pointee.store(1, ordering: .relaxed)
        } else {
            _ = try first.reserve(8, topic: 1, priority: .normal)
            let intent = SharedRing.Intent(sequence: 2, position: 2)
            map.intent(3, 2).pointee.store(intent.bits, ordering: .relaxed)
        }
        var reader = try ring.reader()
        if isOverwritten, isCommitted {
            var other = ring.writer(4)
            for number in 0..<200 {
                while try reader.next() != nil {}
                reader.commit()
                try send(&other, UInt64(number), .normal)
            }
        }
        let next = ring.writer(3).nextSequence(.normal)
        #expect(next == 2)
    }

    @Test func `positions go round`() throws {
        let ring = TestShared()
        let map = SharedMap(ring.data, ring.layout)
        // A lane that has taken 2⁴¹ granules less a few.
        let start = Claim.positionMask - 70
        map.tail(2).pointee.store(
            Claim(position: start, length: 0, owner: 0, state: .none).bits, ordering: .relaxed)
        LinkWords.word(ring.consumer, LinkWords.heads, 2).pointee.store(
            start << 6, ordering: .relaxed)
        LinkWords.word(ring.consumer + LinkWords.records, 16).pointee.store(
            start << 6, ordering: .relaxed)
        var writer = ring.writer(0)
        var reader = try ring.reader()
        for number in 0..<1000 {
            try send(&writer, UInt64(number), .normal, bytes: 8 + number % 500)
            let got = try reader.next()?.payload.loadUnaligned(as: UInt64.self)
            #expect(got == UInt64(number))
            reader.commit()
        }
    }

    @Test func `a full ring of claims that were given up makes room by itself`() throws {
        let ring = TestShared()
        var writer = ring.writer(0)
        var reader = try ring.reader()
        var count = 0
        while try writer.reserve(900, topic: 1, priority: .low) != nil {
            writer.abort()
            count += 1
        }
        #expect(count > 3)
        let isEmpty = try reader.next() == nil
        #expect(isEmpty)
        let room = try writer.reserve(900, topic: 1, priority: .low)
        #expect(room != nil)
    }

    @Test(arguments: 0...40)
    func `a consumer killed in a commit has the old heads and state or the new ones`(
        step: Int
    ) throws {
        // The commit is done on a copy of the file, of which the first words that differ are kept:
        // in the order in which the commit writes them.
        let ring = TestShared()
        var writer = ring.writer(0)
        var reader = try ring.reader()
        for number in 0..<4 { try send(&writer, UInt64(number), .high) }
        _ = try reader.next()
        commit(&reader, state: 1)
        let before = bytes(ring)
        _ = try reader.next()
        commit(&reader, state: 2)
        let after = bytes(ring)
        // All but the word that makes the record count may be there in any part and any order.
        var random = SplitMix64(seed: UInt64(step))
        let mark = LinkWords.record..<LinkWords.record + 8
        for index in after.indices {
            let takes = random.next() % 2 == 0 && !mark.contains(index)
            ring.consumer.storeBytes(
                of: takes && index >= 4096 ? after[index] : before[index], toByteOffset: index,
                as: UInt8.self)
        }
        var second = try ring.reader()
        let state = second.state.load(as: UInt64.self)
        let next = try second.next()?.payload.load(as: UInt64.self)
        #expect(state == 1)
        #expect(next == 1)
    }

    private func bytes(_ ring: TestShared) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: ring.consumer, count: ring.layout.consumerFileBytes))
    }

    private func commit(_ reader: inout SharedRingReader, state: UInt64) {
        withUnsafeBytes(of: state) { reader.commit(state: $0) }
    }

    private func send(
        _ writer: inout SharedRingWriter, _ number: UInt64, _ priority: BusPriority,
        bytes: Int = 8
    ) throws {
        let room = try writer.reserve(bytes, topic: 1, priority: priority)
        try #require(room).storeBytes(of: number, as: UInt64.self)
        let isSent = writer.commit()
        #expect(isSent)
    }
}
