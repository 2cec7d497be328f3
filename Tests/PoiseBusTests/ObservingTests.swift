import Glibc
import PoiseBus
import PoiseModel
import PoiseTestSupport
import Testing

/// Who looks at a link from outside reads only, and tells what the two sides did.
@Suite struct ObservingTests {
    private func observer(_ link: TestLink) throws -> RingObserver {
        try RingObserver(
            producer: link.producerFile, consumer: link.consumerFile, layout: link.layout,
            dropsOldest: link.dropsOldest)
    }

    private func counters(_ link: TestLink) throws -> LinkCounters {
        try LinkObserver(
            producer: link.producerFile, consumer: link.consumerFile, layout: link.layout
        ).counters()
    }

    private func seen(
        _ observer: inout RingObserver, most: Int = 10_000, firstBytes: Int = 64,
        topic: UInt32? = nil
    ) throws -> [ObservedMessage] {
        try observer.follow(most: most, firstBytes: firstBytes) { topic == nil || topic == $0 }
    }

    @Test func `what was sent and not read is the depth`() throws {
        let link = try TestLink(ringBytes: 1 << 16)
        var writer = try link.writer()
        var reader = try link.reader()
        #expect(try counters(link).isEmpty == true)
        for number in 0..<10 { _ = try put(&writer, bytes(of: number), .normal) }
        for _ in 0..<3 { _ = try put(&writer, [1], .urgent) }
        for _ in 0..<4 { _ = try take(&reader) }
        reader.commit()
        let found = try counters(link)
        #expect(found.depth == 9)
        #expect(found.isEmpty == false)
        #expect(found.lanes.map(\.sent) == [3, 0, 10, 0])
        #expect(found.sum(\.taken) == 4)
    }

    @Test(arguments: [false, true])
    func `messages are seen as they pass, whole and in order, and are still there to be read`(
        dropsOldest: Bool
    ) throws {
        let link = try TestLink(ringBytes: 1 << 14, dropsOldest: dropsOldest)
        var writer = try link.writer()
        var reader = try link.reader()
        _ = try put(&writer, [9], .low)
        var observer = try observer(link)
        for round in 0..<50 {
            for number in 0..<20 {
                _ = try put(&writer, bytes(of: 20 * round + number), .normal)
            }
            let messages = try seen(&observer)
            let numbers = messages.map { number(of: $0.firstBytes) }
            #expect(numbers == Array(20 * round..<20 * round + 20))
            #expect(messages.allSatisfy { $0.priority == .normal && $0.bytes == 8 })
            var taken = 0
            while try take(&reader) != nil { taken += 1 }
            reader.commit()
            #expect(taken == (round == 0 ? 21 : 20))
        }
        #expect(observer.missed == 0)
    }

    @Test(arguments: [false, true])
    func `what passed too fast is a gap, and shown messages and gaps are all there were`(
        dropsOldest: Bool
    ) throws {
        let link = try TestLink(ringBytes: 4096, dropsOldest: dropsOldest)
        var writer = try link.writer()
        var reader = try link.reader()
        var observer = try observer(link)
        var random = SplitMix64(seed: 7)
        var (sent, shown) = (0, 0)
        var last: UInt64?
        for _ in 0..<300 {
            for _ in 0..<Int(random.next() % 200) {
                let size = 8 + Int(random.next() % 200)
                let payload = bytes(of: sent) + [UInt8](repeating: 7, count: size - 8)
                #expect(try put(&writer, payload, .normal))
                sent += 1
                while try take(&reader) != nil {}
                reader.commit()
            }
            for message in try seen(&observer, firstBytes: 8) {
                // The number in it is its own: it was not torn.
                #expect(number(of: message.firstBytes) == Int(message.sequence))
                #expect(last.map { message.sequence > $0 } ?? true)
                last = message.sequence
                shown += 1
            }
        }
        _ = try put(&writer, bytes(of: sent), .normal)
        shown += try seen(&observer).count
        #expect(shown + Int(observer.missed) == sent + 1)
        #expect(observer.missed > 0)
        #expect(shown > 300)
    }

