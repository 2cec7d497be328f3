import Glibc
import PoiseBus
import PoiseModel
import PoiseTestSupport
import Testing

/// Memory for long messages: nobody's block is given to another while somebody may read it.
@Suite struct ArenaTests {
    private static let bytes = 1 << 20

    private static func arena(_ descriptor: Int32) throws -> ArenaWriter {
        ArenaWriter(
            memory: try BusMemory(mapping: descriptor, bytes: bytes, writable: true),
            descriptor: dup(descriptor))
    }

    @Test(arguments: 1...10)
    func `blocks never overlap, and all comes back`(seed: UInt64) throws {
        let descriptor = try BusMemory.make(name: "test-a", bytes: ArenaTests.bytes)
        defer { close(descriptor) }
        var arena = try ArenaTests.arena(descriptor)
        var random = SplitMix64(seed: seed)
        var held: [(ArenaReference, ArenaWriter.Hold)] = []
        var taken: UInt64 = 0
        var end: UInt64 = 0
        for _ in 0..<500 {
            let length = Int(random.next() % 100_000)
            if let (reference, _) = try arena.reserve(length) {
                let new = reference.offset..<(reference.offset + length)
                for (other, hold) in held where hold.end > taken {
                    let old = other.offset..<(other.offset + other.length)
                    #expect(!new.overlaps(old))
                }
                end += 1
                let hold = ArenaWriter.Hold(link: 0, lane: 1, end: end)
                arena.hold(reference, hold)
                held.append((reference, hold))
            } else {
                taken += random.next() % (end - taken + 1)
                let now = taken
                arena.collect { _, _ in now }
                held.removeAll { $0.1.end <= now }
            }
        }
        arena.collect { _, _ in .max }
        let isFree = arena.freeBytes == arena.bytes
        #expect(isFree)
    }

    @Test func `a block to many stays until the last has taken it`() throws {
        let descriptor = try BusMemory.make(name: "test-a", bytes: ArenaTests.bytes)
        defer { close(descriptor) }
        var arena = try ArenaTests.arena(descriptor)
        let (reference, _) = try #require(try arena.reserve(900_000))
        arena.hold(reference, ArenaWriter.Hold(link: 1, lane: 0, end: 10))
        arena.hold(reference, ArenaWriter.Hold(link: 2, lane: 3, end: 20))
        arena.collect { link, _ in link == 1 ? 10 : 19 }
        let isEarly = try arena.reserve(900_000) != nil
        #expect(!isEarly)
        arena.collect { link, _ in link == 1 ? nil : 20 }
        let isLater = try arena.reserve(900_000) != nil
        #expect(isLater)
    }

    @Test func `a long message is read where it lies, and survives its sender`() throws {
        let descriptor = try BusMemory.make(name: "test-a", bytes: ArenaTests.bytes)
        defer { close(descriptor) }
        let link = try TestLink()
        do {
            var writer = try link.writer()
            var arena = try ArenaTests.arena(descriptor)
            let (reference, room) = try #require(try arena.reserve(600_000))
            for index in room.indices { room[index] = UInt8(truncatingIfNeeded: index * 7) }
            let record = try writer.reserve(
                ArenaReference.bytes, topic: 5, priority: .high, context: nil, inArena: true)
            reference.write(to: try #require(record))
            writer.commit()
        }
        // The sender starts again while nobody has read.
        let writer = try link.writer()
        var arena = try ArenaTests.arena(descriptor)
        for (reference, lane, end) in try writer.references() {
            let isHeld = arena.hold(reference, ArenaWriter.Hold(link: 0, lane: lane, end: end))
            #expect(isHeld)
        }
        let before = arena.freeBytes
        #expect(before < ArenaTests.bytes)
        var reader = try RingReader(
            producer: link.producer(writable: false), consumer: link.consumer(writable: true),
            layout: link.layout, dropsOldest: false,
            arena: BusMemory(mapping: descriptor, bytes: ArenaTests.bytes, writable: false))
        let message = try #require(try reader.next())
        #expect(message.payload.count == 600_000)
        #expect(
            message.payload.indices.allSatisfy {
                message.payload[$0] == UInt8(truncatingIfNeeded: $0 * 7)
            })
        reader.commit()
        let taken = writer.progress(.high).taken
        arena.collect { _, _ in taken }
        let after = arena.freeBytes
        #expect(after == ArenaTests.bytes)
        try arena.giveBack()
    }
}
