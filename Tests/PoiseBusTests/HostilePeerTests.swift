import PoiseModel
import Synchronization
import Testing

@testable import PoiseBus

/// A side that writes over its own file what it likes, while the other works: that one never reads
/// or writes outside, never stays in a loop, and says who it was.
@Suite struct HostilePeerTests {
    enum Case: CaseIterable {
        case link, linkThatOverwrites, shared
    }

    @Test(arguments: Case.allCases, 0..<40)
    func `a receiver survives whatever a sender writes`(kind: Case, seed: UInt64) throws {
        let bench = HostileBench(kind, seed: seed)
        var damages = 0
        for _ in 0..<6 { damages += try bench.receive(steps: 150) }
        #expect(damages > 0, "nothing was found")
    }

    @Test(arguments: [Case.link, .shared], 0..<40)
    func `a sender survives whatever a receiver writes`(kind: Case, seed: UInt64) throws {
        let bench = HostileBench(kind, seed: seed)
        var damages = 0
        for _ in 0..<6 { damages += try bench.send(steps: 150) }
        #expect(damages > 0, "nothing was found")
    }

    @Test(arguments: Case.allCases)
    func `a receiver survives a sender that writes at the same moment`(kind: Case) throws {
        let bench = HostileBench(kind, seed: 99)
        let isOver = Atomic(false)
        let (memory, words) = (bench.memory, bench.producerWords)
        let thread = TestThread {
            var scribbler = Scribbler(seed: 1)
            while !isOver.load(ordering: .relaxed) {
                scribbler.scribble(memory.firstBase, memory.first, near: words)
            }
        }
        for _ in 0..<40 { _ = try bench.receive(steps: 100) }
        isOver.store(true, ordering: .relaxed)
        thread.join()
    }

    @Test(arguments: [1 << 62, 1 << 32, 4096 + 16, 8192])
    func `a tail that nothing was given up for is damage by the producer`(tail: UInt64) throws {
        let bench = HostileBench(.linkThatOverwrites, seed: 1)
        let base = bench.memory.firstBase
        // Padding for ever: each of it takes a lap.
        let ring = base + LinkLayout.pageBytes
        ring.storeBytes(of: Record.padding << 48, toByteOffset: 8, as: UInt64.self)
        var reader = try bench.linkReader()
        base.storeBytes(of: tail, toByteOffset: LinkWords.tails, as: UInt64.self)
        var isFound = false
        do throws(BusError) {
            while try reader.next() != nil {}
        } catch {
            if case .damaged(by: .producer, _) = error { isFound = true }
        }
        #expect(isFound)
    }

    @Test func `a tail that goes with its floor costs no more than a look`() throws {
        let bench = HostileBench(.linkThatOverwrites, seed: 1)
        let base = bench.memory.firstBase
        let ring = base + LinkLayout.pageBytes
        ring.storeBytes(of: Record.padding << 48, toByteOffset: 8, as: UInt64.self)
        var reader = try bench.linkReader()
        let tail: UInt64 = 1 << 62
        base.storeBytes(of: tail, toByteOffset: LinkWords.tails, as: UInt64.self)
        base.storeBytes(of: tail - 4096, toByteOffset: LinkWords.floors, as: UInt64.self)
        let nothing = try reader.next()
        #expect(nothing == nil)
        let isOver = !reader.hasMessages()
        #expect(isOver)
    }

    @Test func `an honest sender that overwrites is never accused`() throws {
        let link = try TestLink(dropsOldest: true)
        let count = 200_000
        let isOver = Atomic(false)
        let thread = TestThread {
            do {
                var writer = try link.writer()
                var random = SplitMix64(seed: 5)
                for number in 0..<count {
                    let length = 8 + Int(random.next() % 900)
                    let text = bytes(of: number) + [UInt8](repeating: 1, count: length - 8)
                    _ = try put(&writer, text, .normal, random.next() % 4 != 0)
                }
                writer.publish()
            } catch {
                Issue.record("the sender: \(error)")
            }
            isOver.store(true, ordering: .releasing)
        }
        var reader = try link.reader()
        var last = -1
        var isLast = false
        while !isLast {
            isLast = isOver.load(ordering: .acquiring)
            while let message = try take(&reader) {
                let next = number(of: Array(message.bytes.prefix(8)))
                if next <= last { Issue.record("\(next) after \(last)") }
                last = next
            }
            let found = try LinkInspection(
                producer: link.producerFile, consumer: link.consumerFile, layout: link.layout
            ).damage()
            if let found { Issue.record("accused: \(found)") }
        }
        thread.join()
        #expect(last == count - 1)
    }

