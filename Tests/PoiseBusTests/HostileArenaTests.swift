import PoiseModel
import Testing

@testable import PoiseBus

/// References into the arena that point outside, overlap or are cut: nothing outside is read, and
/// no block is somebody else's as well.
@Suite struct HostileArenaTests {
    private static let bytes = 1 << 16

    /// Numbers that are likely to be taken wrongly.
    private static func number(_ random: inout SplitMix64) -> UInt64 {
        let bytes = UInt64(HostileArenaTests.bytes)
        switch random.next() % 10 {
        case 0: return random.next()
        case 1: return .max &- random.next() % 64
        case 2: return 1 << 63 &+ random.next() % 64 &- 32
        case 3: return UInt64(Int.max) &- random.next() % 8192
        case 4: return bytes &+ random.next() % 64 &- 32
        case 5: return 0
        case 6: return 1 << (random.next() % 64)
        default: return random.next() % (bytes + 4096) & ~15
        }
    }

    private static func arena(_ memory: HostileMemory) -> BusMemory {
        BusMemory(unowned: memory.firstBase, bytes: bytes)
    }

    /// A link with a reference in it, and an arena, both between pages that nobody may touch.
    private struct Bench {
        let layout = LinkLayout(ringBytes: 4096)
        let fenced = HostileMemory(first: HostileArenaTests.bytes, second: 4096)
        let files: HostileMemory
        let drops: Bool

        init(drops: Bool) {
            self.drops = drops
            files = HostileMemory(
                first: layout.producerFileBytes, second: layout.consumerFileBytes)
        }

        private var producer: BusMemory { BusMemory(unowned: files.firstBase, bytes: files.first) }
        private var consumer: BusMemory {
            BusMemory(unowned: files.secondBase, bytes: files.second)
        }

        func send(_ words: [UInt64], cutTo length: Int) throws(BusError) {
            files.clear()
            var writer = try RingWriter(
                producer: producer, consumer: consumer, layout: layout, dropsOldest: drops)
            let room = try writer.reserve(
                length, topic: 1, priority: .high, context: nil, inArena: true)
            words.withUnsafeBytes { room?.copyBytes(from: $0.prefix(length)) }
            writer.commit()
        }

        func reader(hasArena: Bool) throws(BusError) -> RingReader {
            if !hasArena {
                return try RingReader(
                    producer: producer, consumer: consumer, layout: layout, dropsOldest: drops)
            }
            return try RingReader(
                producer: producer, consumer: consumer, layout: layout, dropsOldest: drops,
                arena: HostileArenaTests.arena(fenced))
        }

        /// Where in the arena the payload lies, each byte of which was read; nil: it is refused.
        func receive(hasArena: Bool) throws -> Range<Int>? {
            var reader = try reader(hasArena: hasArena)
            do throws(BusError) {
                let payload = try reader.next()?.payload
                var sum: UInt8 = 0
                for byte in payload ?? UnsafeRawBufferPointer(start: nil, count: 0) {
                    sum &+= byte
                }
                guard let payload, let base = payload.baseAddress else { return 0..<0 }
                let at = fenced.firstBase.distance(to: UnsafeMutableRawPointer(mutating: base))
                return at..<(at + payload.count)
            } catch {
                guard case .damaged(by: .producer, _) = error else { throw error }
                return nil
            }
        }
    }