    @Test func `only wanted topics are shown, and others are no gap`() throws {
        let link = try TestLink(ringBytes: 1 << 14)
        var writer = try link.writer()
        var observer = try observer(link)
        for number in 0..<10 {
            let room = try writer.reserve(8, topic: UInt32(number % 2), priority: .normal)
            room?.copyBytes(from: bytes(of: number))
            writer.commit()
        }
        let messages = try seen(&observer, topic: 1)
        #expect(messages.map { number(of: $0.firstBytes) } == [1, 3, 5, 7, 9])
        #expect(observer.missed == 0)
    }

    @Test func `the context and the length come with a message, of its payload only what is asked`()
        throws
    {
        let link = try TestLink(ringBytes: 1 << 14)
        var writer = try link.writer()
        var observer = try observer(link)
        var context = MessageContext()
        context.trace = TraceContext(traceHigh: 1, traceLow: 2, span: 3, flags: 1)
        context.request = 44
        let room = try writer.reserve(500, topic: 5, priority: .high, context: context)
        room?.copyBytes(from: [UInt8](repeating: 65, count: 500))
        writer.commit()
        let message = try #require(try seen(&observer, firstBytes: 3).first)
        #expect(message.context == context)
        #expect(message.bytes == 500)
        #expect(message.firstBytes == [65, 65, 65])
        #expect(message.topic == 5)
    }

    @Test func `words that cannot be are unknown, and nothing crashes`() throws {
        var random = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            let link = try TestLink(ringBytes: 4096, dropsOldest: random.next() % 2 == 0)
            var observer = try observer(link)
            let producer = try link.producer(writable: true)
            let consumer = try link.consumer(writable: true)
            for _ in 0..<Int(1 + random.next() % 40) {
                let word = random.next() >> (random.next() % 64)
                let offset = 8 * Int(random.next() % 512)
                let intoRing = random.next() % 2 == 0 ? 4096 : 0
                producer.base.storeBytes(of: word, toByteOffset: offset + intoRing, as: UInt64.self)
                consumer.base.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            }
            let found = try counters(link)
            #expect(found.depthBytes.map { (0...4 * 4096).contains($0) } ?? true)
            do {
                for message in try seen(&observer) { #expect(message.bytes < 4096) }
            } catch {}
            _ = try LinkInspection(
                producer: link.producerFile, consumer: link.consumerFile, layout: link.layout
            ).damage()
        }
    }

    @Test func `honest traffic is never damage`() throws {
        let link = try TestLink(ringBytes: 4096)
        var writer = try link.writer()
        var reader = try link.reader()
        var random = SplitMix64(seed: 5)
        let inspection = try LinkInspection(
            producer: link.producerFile, consumer: link.consumerFile, layout: link.layout)
        for _ in 0..<5000 {
            let payload = [UInt8](repeating: 255, count: Int(random.next() % 900))
            let lane = BusPriority.allCases[Int(random.next() % 4)]
            _ = try put(&writer, payload, lane)
            if random.next() % 3 == 0 {
                _ = try take(&reader)
                reader.commit()
            }
            #expect(inspection.damage() == nil)
        }
    }

    @Test(arguments: [0, 8, 4096])
    func `a length or a tail that cannot be is the producer's`(offset: Int) throws {
        let link = try TestLink(ringBytes: 4096)
        var writer = try link.writer()
        for lane in [BusPriority.urgent, .high] { _ = try put(&writer, [1, 2, 3], lane) }
        let memory = try link.producer(writable: true)
        memory.base.storeBytes(of: 0x7FFF_FFF3, toByteOffset: offset, as: UInt32.self)
        let found = try LinkInspection(
            producer: link.producerFile, consumer: link.consumerFile, layout: link.layout
        ).damage()
        #expect(found?.side == .producer)
    }

    @Test func `a head inside of a message is the consumer's`() throws {
        let link = try TestLink(ringBytes: 4096)
        var writer = try link.writer()
        _ = try put(&writer, [1, 2, 3], .urgent)
        let memory = try link.consumer(writable: true)
        memory.base.storeBytes(of: 7, as: UInt64.self)
        let found = try LinkInspection(
            producer: link.producerFile, consumer: link.consumerFile, layout: link.layout
        ).damage()
        #expect(found?.side == .consumer)
    }
}