    @Test func `bytes of a payload that change are the only harm of changing them`() throws {
        let bench = HostileBench(.link, seed: 1)
        let layout = bench.link
        var writer = try bench.linkWriter()
        var reader = try bench.linkReader()
        for priority in BusPriority.allCases {
            let room = try writer.reserve(900, topic: 1, priority: priority)
            try #require(room).copyBytes(from: repeatElement(7, count: 900))
            writer.commit()
        }
        // All of the high lane's payload, and nothing else, is written over.
        let start = bench.memory.firstBase + LinkLayout.pageBytes + layout.ringBytes
        for offset in 64..<900 { start.storeBytes(of: 8, toByteOffset: offset, as: UInt8.self) }
        for priority in BusPriority.allCases {
            let message = try #require(try reader.next())
            #expect(message.priority == priority)
            let isRight = message.payload.allSatisfy { $0 == 7 }
            #expect(isRight == (priority != .high))
        }
    }
}

/// One pair of files that are written over and made anew, again and again.
final class HostileBench {
    private let kind: HostilePeerTests.Case
    let link = LinkLayout(ringBytes: 4096)
    let shared = SharedLayout(ringBytes: 4096)
    let memory: HostileMemory
    private var scribbler: Scribbler
    private var random: SplitMix64

    init(_ kind: HostilePeerTests.Case, seed: UInt64) {
        self.kind = kind
        scribbler = Scribbler(seed: seed)
        random = SplitMix64(seed: seed &+ 1000)
        memory = HostileMemory(
            first: kind == .shared ? shared.dataFileBytes : link.producerFileBytes,
            second: link.consumerFileBytes)
    }

    private var producer: BusMemory { BusMemory(unowned: memory.firstBase, bytes: memory.first) }
    private var consumer: BusMemory { BusMemory(unowned: memory.secondBase, bytes: memory.second) }
    private var drops: Bool { kind == .linkThatOverwrites }

    func linkWriter() throws(BusError) -> RingWriter {
        try RingWriter(producer: producer, consumer: consumer, layout: link, dropsOldest: drops)
    }
    func linkReader() throws(BusError) -> RingReader {
        try RingReader(producer: producer, consumer: consumer, layout: link, dropsOldest: drops)
    }

    /// Where the sender's words, cells and headers are.
    var producerWords: [Range<Int>] {
        let page = LinkLayout.pageBytes
        if kind == .shared {
            let tails = SharedLayout.tails
            return [
                tails..<tails + 4 * SharedLayout.tailStride, SharedLayout.cells..<shared.granules,
                shared.granules..<shared.granules + 512,
            ]
        }
        return [0..<32, 128..<160, page..<page + 256, page + link.ringBytes..<page + 2 * 4096]
    }
    private var consumerWords: [Range<Int>] { [0..<32, 128..<136] }

    /// Sends, harms and receives; 1 when the harm was found (by its author's name), then all is
    /// new.
    func receive(steps: Int) throws -> Int {
        memory.clear()
        do throws(BusError) {
            if kind == .shared { try receiveShared(steps) } else { try receiveLink(steps) }
        } catch .damaged(by: .producer, _) {
            return 1
        }
        return 0
    }

    func send(steps: Int) throws -> Int {
        memory.clear()
        do throws(BusError) {
            if kind == .shared { try sendShared(steps) } else { try sendLink(steps) }
        } catch .damaged(by: .consumer, _) {
            return 1
        }
        return 0
    }

    private func harm() {
        guard random.next() % 4 == 0 else { return }
        scribbler.scribble(memory.firstBase, memory.first, near: producerWords)
    }