    @Test(arguments: 0..<20, [false, true])
    func `a receiver reads nothing outside of the arena`(seed: UInt64, drops: Bool) throws {
        let bench = Bench(drops: drops)
        var random = SplitMix64(seed: seed)
        var (inside, refused) = (0, 0)
        for _ in 0..<500 {
            let length = random.next() % 8 == 0 ? Int(random.next() % 40) : ArenaReference.bytes
            let words = (0..<5).map { _ in HostileArenaTests.number(&random) }
            try bench.send(words, cutTo: length)
            let hasArena = random.next() % 8 != 0
            guard let found = try bench.receive(hasArena: hasArena) else {
                refused += 1
                continue
            }
            inside += 1
            #expect(length == ArenaReference.bytes)
            #expect(found.lowerBound >= 0 && found.upperBound <= HostileArenaTests.bytes)
            #expect(found.count == Int(words[1]))
            if hasArena { #expect(found.lowerBound == Int(words[0])) }
        }
        #expect(inside > 20 && refused > 100, "\(inside) inside, \(refused) refused")
    }

    @Test(arguments: 0..<20)
    func `a sender takes up only blocks that can be, and none twice`(seed: UInt64) throws {
        let fenced = HostileMemory(first: HostileArenaTests.bytes, second: 4096)
        var random = SplitMix64(seed: seed)
        var writer = ArenaWriter(memory: HostileArenaTests.arena(fenced), descriptor: -1)
        var held: [Range<Int>] = []
        for number in 0..<2000 {
            var offset = HostileArenaTests.number(&random)
            if random.next() % 2 == 0 { offset &= ~4095 }
            let reference = ArenaReference(
                offset: Int(truncatingIfNeeded: offset),
                length: Int(truncatingIfNeeded: HostileArenaTests.number(&random) / 8))
            let hold = ArenaWriter.Hold(link: 0, lane: 0, end: UInt64(number))
            guard writer.hold(reference, hold) else { continue }
            let block = reference.offset..<(reference.offset + reference.length)
            #expect(block.lowerBound >= 0 && block.upperBound <= HostileArenaTests.bytes)
            for other in held where other.lowerBound != block.lowerBound {
                #expect(!other.overlaps(block), "\(block) and \(other)")
            }
            held.append(block)
        }
        #expect(!held.isEmpty)
        while let (reference, room) = try writer.reserve(5000) {
            let block = reference.offset..<(reference.offset + reference.length)
            for other in held { #expect(!other.overlaps(block), "\(block) and \(other)") }
            for index in room.indices { room[index] = 1 }
            held.append(block)
            writer.hold(reference, ArenaWriter.Hold(link: 0, lane: 0, end: 0))
        }
        writer.collect { _, _ in .max }
        let isFree = writer.freeBytes == HostileArenaTests.bytes
        #expect(isFree)
    }

    @Test(arguments: 0..<40)
    func `a sender that starts over its own damaged file takes up what can be`(
        seed: UInt64
    ) throws {
        let layout = LinkLayout(ringBytes: 4096)
        let fenced = HostileMemory(first: HostileArenaTests.bytes, second: 4096)
        let files = HostileMemory(
            first: layout.producerFileBytes, second: layout.consumerFileBytes)
        let writer = { () throws(BusError) in
            try RingWriter(
                producer: BusMemory(unowned: files.firstBase, bytes: files.first),
                consumer: BusMemory(unowned: files.secondBase, bytes: files.second),
                layout: layout, dropsOldest: false)
        }
        var scribbler = Scribbler(seed: seed)
        let page = LinkLayout.pageBytes
        for _ in 0..<200 {
            files.clear()
            do throws(BusError) {
                var first = try writer()
                while let room = try first.reserve(
                    ArenaReference.bytes, topic: 1, priority: .urgent, context: nil, inArena: true)
                {
                    ArenaReference(offset: 4096, length: 100).write(to: room)
                    first.commit()
                }
                for _ in 0..<8 {
                    scribbler.scribble(files.firstBase, files.first, near: [page..<page + 4096])
                }
                let second = try writer()
                var arena = ArenaWriter(memory: HostileArenaTests.arena(fenced), descriptor: -1)
                for (reference, lane, end) in try second.references() {
                    arena.hold(reference, ArenaWriter.Hold(link: 0, lane: lane, end: end))
                }
                arena.collect { _, _ in .max }
                let isFree = arena.freeBytes == HostileArenaTests.bytes
                #expect(isFree)
            } catch {
                guard case .damaged = error else { throw error }
            }
        }
    }
}