    private func receiveLink(_ steps: Int) throws(BusError) {
        var reader = try linkReader()
        for _ in 0..<steps {
            // The sender's own part may find its file damaged: then it only scribbles.
            try ignoringOwn { () throws(BusError) in
                var writer = try linkWriter()
                for _ in 0..<random.next() % 4 {
                    let room = try writer.reserve(
                        Int(random.next() % 300), topic: 1,
                        priority: BusPriority.allCases[Int(random.next() % 4)])
                    if room != nil { writer.commit() }
                }
            }
            harm()
            for _ in 0..<random.next() % 8 {
                guard let message = try reader.next() else { break }
                look(at: message)
            }
            if random.next() % 2 == 0 { reader.commit() }
            _ = reader.hasMessages()
        }
    }

    private func receiveShared(_ steps: Int) throws(BusError) {
        var reader = try SharedRingReader(
            unowned: memory.firstBase, consumer: memory.secondBase, layout: shared)
        for _ in 0..<steps {
            try ignoringOwn { () throws(BusError) in
                var writer = SharedRingWriter(
                    unowned: memory.firstBase, consumer: memory.secondBase, layout: shared,
                    owner: Int(random.next() % 3))
                for _ in 0..<random.next() % 4 {
                    let room = try writer.reserve(
                        Int(random.next() % 300), topic: 1,
                        priority: BusPriority.allCases[Int(random.next() % 4)])
                    if room != nil { writer.commit() }
                }
            }
            harm()
            for _ in 0..<random.next() % 8 {
                guard let message = try reader.next() else { break }
                look(at: message)
            }
            if random.next() % 2 == 0 { reader.commit() }
            _ = reader.hasMessages()
        }
    }

    private func ignoringOwn(_ body: () throws(BusError) -> Void) throws(BusError) {
        do throws(BusError) {
            try body()
        } catch .damaged {
            return
        }
    }

    private func sendLink(_ steps: Int) throws(BusError) {
        var writer = try linkWriter()
        for _ in 0..<steps {
            let priority = BusPriority.allCases[Int(random.next() % 4)]
            if let room = try writer.reserve(
                Int(random.next() % 900), topic: 1, priority: priority)
            {
                fill(room, link.ringBytes, LinkLayout.pageBytes, priority)
                writer.commit()
            } else {
                _ = writer.waitForRoom(until: 0, .block)
            }
            _ = writer.depthBytes
            spoil()
        }
    }

    private func sendShared(_ steps: Int) throws(BusError) {
        var writer = SharedRingWriter(
            unowned: memory.firstBase, consumer: memory.secondBase, layout: shared, owner: 1)
        for _ in 0..<steps {
            let priority = BusPriority.allCases[Int(random.next() % 4)]
            if let room = try writer.reserve(
                Int(random.next() % 900), topic: 1, priority: priority)
            {
                fill(room, shared.ringBytes, shared.granules, priority)
                writer.commit()
            } else {
                _ = writer.waitForRoom(until: 0, .block)
            }
            spoil()
        }
    }

    private func spoil() {
        guard random.next() % 6 == 0 else { return }
        scribbler.scribble(memory.secondBase, memory.second, near: consumerWords)
    }

    /// All of the room must lie in its lane's ring.
    private func fill(
        _ room: UnsafeMutableRawBufferPointer, _ ring: Int, _ rings: Int, _ priority: BusPriority
    ) {
        let start = memory.firstBase + rings + priority.rawValue * ring
        let offset = room.baseAddress.map { start.distance(to: $0) } ?? 0
        #expect(offset >= 16 && offset + room.count <= ring)
        for index in room.indices { room[index] = 0xEE }
    }

    /// Every byte is read, in the ring or in the reader's copy.
    private func look(at message: BusMessage) {
        var sum: UInt8 = 0
        for byte in message.payload { sum &+= byte }
        _ = message.context
        if !drops, let base = message.payload.baseAddress {
            let rings = kind == .shared ? shared.granules : LinkLayout.pageBytes
            let start = memory.firstBase + rings + message.priority.rawValue * 4096
            let offset = start.distance(to: UnsafeMutableRawPointer(mutating: base))
            let isInside = offset >= 16 && offset + message.payload.count <= 4096
            if !isInside { Issue.record("a payload at \(offset) of \(message.payload.count)") }
        }
    }
}
